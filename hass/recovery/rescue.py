# Licensed under the Apache License, Version 2.0 (the "License"); you may
# not use this file except in compliance with the License. You may obtain
# a copy of the License at
#
#      http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS, WITHOUT
# WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied. See the
# License for the specific language governing permissions and limitations
# under the License.

"""What becomes of lost instances: they are brought back, or paged.

One on a living host is a case for its own recovery. It is paged when that
has not helped in time. All others are paged at once.
"""

from collections.abc import Collection
from collections.abc import Sequence
import dataclasses
import datetime

from sqlalchemy import orm

from hass.db import hosts
from hass.db import losses
from hass.db import notifications
from hass import entitlement
from hass import faults
from hass import nova
from hass.recovery import closing
from hass.recovery import intent

RESCUE_SECONDS = 180.0
"""Recoveries of their own have so long before a page names instances."""
RESTARTED = intent.SHOULD_RUN | {'stopped'}
"""vm_states that instance_failure brings back from. Whether somebody wanted
it stopped is looked at then."""


def able(
    session: orm.Session,
    rule: entitlement.Rule,
    found: Sequence[closing.Finding],
    dead: Collection[str],
) -> list[closing.Finding]:
    """Those that recoveries of their own may bring back.

    An instance that runs twice is none: people decide which guest ends.

    :param found: lost ones
    :param dead: hosts on which nothing can be started now
    """
    wanted = [
        one
        for one in found
        if one.server is not None
        and one.server.vm_state in RESTARTED
        and not (one.unprotected or one.ports or one.twice)
    ]
    if not wanted:
        return []
    names = {one.server.host or '' for one in wanted if one.server}
    known = hosts.by_names(session, sorted(names))

    def is_able(server: nova.Server) -> bool:
        if notifications.waits(session, server.uuid):
            return True
        row = known.get(server.host or '')
        if row is None or row.name in dead:
            return False
        counted = rule.guest_layers(server, row.cluster.layers)
        return faults.Layer.INSTANCE in counted.layers

    return [one for one in wanted if one.server and is_able(one.server)]


def name(
    session: orm.Session,
    host: str,
    found: Sequence[closing.Finding],
    helped: Collection[closing.Finding],
    *,
    why: str = '',
    recovery_uuid: str | None = None,
    off_at: datetime.datetime | None = None,
) -> None:
    """Record those that are lost, and tell of those that are to be helped.

    :param host: the host that failed or booted anew, and had them
    :param helped: see able()
    :param why: how they were lost; '': as each finding says
    :param off_at: see losses.record()
    """
    lost = [
        dataclasses.replace(one.lost(), page_seconds=RESCUE_SECONDS)
        if one in helped
        else one.lost()
        for one in found
    ]
    losses.record(session, host, lost, recovery_uuid, off_at)
    for one in helped:
        assert one.server is not None
        if notifications.waits(session, one.uuid):
            continue
        at = one.server.host == host and off_at
        notifications.add(
            session,
            source=notifications.ENGINE,
            host=one.server.host or '',
            layer=faults.Layer.INSTANCE,
            payload={
                'instance': one.uuid,
                'event': faults.Incident.KILLED,
                'detail': why or one.why,
                'off_at': at.isoformat() if at else None,
                'asked_last': one.asked_last,
            },
            generated_at=off_at,
        )
