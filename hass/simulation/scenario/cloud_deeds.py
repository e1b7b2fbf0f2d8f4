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

"""What may happen to the cloud as a whole, and what operators do."""

import datetime
import functools

from hass.db import clusters
from hass.db import hosts as hosts_
from hass.db import models
from hass.db import moments
from hass.db import recoveries
from hass import exception
from hass.simulation.scenario.phrases import Phrase
from hass.simulation.scenario.stage import Stage


def fail_nova(stage: Stage) -> None:
    stage.cloud.compute.failing = exception.NovaFailed('any call', '500')


def mend_nova(stage: Stage) -> None:
    stage.cloud.compute.failing = None
    stage.cloud.compute.placement_failing = None
    stage.cloud.compute.loses_answers = False
    stage.cloud.nova.no_valid_host = False


def set_up(service: str, is_up: bool, stage: Stage) -> None:
    """One of those that Nova calls: see nova_store.py."""
    setattr(stage.cloud.nova, f'{service}_is_up', is_up)


def evacuate(stage: Stage, hosts: list[str]) -> None:
    """By hand, to wherever Nova's scheduler likes."""
    for row in list(stage.cloud.nova.servers.values()):
        if row.host in hosts and not row.deleted:
            with stage.asking_nova():
                stage.cloud.nova.evacuate(row.uuid, None, False)


def fail_placement(stage: Stage) -> None:
    stage.cloud.compute.placement_failing = exception.NovaFailed(
        'ask Placement', '500'
    )


def lose_answers(stage: Stage) -> None:
    stage.cloud.compute.loses_answers = True


def drop_evacuations(stage: Stage, number: int) -> None:
    stage.cloud.compute.drops_evacuations = number


def keep_evacuations(stage: Stage, number: int, seconds: float) -> None:
    stage.cloud.compute.keeps_evacuations = (number, seconds)


def find_no_host(stage: Stage) -> None:
    stage.cloud.nova.no_valid_host = True


def fail_bus(stage: Stage) -> None:
    stage.cloud.bus.dead = True


def mend_bus(stage: Stage) -> None:
    stage.cloud.bus.dead = False


def stop_replication(stage: Stage) -> None:
    stage.kept = stage.cloud.database.copy('kept.sqlite')


def fail_over(stage: Stage) -> None:
    """To a node that has nothing of what was committed since."""
    if stage.kept is None:
        raise ValueError('say "the database stops replicating" before')
    stage.cloud.database.restore(stage.kept)
    stage.kept = None


def lose_commits(stage: Stage, number: int) -> None:
    stage.cloud.database.loses_answers = number


def stop_replica(stage: Stage) -> None:
    stage.cloud.database.stop_replica()


def start_replica(stage: Stage) -> None:
    stage.cloud.database.start_replica()


def blip(stage: Stage, seconds: float) -> None:
    """Hosts and engines lose power, and get it back together."""
    engines = list(stage.cloud.engines)
    for host in stage.cloud.hosts.values():
        host.host.power_off()
    for name in engines:
        stage.cloud.engines[name].alive = False

    def back(stage: Stage) -> None:
        for host in stage.cloud.hosts.values():
            host.host.power_on()
        for name in engines:
            stage.cloud.start_engine(name)

    stage.later(seconds, back)


def set_database_ahead(stage: Stage, seconds: float) -> None:
    stage.cloud.clock.jump(seconds)


def set_database_back(stage: Stage, seconds: float) -> None:
    stage.cloud.clock.jump(-seconds)


# Operators.


def retry(stage: Stage, hosts: list[str]) -> None:
    _wish(stage, hosts, models.Wish.RETRY)


def release(stage: Stage, hosts: list[str]) -> None:
    _wish(stage, hosts, models.Wish.RELEASE)


def _wish(stage: Stage, hosts: list[str], wish: models.Wish) -> None:
    with stage.cloud.database.writer() as session:
        for host in hosts:
            found = recoveries.open_of_host(session, host)
            if found is not None and found.state == 'held':
                recoveries.wish(session, found.uuid, wish)
            else:
                stage.tell(f'HASS refuses: no recovery of {host} is held')


def set_mode(mode: models.Mode, stage: Stage) -> None:
    with stage.cloud.database.writer() as session:
        clusters.update(session, stage.cloud.cluster.uuid, mode=mode)


def share_storage(stage: Stage) -> None:
    with stage.cloud.database.writer() as session:
        clusters.update(session, stage.cloud.cluster.uuid, shared_storage=True)


def maintain(stage: Stage, hosts: list[str], seconds: float) -> None:
    span = datetime.timedelta(seconds=seconds)
    with stage.cloud.database.writer() as session:
        for host in hosts:
            row = hosts_.get(session, host)
            row.maintenance_until = moments.read_now(session) + span
            row.maintenance_why = 'planned'


def maintain_cluster(stage: Stage, seconds: float) -> None:
    span = datetime.timedelta(seconds=seconds)
    with stage.cloud.database.writer() as session:
        row = clusters.get(session, stage.cloud.cluster.uuid)
        row.maintenance_until = moments.read_now(session) + span
        row.maintenance_why = 'planned'


def end_maintenance(stage: Stage) -> None:
    with stage.cloud.database.writer() as session:
        cluster = clusters.get(session, stage.cloud.cluster.uuid)
        cluster.maintenance_until = None
        for row in hosts_.all(session):
            row.maintenance_until = None


# Users.


def tag(value: str, stage: Stage, hosts: list[str]) -> None:
    key = stage.cloud.conf.protection.metadata_key
    for server in stage.cloud.nova.servers.values():
        if server.host in hosts:
            server.metadata[key] = value


PHRASES = (
    Phrase('nova fails', fail_nova),
    Phrase('nova recovers', mend_nova),
    Phrase('placement fails', fail_placement),
    Phrase('nova loses answers', lose_answers),
    Phrase('nova loses the next NUMBER evacuations', drop_evacuations),
    Phrase(
        'nova keeps the next NUMBER evacuations for SECONDS', keep_evacuations
    ),
    Phrase('nova finds no valid host', find_no_host),
    *(
        Phrase(f'{name} {verb}', functools.partial(set_up, name, is_up))
        for name in ('cinder', 'neutron', 'glance', 'keystone')
        for verb, is_up in (('fails', False), ('recovers', True))
    ),
    Phrase('the site loses power for SECONDS', blip),
    Phrase('the database stops replicating', stop_replication),
    Phrase('the database fails over', fail_over),
    Phrase(
        'the database loses the answers to the next NUMBER commits',
        lose_commits,
    ),
    Phrase('the replica stands still', stop_replica),
    Phrase('the replica catches up', start_replica),
    Phrase('an operator evacuates all from HOSTS by hand', evacuate),
    Phrase('rabbitmq fails', fail_bus),
    Phrase('rabbitmq recovers', mend_bus),
    Phrase('the database sets its clock SECONDS ahead', set_database_ahead),
    Phrase('the database sets its clock SECONDS back', set_database_back),
    Phrase('an operator retries HOSTS', retry),
    Phrase('an operator releases HOSTS', release),
    *(
        Phrase(
            f'an operator sets mode {mode}', functools.partial(set_mode, mode)
        )
        for mode in models.Mode
    ),
    Phrase('an operator declares shared storage', share_storage),
    Phrase('an operator maintains the cluster for SECONDS', maintain_cluster),
    Phrase('an operator maintains HOSTS for SECONDS', maintain),
    Phrase('an operator ends maintenance', end_maintenance),
    Phrase('users tag all on HOSTS', functools.partial(tag, 'true')),
    Phrase('users untag all on HOSTS', functools.partial(tag, 'false')),
)
