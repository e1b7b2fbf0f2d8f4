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


"""What may happen to an instance, and what its user does with it."""

from collections.abc import Callable
import functools

from hass.db import observations
from hass.faults import Incident
from hass.faults import Verdict
from hass.simulation import nova_rows
from hass.simulation.scenario.phrases import Phrase
from hass.simulation.scenario.stage import Stage
from hass.simulation.virtual import guests
from hass.simulation.virtual import hosts as hosts_

MOST_NAMED = 8
Deed = Callable[[Stage, hosts_.Host, str], None]


def server(stage: Stage, name: str) -> nova_rows.Server:
    """The instance of this name.

    :raises ValueError: there is none
    """
    found = {
        one.name: one
        for one in stage.cloud.nova.servers.values()
        if not one.deleted
    }
    if name in found:
        return found[name]
    there = ', '.join(sorted(found)[:MOST_NAMED]) or 'none'
    more = ' and others' if len(found) > MOST_NAMED else ''
    raise ValueError(f'there is no instance {name}: there are {there}{more}')


def _place(stage: Stage, name: str) -> tuple[hosts_.Host, str]:
    row = server(stage, name)
    if row.host is None:
        raise ValueError(f'{name} is on no host now')
    return stage.cloud.hosts[row.host], row.uuid


# Faults.


def end(incident: Incident, stage: Stage, name: str) -> None:
    """Its process ends, and libvirt tells why."""
    host, uuid = _place(stage, name)
    host.host.kill_guest(uuid)
    stage.cloud.guests.tell(host, uuid, incident)


def end_all(stage: Stage, hosts: list[str]) -> None:
    for row in list(stage.cloud.nova.servers.values()):
        if row.host in hosts and not row.deleted:
            end(Incident.KILLED, stage, row.name)


def undefine(stage: Stage, name: str) -> None:
    """Its domain is gone from one list to the next, and nothing tells that."""
    host, uuid = _place(stage, name)
    host.host.remove_guest(uuid)
    stage.cloud.guests.forget(host, uuid)


def halt(incident: Incident, stage: Stage, name: str) -> None:
    host, uuid = _place(stage, name)
    host.host.halted.add(uuid)
    stage.cloud.guests.tell(host, uuid, incident)


def goes_on(stage: Stage, name: str) -> None:
    host, uuid = _place(stage, name)
    host.host.halted.discard(uuid)


def hang(stage: Stage, name: str) -> None:
    stage.cloud.guests.hung.add(server(stage, name).uuid)


def hang_and_ring(incident: Incident, stage: Stage, name: str) -> None:
    """The guest hangs, and its watchdog does what it was told to do."""
    host, uuid = _place(stage, name)
    hang(stage, name)
    stage.cloud.guests.tell(host, uuid, incident)


def reset(stage: Stage, name: str) -> None:
    """Its watchdog resets it: it boots in the same process."""
    host, uuid = _place(stage, name)
    stage.cloud.guests.hung.discard(uuid)
    stage.cloud.guests.tell(host, uuid, Incident.WATCHDOG_RESET)


def answer(stage: Stage, name: str) -> None:
    uuid = server(stage, name).uuid
    stage.cloud.guests.hung.discard(uuid)
    stage.cloud.guests.mute.discard(uuid)


def lose_network(stage: Stage, name: str) -> None:
    stage.cloud.guests.mute.add(server(stage, name).uuid)


def tell(incident: Incident, stage: Stage, name: str) -> None:
    host, uuid = _place(stage, name)
    stage.cloud.guests.tell(host, uuid, incident)


def hang_always(stage: Stage, name: str) -> None:
    host, uuid = _place(stage, name)
    stage.cloud.guests.stubborn.add((host.name, uuid))


def never_start(stage: Stage, name: str) -> None:
    host, uuid = _place(stage, name)
    host.host.unstartable.add(uuid)


def fail_storage(stage: Stage, hosts: list[str]) -> None:
    """All guests stand still, and the agents' looks at it fail."""
    _storage(stage, hosts, Verdict.FAILED)
    for row in list(stage.cloud.nova.servers.values()):
        if row.host in hosts and not row.deleted:
            halt(Incident.PAUSED_BY_STORAGE, stage, row.name)


def mend_storage(stage: Stage, hosts: list[str]) -> None:
    _storage(stage, hosts, Verdict.HEALTHY)


def _storage(stage: Stage, hosts: list[str], verdict: Verdict) -> None:
    with stage.cloud.database.writer() as session:
        for name in hosts:
            seen = guests.storage(
                stage.cloud, stage.cloud.hosts[name], verdict
            )
            observations.put(session, seen)


# Users. What libvirt tells of it is what it would tell of a fault, too.


def stop(stage: Stage, name: str) -> None:
    host, uuid = _place(stage, name)
    stage.cloud.nova.stop(uuid)
    stage.cloud.guests.tell(host, uuid, Incident.SHUT_DOWN)


def start(stage: Stage, name: str) -> None:
    stage.cloud.nova.start(server(stage, name).uuid)


def delete(stage: Stage, name: str) -> None:
    stage.cloud.nova.delete(server(stage, name).uuid)


def pause(stage: Stage, name: str) -> None:
    """Its agent asks a guest nothing that is paused."""
    uuid = server(stage, name).uuid
    stage.cloud.nova.pause(uuid)
    stage.cloud.guests.unseen.add(uuid)


def unpause(stage: Stage, name: str) -> None:
    uuid = server(stage, name).uuid
    stage.cloud.nova.unpause(uuid)
    stage.cloud.guests.unseen.discard(uuid)


# Operators.


def move_live(stage: Stage, name: str, hosts: list[str]) -> None:
    if len(hosts) > 1:
        raise ValueError(f'{name} moves to one host, not {" ".join(hosts)}')
    stage.cloud.nova.live_migrate(server(stage, name).uuid, hosts[0])


def move_cold(stage: Stage, name: str) -> None:
    stage.cloud.nova.migrate(server(stage, name).uuid, None)


def confirm(stage: Stage, name: str) -> None:
    stage.cloud.nova.confirm_resize(server(stage, name).uuid)


def lose_ports(stage: Stage, name: str) -> None:
    server(stage, name).port_state = 'DOWN'


def get_ports(stage: Stage, name: str) -> None:
    server(stage, name).port_state = 'ACTIVE'


def fail_at_start(stage: Stage, name: str) -> None:
    server(stage, name).fails_at_start = True


def rudely(act: Callable[[Stage, str], None], stage: Stage, name: str) -> None:
    """Its process ends by what the user asked for, as if it were killed."""
    host, uuid = _place(stage, name)
    act(stage, uuid)
    stage.cloud.guests.tell(host, uuid, Incident.KILLED)


ASKED: dict[str, Callable[[Stage, str], None]] = {
    'stops': lambda stage, uuid: stage.cloud.nova.stop(uuid),
    'reboots': lambda stage, uuid: stage.cloud.nova.hard_reboot(uuid),
    'pauses': lambda stage, uuid: stage.cloud.nova.pause(uuid),
    'deletes': lambda stage, uuid: stage.cloud.nova.delete(uuid),
    'moves': lambda stage, uuid: stage.cloud.nova.migrate(uuid, None),
}

PHRASES = (
    *(
        Phrase(pattern, functools.partial(end, incident))
        for pattern, incident in (
            ('qemu of NAME dies', Incident.KILLED),
            ('qemu of NAME crashes', Incident.CRASHED),
            ('guest of NAME panics', Incident.PANICKED),
            (
                'guest of NAME is powered off by its watchdog',
                Incident.WATCHDOG_POWEROFF,
            ),
        )
    ),
    Phrase('qemu of all on HOSTS dies', end_all),
    Phrase('domain of NAME is undefined without a word', undefine),
    Phrase(
        'guest of NAME is paused by its watchdog',
        functools.partial(halt, Incident.WATCHDOG_PAUSE),
    ),
    Phrase(
        'guest of NAME stands still after an error of its storage',
        functools.partial(halt, Incident.PAUSED_BY_STORAGE),
    ),
    Phrase('guest of NAME goes on', goes_on),
    Phrase(
        'guest of NAME hangs and its watchdog rings',
        functools.partial(hang_and_ring, Incident.WATCHDOG_NONE),
    ),
    Phrase('guest of NAME is reset by its watchdog', reset),
    Phrase('guest of NAME hangs', hang),
    Phrase('guest of NAME hangs at each boot on its host', hang_always),
    Phrase('guest of NAME loses its network', lose_network),
    Phrase('guest of NAME answers again', answer),
    Phrase(
        'guest of NAME reboots', functools.partial(tell, Incident.REBOOTED)
    ),
    Phrase('qemu of NAME does not start on its host', never_start),
    Phrase('storage of HOSTS fails', fail_storage),
    Phrase('storage of HOSTS recovers', mend_storage),
    Phrase('ports of NAME stay down', lose_ports),
    Phrase('ports of NAME come up', get_ports),
    Phrase(
        'guest of NAME goes into error when nova-compute starts', fail_at_start
    ),
    Phrase('an operator moves NAME live to HOSTS', move_live),
    Phrase('an operator moves NAME', move_cold),
    Phrase('an operator confirms the move of NAME', confirm),
    Phrase('user stops NAME', stop),
    Phrase('user starts NAME', start),
    Phrase('user deletes NAME', delete),
    Phrase('user pauses NAME', pause),
    Phrase('user unpauses NAME', unpause),
    *(
        Phrase(
            f'user {verb} NAME as if it were killed',
            functools.partial(rudely, act),
        )
        for verb, act in ASKED.items()
    ),
)
