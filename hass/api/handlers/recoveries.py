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

"""/v1/recoveries"""

import datetime
from typing import Any

import falcon
from sqlalchemy import orm

from hass.api import body
from hass.api.front import admit
from hass.api import moments
from hass.api import named
from hass.api import parts as api_parts
from hass.api import query
from hass.db import evacuations
from hass.db import holds
from hass.db import models
from hass.db import recoveries
from hass import exception
from hass import naming
from hass.policies import recoveries as rules


def view(recovery: models.Recovery) -> dict[str, Any]:
    return {
        'uuid': recovery.uuid,
        'workflow': recovery.workflow,
        'subject': recovery.subject,
        'cluster': recovery.cluster and recovery.cluster.name,
        'state': recovery.state,
        'state_since': moments.shown(recovery.state_since),
        'why': recovery.why,
        # Of a held one the row counts the looks, which are no attempts.
        'attempt': 0 if recovery.held_kind else recovery.attempt,
        'held_kind': recovery.held_kind,
        'wish': recovery.wish,
        'opened_at': moments.shown(recovery.opened_at),
        'turned_at': moments.shown(recovery.turned_at),
        'deadline_at': moments.shown(recovery.deadline_at),
        'ended_at': moments.shown(recovery.ended_at),
        'acknowledged_at': moments.shown(recovery.acknowledged_at),
        'claimed_by': recovery.claimed_by,
        'goes_on_when': holds.goes_on_when(recovery),
        'looked_at': moments.shown(recovery.looked_at),
    }


def view_of_fault(fault: models.JSON) -> dict[str, Any]:
    """The evidence as it was written, its moments as all others."""
    if not fault.get('evidence'):
        return fault
    evidence = [
        {'seen_by': None, 'certainty': None}
        | one
        | {'seen_at': moments.shown(_moment(one['seen_at']))}
        for one in fault['evidence']
    ]
    return fault | {'evidence': evidence}


def _moment(written: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(written)


def view_of_line(line: models.RecoveryHistory) -> dict[str, Any]:
    return {
        'at': moments.shown(line.at),
        'from': line.from_state,
        'to': line.to_state,
        'engine': line.engine,
        'why': line.why,
    }


def view_of_evacuation(evacuation: models.Evacuation) -> dict[str, Any]:
    return {
        'uuid': evacuation.uuid,
        'instance': evacuation.instance_uuid,
        'instance_name': evacuation.instance_name,
        'project_id': evacuation.project_id,
        'source': evacuation.source,
        'target': evacuation.target,
        'destination': evacuation.destination,
        'state': evacuation.state,
        'attempt': evacuation.attempt,
        'migration': evacuation.migration_uuid,
        'requested_at': moments.shown(evacuation.requested_at),
        'ended_at': moments.shown(evacuation.ended_at),
        'why': evacuation.why,
    }


class Recoveries:
    """Recoveries, and what operators wish of them."""

    def __init__(self, parts: api_parts.Parts) -> None:
        self._parts = parts

    def on_get_all(self, req: falcon.Request, resp: falcon.Response) -> None:
        admit(req, rules.LIST)
        asked = query.read(req, self._parts.max_limit)
        with self._parts.database.reader() as session:
            views = [view(found) for found in _all(session, asked)]
        resp.media = query.page(req, asked, 'recoveries', views)

    def on_get_one(
        self, req: falcon.Request, resp: falcon.Response, recovery: str
    ) -> None:
        admit(req, rules.SHOW)
        with self._parts.database.reader() as session:
            row = recoveries.get(session, recovery)
            history = recoveries.history_of(session, row.id)
            moves = evacuations.of_recovery(session, row.id)
            resp.media = view(row) | {
                'fault': view_of_fault(row.fault),
                'history': [view_of_line(line) for line in history],
                'evacuations': [view_of_evacuation(one) for one in moves],
            }

    def on_post_retry(
        self, req: falcon.Request, resp: falcon.Response, recovery: str
    ) -> None:
        admit(req, rules.RETRY)
        self._wish(req, resp, recovery, models.Wish.RETRY)

    def on_post_release(
        self, req: falcon.Request, resp: falcon.Response, recovery: str
    ) -> None:
        admit(req, rules.RELEASE)
        self._wish(req, resp, recovery, models.Wish.RELEASE)

    def on_post_acknowledge(
        self, req: falcon.Request, resp: falcon.Response, recovery: str
    ) -> None:
        admit(req, rules.ACKNOWLEDGE)
        body.nothing(req)
        row = self._parts.database.write(recoveries.acknowledge, recovery)
        resp.media = view(row)

    def _wish(
        self,
        req: falcon.Request,
        resp: falcon.Response,
        recovery: str,
        wanted: models.Wish,
    ) -> None:
        """The engines read it from the row."""
        body.nothing(req)
        row = self._parts.database.write(recoveries.wish, recovery, wanted)
        self._parts.engines.wake()
        resp.media = view(row)
        resp.status = falcon.HTTP_202


def _all(session: orm.Session, asked: query.Query) -> list[models.Recovery]:
    """:raises hass.exception.Invalid: two filters contradict each other"""
    filters = asked.filters
    host = filters.get('host')
    if host is not None and filters.get('subject', host) != host:
        raise exception.Invalid(
            'subject',
            f'contradicts host; allowed beside it: {naming.shown(host)}',
        )
    name = named.host(session, filters, models.Recovery.subject)
    return recoveries.all(
        session,
        subject=filters.get('subject', name),
        state=filters.get('state'),
        workflow=filters.get('workflow'),
        is_open=asked.flag('open'),
        cluster_id=named.cluster(session, filters),
        **asked.page(),
    )
