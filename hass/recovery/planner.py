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

"""Who goes first, where to, and who is left: decided before any call."""

import abc
from collections.abc import Mapping
from collections.abc import Sequence
from importlib import metadata
from typing import cast

from oslo_config import cfg
from sqlalchemy import orm
from stevedore import driver

from hass.db import evacuations
from hass.db import hosts
from hass.db import models
from hass.db import recoveries
from hass import exception
from hass import nova
from hass.recovery import fates
from hass import until

NAMESPACE = 'hass.planners'
DEFAULT = 'default'
STATES = {
    fates.Fate.EVACUATE: models.EvacuationState.PENDING,
    fates.Fate.REFUSE: models.EvacuationState.HELD,
    fates.Fate.START_AT_RETURN: models.EvacuationState.LEFT,
    fates.Fate.LEAVE: models.EvacuationState.LEFT,
    fates.Fate.DELETE: models.EvacuationState.LEFT,
}
"""How a row stands before anything was asked."""


class Planner(abc.ABC):
    """Plans the evacuations of one host. Pure: it looks at nothing."""

    @abc.abstractmethod
    def plan(
        self, servers: Sequence[nova.Server], *, shared_storage: bool
    ) -> list[evacuations.Intention]:
        """What is to become of each protected server, in order."""

    @abc.abstractmethod
    def target(
        self, usable: Sequence[str], load: Mapping[str, int]
    ) -> str | None:
        """Where the next one goes; None when no host is usable.

        :param usable: best first, as Placement offers them
        :param load: how many evacuations each host has been given
        """


class DefaultPlanner(Planner):
    """Running instances by name, each to the host with the fewest."""

    def plan(
        self, servers: Sequence[nova.Server], *, shared_storage: bool
    ) -> list[evacuations.Intention]:
        in_order = sorted(servers, key=lambda server: server.name)
        return [_planned(server, shared_storage) for server in in_order]

    def target(
        self, usable: Sequence[str], load: Mapping[str, int]
    ) -> str | None:
        return min(usable, key=lambda name: load.get(name, 0), default=None)


def load(conf: cfg.ConfigOpts) -> Planner:
    """The planner of [recovery] planner, from the entry points hass.planners.

    :raises hass.exception.ConfigError: there is no planner of that name
    :raises hass.exception.NotInstalled: there is none at all, or it is broken
    """
    name = conf.recovery.planner
    known = metadata.entry_points(group=NAMESPACE).names
    if DEFAULT not in known:
        raise exception.NotInstalled(NAMESPACE, [DEFAULT])
    if name not in known:
        raise exception.ConfigError(
            '[recovery] planner',
            f'{name!r} is not known; allowed are {", ".join(sorted(known))}',
        )
    manager: driver.DriverManager[Planner] = driver.DriverManager(
        NAMESPACE, name, invoke_on_load=True
    )
    return cast(Planner, manager.driver)


def usable_hosts(
    session: orm.Session,
    host: models.Host,
    services: Sequence[nova.Service],
) -> list[models.Host]:
    """Hosts of the same cluster that can take instances over now."""
    up = {service.host for service in services if service.usable}
    return [
        other
        for other in hosts.of_cluster(session, host.cluster_id)
        if other.name != host.name
        and other.name in up
        and recoveries.open_of_host(session, other.name) is None
    ]


def on_their_way_back(
    session: orm.Session, host: models.Host, workflow: str
) -> bool:
    """Whether other hosts of the cluster are about to take instances.

    :param workflow: the name of what brings them back
    """
    stories = [
        recoveries.open_of_host(session, other.name)
        for other in hosts.of_cluster(session, host.cluster_id)
        if other.name != host.name
    ]
    return any(
        story is not None
        and story.workflow == workflow
        and story.held_kind is None
        for story in stories
    )


def ends(server: nova.Server, verdict: fates.Verdict) -> list[until.Until]:
    """What ends the hold of an instance that this verdict refuses."""
    if verdict.fate is not fates.Fate.REFUSE:
        return []
    return [until.Until(until.Kind.EVACUABLE, server.host or "", server.uuid)]


def _planned(
    server: nova.Server, shared_storage: bool
) -> evacuations.Intention:
    verdict = fates.of(server, shared_storage=shared_storage)
    return evacuations.Intention(
        instance_uuid=server.uuid,
        instance_name=server.name,
        project_id=server.project_id,
        state=STATES[verdict.fate],
        why=verdict.why,
        was={
            'vm_state': server.vm_state,
            'task_state': server.task_state,
            'power_state': server.power_state,
            'locked': server.locked,
            'fate': verdict.fate,
            'until': [one.to_dict() for one in ends(server, verdict)],
        },
    )
