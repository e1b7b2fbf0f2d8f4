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


"""What rows tell of the fences of all hosts, and who vouches for one."""

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
import datetime
import uuid

import sqlalchemy as sa
from sqlalchemy import orm

from hass.bmc import identity
from hass.db import hosts
from hass.db import models
from hass.db import moments
from hass.db import wirings

Host = models.Host
PlaceOf = Callable[[Host], str | None]


def place_in_row(host: Host) -> str | None:
    """Where its BMC is as the API was told; files of engines may name one."""
    return hosts.place_of(host.bmc_address, host.bmc_port)


def place_known(host: Host) -> str | None:
    """The same, or where an engine found it that has it from a file."""
    return place_in_row(host) or host.bmc_guid_from


def known(
    session: orm.Session, place_of: PlaceOf = place_in_row
) -> dict[str, identity.Known]:
    """What is known of every host's BMC, by name of the host."""
    columns = orm.load_only(
        Host.name,
        Host.bmc_address,
        Host.bmc_port,
        Host.bmc_guid,
        Host.bmc_guid_from,
        Host.bmc_mac,
        Host.system_uuid,
        Host.fence_waived_by,
        Host.fence_wiring,
        raiseload=True,
    )
    query = sa.select(Host).options(columns, orm.noload(Host.cluster))
    now = moments.read_now(session)
    return of(session.scalars(query), now, place_of)


def of(
    rows: Iterable[Host],
    now: datetime.datetime,
    place_of: PlaceOf = place_in_row,
) -> dict[str, identity.Known]:
    """The same of rows that were read already."""
    return {row.name: _known(row, now, place_of(row)) for row in rows}


def _known(
    row: Host, now: datetime.datetime, place: str | None
) -> identity.Known:
    wiring = wirings.Wiring.of(row)
    mac = None if hosts.is_another_bmc(row, place) else row.bmc_mac
    return identity.Known(
        row.name,
        place,
        row.bmc_guid,
        row.system_uuid,
        _vouched(row, place),
        wiring.holds(place, row.system_uuid, now),
        wiring.guid,
        mac,
        mac,
    )


def _vouched(row: Host, place: str | None) -> str:
    """Who vouches for the BMC at this place; '': nobody does."""
    if hosts.is_another_bmc(row, place):
        return ''
    return row.fence_waived_by or ''


def is_own(
    row: Host,
    known: Mapping[str, identity.Known],
    guid: uuid.UUID | None,
    mac: str | None,
) -> bool:
    """Whether a BMC that was read now is surely this host's.

    :param known: of all hosts
    :param guid, mac: what it said of itself in the session that it was read
        in
    """
    if row.fence_state is not models.FenceState.WORKING:
        return False
    own = known[row.name].saying(guid, mac)
    return not identity.doubt(own, known.values())


class Doubts:
    """What an operator should know of fences before they are needed.

    :param found: all hosts
    :param test_seconds: how old the last answer of a fence may be
    :param search_seconds: how long a search waits for a BMC
    """

    def __init__(
        self,
        found: Iterable[Host],
        now: datetime.datetime,
        *,
        place_of: PlaceOf,
        test_seconds: float,
        search_seconds: float,
    ) -> None:
        self._rows = {row.name: row for row in found}
        self._known = of(self._rows.values(), now, place_of)
        self._register = identity.Register(self._known.values())
        self._now = now
        self._test_seconds = test_seconds
        self._search_seconds = search_seconds

    def of(self, name: str) -> list[str]:
        """A sentence for each; a host without a BMC has no fence to doubt."""
        row, own = self._rows.get(name), self._known.get(name)
        if row is None or own is None or own.place is None:
            return []
        found = (
            self._whose(row, own),
            _waived(row),
            self._untested(row),
            self._slow(row),
        )
        return [one for one in found if one]

    def _whose(self, row: Host, own: identity.Known) -> str:
        others = self._register.alike(own)
        why = identity.foreign(own, others)
        if not why and not own.waived and row.fence_tested_at is not None:
            why = identity.unknown(own)
        return f'it would not be fenced: {why}' if why else ''

    def _untested(self, row: Host) -> str:
        if row.fence_tested_at is None:
            return hosts.NEVER_TRIED
        seconds = (self._now - row.fence_tested_at).total_seconds()
        if seconds <= self._test_seconds:
            return ''
        return f'{hosts.TRIED_LONG_AGO} ({self._test_seconds:.0f})'

    def _slow(self, row: Host) -> str:
        took = row.fence_read_seconds or 0.0
        if took <= self._search_seconds:
            return ''
        return (
            f'its BMC took {took:.1f} s to answer, longer than [detection] '
            f'search_seconds ({self._search_seconds:g}): its recovery has to '
            'wait for it'
        )


def _waived(row: Host) -> str:
    if not row.fence_waived_by:
        return ''
    return (
        f'{row.fence_waived_by} vouches that its BMC is its own '
        f'({row.fence_waived_why}): if it is not, instances run twice'
    )


def waive(session: orm.Session, name: str, who: str, why: str) -> None:
    """A person vouches that the BMC of the host is its own."""
    row = hosts.get(session, name)
    row.fence_waived_by, row.fence_waived_why = who, why
    row.fence_waived_at = moments.read_now(session)
    session.flush()


def unwaive(session: orm.Session, name: str) -> None:
    """Nobody vouches for it any more."""
    row = hosts.get(session, name)
    row.fence_waived_by = row.fence_waived_at = row.fence_waived_why = None
    session.flush()


def learn_off(session: orm.Session, name: str, seconds: float) -> None:
    """How long a power off took to become true: the longest is kept."""
    row = hosts.get(session, name)
    row.fence_off_seconds = max(row.fence_off_seconds or 0.0, seconds)
    session.flush()
