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

"""Clusters, hosts and instances of NCU-HASS become ours.

What is taken has to be what the API would take: the same schemas hold, and
Nova has to know hosts and instances. Nothing that is there is changed, so
that it can be run again when a host is up or an instance is ACTIVE.
"""

from collections.abc import Mapping
import dataclasses

from sqlalchemy import orm

from hass.ancestor import configuration
from hass.ancestor import report
from hass.ancestor import tables
from hass.api import body
from hass.api import joining
from hass.api.schemas import clusters as cluster_schemas
from hass.api.schemas import hosts as host_schemas
from hass.db import clusters
from hass.db import hosts
from hass.db import instances
from hass.db import models
from hass.db import pages
from hass.db import session as db
from hass import disks
from hass import exception
from hass import faults
from hass import nova
from hass import secrets

LAYERS = tuple(faults.Layer)
"""What the digits of a layer string stand for, the first one first."""


@dataclasses.dataclass(frozen=True, slots=True)
class World:
    """What Nova knows of what was found.

    :ivar services: the nova-computes by the names of their hosts
    :ivar servers: by UUID; None: Nova knows none
    """

    services: Mapping[str, nova.Service]
    servers: Mapping[str, nova.Server | None]


def look(compute: nova.Compute, found: tables.Found) -> World:
    """Ask Nova for all of them, by host where that is possible.

    :raises hass.exception.NovaError: it does not say
    """
    services = {one.host: one for one in compute.services()}
    servers: dict[str, nova.Server | None] = {}
    for host in services.keys() & found.hosts.keys():
        servers.update({one.uuid: one for one in compute.servers_on(host)})
    for uuid in set(found.instances) - servers.keys():
        known = pages.is_uuid(uuid)
        servers[uuid] = compute.server(uuid) if known else None
    return World(services, servers)


class Arrival:
    """One way over.

    :param dry_run: write nothing, and tell what would have been written
    """

    def __init__(
        self,
        old: configuration.Configuration,
        found: tables.Found,
        world: World,
        keyring: secrets.Keyring,
        dry_run: bool = False,
    ) -> None:
        self._old = old
        self._found = found
        self._world = world
        self._keyring = keyring
        self._dry_run = dry_run
        self._report = report.Report()

    def take(self, database: db.Database) -> str:
        """Write all that can be taken, in one transaction; the report."""
        try:
            database.write(self._take)
        except _Undone:
            pass
        return self._report.text(self._dry_run)

    def _take(self, session: orm.Session) -> None:
        # A transaction that was bad luck is told anew.
        self._report = report.Report()
        for name, layers in self._found.clusters.items():
            self._take_cluster(session, name, layers)
        for name, cluster in self._found.hosts.items():
            self._take_host(session, name, cluster)
        for uuid in self._found.instances:
            self._take_instance(session, uuid)
        self._tell_of_the_rest()
        if self._dry_run:
            raise _Undone

    def _take_cluster(
        self, session: orm.Session, name: str, string: str
    ) -> None:
        what = f'cluster {name}'
        layers = layers_of(string)
        try:
            body.check({'name': name}, cluster_schemas.CREATE)
        except exception.Invalid as error:
            self._leave(what, str(error))
            return
        if any(one.name == name for one in clusters.all(session, name=name)):
            self._report.present.append(what)
            return
        made = clusters.create(session, name, layers=layers or clusters.LAYERS)
        told = f'{what}, mode {made.mode}, layers {", ".join(made.layers)}'
        self._report.taken.append(told)
        if layers is None:
            self._leave(
                f'layer string {string!r} of {what}',
                'it is not seven digits 0 and 1 with a 1 among them; the '
                'layers of a new cluster are set',
            )

    def _take_host(
        self, session: orm.Session, name: str, cluster: str
    ) -> None:
        what = f'host {name}'
        present = hosts.by_names(session, [name]).get(name)
        if present is not None:
            where = f'{what} in cluster {present.cluster.name}'
            self._report.present.append(where)
            return
        try:
            self._check_host(name)
            fields = self._columns(name)
            key = self._keyring.encrypt(joining.new_key())
            hosts.add(
                session,
                clusters.get(session, cluster),
                name,
                agent_key=key,
                **fields,
            )
        except (
            exception.Conflict,
            exception.Invalid,
            exception.NotFound,
            _Unfit,
        ) as error:
            self._leave(what, str(error))
            return
        address = fields.get('bmc_address')
        told = f'BMC {address}' if address else 'no BMC'
        self._report.taken.append(f'{what} in cluster {cluster}, {told}')

    def _check_host(self, name: str) -> None:
        service = self._world.services.get(name)
        if service is None:
            cut = len(name) >= tables.NAME_LENGTH
            hint = ', and NCU-HASS may have cut the name off' if cut else ''
            raise _Unfit(f'Nova knows no nova-compute of this name{hint}')
        if service.state != 'up' or service.forced_down:
            raise _Unfit('it is down in Nova: import again when it is up')

    def _columns(self, name: str) -> hosts.Changes:
        """What the host's row gets, held against the API's schema."""
        found = self._old.bmcs.get(name.lower())
        if found is None:
            body.check({'name': name}, host_schemas.ADD)
            return hosts.Changes()
        bmc = dataclasses.asdict(found)
        sensors = self._old.sensors or None
        wanted = {'name': name, 'bmc': bmc, 'watched_sensors': sensors}
        body.check(wanted, host_schemas.ADD)
        return hosts.Changes(
            watched_sensors=sensors,
            bmc_address=found.address,
            bmc_username=found.username,
            bmc_password=self._keyring.encrypt(found.password),
        )

    def _take_instance(self, session: orm.Session, uuid: str) -> None:
        what = f'instance {uuid}'
        if instances.find(session, uuid) is not None:
            self._report.present.append(what)
            return
        try:
            server = self._protectable(uuid)
            cluster = _cluster_of(session, server)
        except _Unfit as error:
            self._leave(what, str(error))
            return
        instances.protect(
            session, cluster, uuid, server.name, server.project_id
        )
        self._report.taken.append(
            f'{what} ({server.name}) in cluster {cluster.name}'
        )

    def _protectable(self, uuid: str) -> nova.Server:
        server = self._world.servers[uuid]
        if server is None:
            raise _Unfit('Nova knows no such instance')
        if server.status != 'ACTIVE':
            raise _Unfit(
                f'it is {server.status}: import again when it is ACTIVE'
            )
        return server

    def _tell_of_the_rest(self) -> None:
        known = {name.lower() for name in self._found.hosts}
        for host in sorted({*self._old.bmcs, *self._old.refused}):
            if host not in known:
                self._leave(f'BMC of {host}', 'the host is in no cluster')
            elif host in self._old.refused:
                self._leave(f'BMC of {host}', self._old.refused[host])
        if self._old.shared_storage:
            self._leave(
                '[default] shared_storage = true',
                'say so of each cluster of which it is true: instances on '
                'local disks would be made anew from their images',
            )
        if self._old.sections:
            named = ', '.join(f'[{one}]' for one in self._old.sections)
            self._leave(named, 'hass.conf.sample has what HASS can be told')
        self._report.advice += ADVICE

    def _leave(self, what: str, why: str) -> None:
        self._report.left.append(f'{what}: {why}')


ADVICE = (
    'stop and disable hass.service of NCU-HASS: two must not fence',
    'get a key for the agent of each host: POST /v1/hosts/HOST/agent_key',
    'start hass-agent there, and try the fence: '
    'POST /v1/hosts/HOST/fence_test',
    'look at what HASS would do, then set the mode of each cluster to act',
)


class _Undone(Exception):
    """Rolls the transaction of a dry run back."""


class _Unfit(Exception):
    """Why a host or an instance is not taken."""


def layers_of(string: str) -> list[faults.Layer] | None:
    """The layers that a layer string names; None: it is none."""
    if len(string) != len(LAYERS) or set(string) - {'0', '1'}:
        return None
    named = zip(LAYERS, string, strict=True)
    return [layer for layer, digit in named if digit == '1'] or None


def _cluster_of(session: orm.Session, server: nova.Server) -> models.Cluster:
    """The cluster of the host that it is on now, as the API chooses it."""
    host = hosts.by_names(session, [server.host or '']).get(server.host or '')
    if host is None:
        raise _Unfit('it runs on no host of a cluster')
    lost = disks.lost(server, shared_storage=host.cluster.shared_storage)
    if lost:
        raise _Unfit(
            f'{lost}, and cluster {host.cluster.name} declares no shared '
            'storage'
        )
    return host.cluster
