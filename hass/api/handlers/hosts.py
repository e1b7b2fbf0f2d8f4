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

"""/v1/clusters/{cluster}/hosts and /v1/hosts"""

from collections.abc import Mapping
from collections.abc import Sequence
import datetime
from typing import Any

import falcon
from sqlalchemy import orm

from hass.api import body
from hass.api import engines
from hass.api.front import admit
from hass.api import joining
from hass.api import moments
from hass.api import parts as api_parts
from hass.api import query
from hass.api.schemas import hosts as schemas
from hass.db import clusters
from hass.db import hosts
from hass.db import instances
from hass.db import models
from hass.db import moments as db_moments
from hass.db import protection
from hass.db import recoveries
from hass.db import services
from hass.diagnosis import strangers
from hass import exception
from hass import nova
from hass.nova import rolls
from hass.policies import hosts as rules

SAFE_POLICY = 'always-off'
SHOWN = 5


def shown(
    session: orm.Session, host: str, untried: str | None = None
) -> dict[str, Any]:
    """The view of one host, by uuid or name.

    :raises hass.exception.NotFound: there is none
    """
    row = hosts.get(session, host)
    now = db_moments.read_now(session)
    missing = protection.missing_of(session, row, now)
    return view(row, missing, _strangers(session), untried)


def _strangers(session: orm.Session) -> strangers.Sentences:
    """Of what the engines hear now."""
    heard = services.strangers(session, engines.ALIVE_SECONDS)
    return strangers.Sentences(heard)


def view(
    host: models.Host,
    missing: Sequence[str],
    foreign: strangers.Sentences,
    untried: str | None = None,
) -> dict[str, Any]:
    """What may be read of a host: no password, no key.

    :param missing: why it would not be recovered now
    :param foreign: whose messages are refused
    :param untried: why its fence could not be tried just now
    """
    return {
        'uuid': host.uuid,
        'name': host.name,
        'cluster': host.cluster.name,
        'labels': host.labels,
        'addresses': host.networks,
        'bmc': {
            'address': host.bmc_address,
            'port': host.bmc_port,
            'username': host.bmc_username,
            'password_set': host.bmc_password is not None,
        },
        'fence': {
            'state': host.fence_state,
            'why': untried or host.fence_why,
            'guid': host.bmc_guid,
            'power_restore_policy': host.power_restore_policy,
        },
        'watched_sensors': host.watched_sensors,
        'system_uuid': host.system_uuid,
        'boot_id': host.boot_id,
        'resume_guests': host.resume_guests,
        'reported_at': moments.shown(host.reported_at),
        'planned_until': moments.shown(host.planned_until),
        'availability_zone': host.availability_zone,
        'aggregates': host.aggregates,
        'maintenance_until': moments.shown(host.maintenance_until),
        'maintenance_why': host.maintenance_why,
        'protected': not missing,
        'unprotected_why': list(missing),
        'agent_key_rotated_at': moments.shown(host.agent_key_rotated_at),
        'created_at': moments.shown(host.created_at),
        'warnings': warnings(host, untried)
        + foreign.of_host(host.name, host.networks.values()),
    }


def warnings(host: models.Host, untried: str | None = None) -> list[str]:
    """What an operator should mend before the host fails."""
    found = []
    if host.fence_state is not models.FenceState.WORKING:
        why = untried or host.fence_why
        found.append(
            f'no working fence: {host.fence_state}{", " if why else ""}{why}'
        )
    if host.power_restore_policy not in (None, SAFE_POLICY):
        found.append(
            f'the power restore policy of its BMC is '
            f'{host.power_restore_policy}, it should be {SAFE_POLICY}: the '
            'host may power itself on in the middle of a recovery'
        )
    if host.resume_guests:
        found.append(
            'its nova.conf sets resume_guests_state_on_host_boot: instances '
            'evacuated from it may be started on it once more'
        )
    if host.agent_key_previous is not None:
        found.append(
            'its agent has not used the key that was issued at '
            f'{moments.shown(host.agent_key_rotated_at)}: the one that it '
            'used last counts until then'
        )
    # What engines found in their rounds.
    return found + (host.degraded or [])


class Hosts:
    """The compute hosts of the clusters."""

    def __init__(self, parts: api_parts.Parts) -> None:
        self._parts = parts
        self._joining = joining.Joining(parts)

    def on_get_all(self, req: falcon.Request, resp: falcon.Response) -> None:
        self._list(req, resp, None)

    def on_get_of_cluster(
        self, req: falcon.Request, resp: falcon.Response, cluster: str
    ) -> None:
        self._list(req, resp, cluster)

    def on_post_of_cluster(
        self, req: falcon.Request, resp: falcon.Response, cluster: str
    ) -> None:
        admit(req, rules.ADD)
        wanted = [body.read(req, schemas.ADD)]
        with self._parts.database.reader() as session:
            clusters.get(session, cluster)
        self._joining.admit(wanted)
        keys = self._joining.issue_keys(wanted)
        self._parts.database.write(self._add, cluster, wanted, keys)
        (name,) = keys
        resp.media = self._with_fence_tried(name) | {'agent_key': keys[name]}
        resp.status = falcon.HTTP_201
        resp.location = f'{req.prefix}/v1/hosts/{name}'

    def on_get_one(
        self, req: falcon.Request, resp: falcon.Response, host: str
    ) -> None:
        admit(req, rules.SHOW)
        with self._parts.database.reader() as session:
            resp.media = shown(session, host)

    def on_patch_one(
        self, req: falcon.Request, resp: falcon.Response, host: str
    ) -> None:
        admit(req, rules.UPDATE)
        fields = body.read(req, schemas.UPDATE)
        name = self._parts.database.write(self._update, host, fields)
        if 'bmc' in fields:
            resp.media = self._with_fence_tried(name)
            return
        with self._parts.database.reader() as session:
            resp.media = shown(session, name)

    def on_delete_one(
        self, req: falcon.Request, resp: falcon.Response, host: str
    ) -> None:
        admit(req, rules.REMOVE)
        with self._parts.database.reader() as session:
            row = hosts.get(session, host)
        running = self._running(row)
        self._parts.database.write(self._remove, row.name, running)
        resp.status = falcon.HTTP_204

    def on_post_agent_key(
        self, req: falcon.Request, resp: falcon.Response, host: str
    ) -> None:
        """A new key; the one used last counts until this one is used."""
        admit(req, rules.ROTATE_KEY)
        body.nothing(req)
        key = joining.new_key()
        encrypted = self._parts.keyring.encrypt(key)
        name, void = self._parts.database.write(self._rotate, host, encrypted)
        resp.media = {
            'name': name,
            'agent_key': key,
            'warnings': [] if void is None else [_void(void)],
        }
        resp.status = falcon.HTTP_201

    def on_post_fence_test(
        self, req: falcon.Request, resp: falcon.Response, host: str
    ) -> None:
        admit(req, rules.TEST_FENCE)
        body.nothing(req)
        with self._parts.database.reader() as session:
            name = hosts.get(session, host).name
        resp.media = self._with_fence_tried(name)

    def _list(
        self,
        req: falcon.Request,
        resp: falcon.Response,
        cluster: str | None,
    ) -> None:
        admit(req, rules.LIST)
        asked = query.read(req, self._parts.max_limit)
        with self._parts.database.reader() as session:
            now = db_moments.read_now(session)
            found = protection.page(
                session,
                now,
                cluster_id=None
                if cluster is None
                else clusters.get(session, cluster).id,
                **asked.page(),
            )
            foreign = _strangers(session)
            views = [
                view(host, protection.missing(host, now, usable), foreign)
                for host, usable in found
            ]
        resp.media = query.page(req, asked, 'hosts', views)

    def _with_fence_tried(self, name: str) -> dict[str, Any]:
        untried = self._joining.try_fences([name])
        with self._parts.database.reader() as session:
            return shown(session, name, untried.get(name))

    def _add(
        self,
        session: orm.Session,
        cluster: str,
        wanted: joining.Wanted,
        keys: Mapping[str, str],
    ) -> None:
        found = clusters.get(session, cluster)
        self._joining.add(session, found, wanted, keys)

    def _update(
        self, session: orm.Session, host: str, fields: Mapping[str, Any]
    ) -> str:
        """Which device cuts a host off may not change under a recovery."""
        row = hosts.get(session, host)
        if 'bmc' in fields:
            if found := recoveries.open_of_host(session, row.name):
                raise exception.Conflict(
                    f'bmc: host {row.name} has an open recovery: {found.uuid}'
                )
        hosts.update(session, row.name, **self._joining.changes(fields))
        return row.name

    def _running(self, row: models.Host) -> list[nova.Server]:
        """What Nova has on a host.

        Its list silently lacks the servers of a cell that is down.

        :raises hass.exception.Conflict: it lacks what the agent saw there
        """
        name = row.name
        found = self._parts.compute.servers_on(name)
        for uuid in sorted({*(row.domains or ())} - {x.uuid for x in found}):
            try:
                there = rolls.is_there(self._parts.compute, name, uuid)
            except exception.NovaFailed as error:
                raise exception.Conflict(
                    f'whether instance {uuid}, seen by the agent, is still on '
                    f'host {name} cannot be seen: {error}'
                ) from None
            if there:
                raise exception.Conflict(
                    f'Nova leaves out instances in its list of host {name}: '
                    f'it lacks {uuid}, which is there'
                )
        return found

    def _remove(
        self, session: orm.Session, name: str, running: Sequence[nova.Server]
    ) -> None:
        host = hosts.get(session, name)
        held = sorted(
            instances.protected(
                session, self._parts.rule, host.cluster, running
            )
        )
        if held:
            shown = ', '.join(held[:SHOWN])
            more = ' …' if len(held) > SHOWN else ''
            raise exception.Conflict(
                f'host {name} runs {len(held)} protected instances: '
                f'{shown}{more}'
            )
        hosts.remove(session, name)

    @staticmethod
    def _rotate(
        session: orm.Session, host: str, key: str
    ) -> tuple[str, datetime.datetime | None]:
        name = hosts.get(session, host).name
        return name, hosts.rotate_key(session, name, key)


def _void(issued_at: datetime.datetime) -> str:
    """Of a key that another one has replaced before it was used."""
    return (
        f'the key that was issued at {moments.shown(issued_at)} was never '
        'used and is void now: put this one on the host; the one that its '
        'agent used last counts until then'
    )
