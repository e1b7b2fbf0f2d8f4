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

"""What befalls real guests of a real libvirtd, and what the agent tells."""

import importlib
import signal
import sys
from typing import Any

import fixtures

from hass.agent.guests import hypervisor
from hass.agent.guests import resumption
from hass.agent.instances import ear
from hass.agent.instances import teller
from hass.agent.instances import translation
from hass.agent import service
from hass import clock
from hass import exception
from hass.faults import Incident
from hass.tests import base
from hass.tests.functional.agent import guest_case
from hass.tests.functional.agent import test_process
from hass.tests.functional import debian_libvirt
from hass.tests.functional.rpc import ears

DEEDS: dict[str, tuple[dict[str, str], list[Incident]]] = {
    'panic': ({'deed': 'panic'}, [Incident.PANICKED]),
    'poweroff': ({'deed': 'poweroff'}, [Incident.SHUT_DOWN]),
    'reboot': ({'deed': 'reboot'}, [Incident.REBOOTED]),
    'leave': ({'deed': 'leave'}, [Incident.AGENT_LOST]),
    'write': ({'deed': 'write'}, [Incident.PAUSED_BY_STORAGE]),
    'hang-none': (
        {'deed': 'hang', 'action': 'none'},
        [Incident.WATCHDOG_NONE],
    ),
    'hang-pause': (
        {'deed': 'hang', 'action': 'pause'},
        [Incident.WATCHDOG_PAUSE],
    ),
    'hang-reset': (
        {'deed': 'hang', 'action': 'reset'},
        [Incident.WATCHDOG_RESET],
    ),
    'hang-poweroff': (
        {'deed': 'hang', 'action': 'poweroff'},
        [Incident.WATCHDOG_POWEROFF],
    ),
}
"""What a guest does, and what is told of it first."""


class InstancesTest(guest_case.GuestCase):
    def setUp(self):
        super().setUp()
        self.clock = clock.SystemClock()
        self.told: list[teller.Event] = []
        self.ear = ear.Ear(self.host.uri, self.clock, list_seconds=0.5)
        self.addCleanup(self.ear.close)
        self.loops = [
            self.start_loop('libvirt', self.ear.turn, 0.1, 5.0),
            self.start_loop(
                'instances',
                teller.Teller(self.ear, self.told.append).turn,
                0.0,
                60.0,
            ),
        ]

    def start_loop(self, name, turn, pause, deadline):
        loop = service.Loop(
            name,
            turn,
            self.clock,
            pause_seconds=pause,
            deadline_seconds=deadline,
        )
        loop.start()
        self.addCleanup(loop.join, 10)
        self.addCleanup(loop.stop)
        return loop

    def incidents(self, uuid):
        return [each.incident for each in self.told if each.instance == uuid]

    def wait_told(self, uuid, why='the event'):
        return self.wait_for(
            lambda: self.incidents(uuid),
            why=why,
        )

    def wait_heard(self):
        """A listing was taken in after this."""
        connected = self.clock.monotonic()
        self.wait_for(
            lambda: self.ear.listed_at > connected,
            why='a listing',
        )

    def test_what_a_guest_does_is_told(self):
        guests = {}
        for name, (described, _incidents) in DEEDS.items():
            more = {'disk': self.host.make_disk('full')}
            guests[name] = self.boot(
                name, **described, **(more if name == 'write' else {})
            )
        told = {
            name: self.wait_told(uuid, name)[:1]
            for name, uuid in guests.items()
        }
        self.assertEqual(
            {name: incidents for name, (_, incidents) in DEEDS.items()}, told
        )

    def test_a_guest_whose_storage_is_back_is_resumed_where_it_stood(self):
        disk = self.host.make_disk('scarce')
        self.addCleanup(self.host.set_room, '1m')
        self.addCleanup(self.host.run_inside, 'rm', str(disk))
        uuid = self.boot('writer', deed='write', disk=disk)
        self.wait_told(uuid)
        self.host.set_room('16m')
        self.assertEqual('libvirt lets it go on', self.resume(uuid))
        self.wait_for(
            lambda: 'records out' in self.host.said('writer'),
            why='the guest to have written all',
        )

    def test_who_does_not_wait_for_storage_is_not_resumed(self):
        uuid = self.boot('suspended')
        self.wait_until_up('suspended')
        for stop in ('suspend', 'destroy'):
            connection = self.host.connect()
            getattr(connection.lookupByName('suspended'), stop)()
            connection.close()
            self.assertRaisesRegex(
                exception.OrderRefused,
                'does not stand still for its storage',
                self.resume,
                uuid,
            )
        self.assertRaisesRegex(
            exception.OrderRefused,
            'no such domain',
            self.resume,
            '00000000-0000-4000-8000-000000000000',
        )

    def resume(self, uuid):
        libvirt = hypervisor.Libvirt(self.host.uri, self.clock, may_write=True)
        return resumption.Resumer(libvirt)(uuid)

    def test_a_killed_guest_is_told_once(self):
        uuid = self.boot('victim')
        self.wait_until_up('victim')
        self.host.kill_guest('victim')
        self.wait_told(uuid)
        self.wait_heard()
        self.assertEqual([Incident.KILLED], self.incidents(uuid))

    def test_what_an_operator_does_with_virsh_is_no_fault(self):
        uuid = self.boot('spared')
        connection = self.host.connect()
        self.addCleanup(connection.close)
        domain = connection.lookupByName('spared')
        domain.suspend()
        domain.resume()
        domain.destroy()
        self.wait_heard()
        self.assertEqual([], self.incidents(uuid))

    def test_a_domain_that_is_not_of_nova_is_left_alone(self):
        other = self.boot('other', metadata='')
        ours = self.boot('ours')
        self.wait_until_up('other', 'ours')
        self.host.kill_guest('other')
        self.host.kill_guest('ours')
        self.wait_told(ours)
        self.assertEqual([], self.incidents(other))

    def test_what_happened_while_libvirtd_was_gone_is_told_once(self):
        killed, alive = self.boot('killed'), self.boot('alive')
        self.wait_until_up('killed', 'alive')
        self.wait_heard()
        self.host.end_libvirtd()
        self.host.kill_guest('killed')
        self.wait_for(lambda: self.ear.trouble, why='it to say so')
        self.host.start_libvirtd()
        self.wait_told(killed)
        self.wait_heard()
        self.assertEqual(1, len(self.incidents(killed)))
        self.assertIn(
            self.incidents(killed)[0], (Incident.KILLED, Incident.CRASHED)
        )
        self.assertEqual('', self.ear.trouble)
        self.host.kill_guest('alive')
        self.wait_told(alive)
        self.assertEqual([], self.incidents(alive)[1:])

    def test_a_hung_libvirtd_is_noticed_and_nothing_is_lost(self):
        uuid = self.boot('lonely')
        self.wait_until_up('lonely')
        self.wait_heard()
        self.host.signal(signal.SIGSTOP)
        self.addCleanup(self.host.signal, signal.SIGCONT)
        self.host.kill_guest('lonely')
        self.wait_for(self.loops[0].late, why='the loop that waits is late')
        self.assertFalse(self.loops[1].late())
        self.host.signal(signal.SIGCONT)
        self.wait_told(uuid)
        self.wait_heard()
        self.assertEqual([Incident.KILLED], self.incidents(uuid))


class ProcessTest(guest_case.GuestCase, test_process.ProcessCase):
    """The real hass-agent, RabbitMQ and endpoint."""

    def make_config(self):
        config = super().make_config().replace('guests = folder', '')
        return f"""{config}
guests = libvirt
guests_uri = {self.host.uri}
"""

    def test_what_befalls_an_instance_becomes_a_notification(self):
        path = [debian_libvirt.link(self.make_folder()), *sys.path]
        self.useFixture(
            fixtures.EnvironmentVariable('PYTHONPATH', ':'.join(path))
        )
        uuid = self.boot('told')
        self.run_agent()
        self.wait_for(
            lambda: uuid in (self.ears.host().domains or ()),
            why='the agent to see the instance',
        )
        before = self.ears.clock.now()
        self.host.kill_guest('told')
        (found,) = self.wait_for(
            self.ears.notifications,
            why='the notification',
        )
        self.assertEqual(
            ('agent', ears.HOST, 'instance', uuid, 'killed'),
            (
                found.source,
                found.host,
                found.layer,
                found.payload['instance'],
                found.payload['event'],
            ),
        )
        self.assertGreaterEqual(found.generated_at, before)


class NumbersTest(base.TestCase):
    def test_our_numbers_are_those_of_libvirt(self):
        debian_libvirt.need(self)
        libvirt: Any = importlib.import_module('libvirt')
        for word in translation.Lifecycle:
            name = f'VIR_DOMAIN_EVENT_{word.name}'
            self.assertEqual(getattr(libvirt, name), word)
        for state in translation.State:
            name = f'VIR_DOMAIN_{state.name}'
            self.assertEqual(getattr(libvirt, name), state)
        for name, change in MEANINGS.items():
            table, key = change
            number = getattr(libvirt, f'VIR_DOMAIN_{name}')
            self.assertIs(Incident(key), table[number].incident, name)


MEANINGS = {
    'EVENT_STOPPED_SHUTDOWN': (translation.STOPPED, 'shut_down'),
    'EVENT_STOPPED_CRASHED': (translation.STOPPED, 'crashed'),
    'EVENT_STOPPED_FAILED': (translation.STOPPED, 'killed'),
    'EVENT_SUSPENDED_IOERROR': (translation.SUSPENDED, 'paused_by_storage'),
    'EVENT_SUSPENDED_WATCHDOG': (translation.SUSPENDED, 'watchdog_pause'),
    'EVENT_SHUTDOWN_GUEST': (translation.SHUTDOWN, 'shut_down'),
    'EVENT_CRASHED_PANICKED': (translation.CRASHES, 'panicked'),
    'EVENT_WATCHDOG_NONE': (translation.WATCHDOG, 'watchdog_none'),
    'EVENT_WATCHDOG_PAUSE': (translation.WATCHDOG, 'watchdog_pause'),
    'EVENT_WATCHDOG_RESET': (translation.WATCHDOG, 'watchdog_reset'),
    'EVENT_WATCHDOG_POWEROFF': (translation.WATCHDOG, 'watchdog_poweroff'),
    'SHUTOFF_CRASHED': (translation.SHUTOFF, 'killed'),
    'SHUTOFF_FAILED': (translation.SHUTOFF, 'killed'),
    'SHUTOFF_DAEMON': (translation.SHUTOFF, 'killed'),
    'PAUSED_IOERROR': (translation.PAUSED_FOR, 'paused_by_storage'),
    'PAUSED_WATCHDOG': (translation.PAUSED_FOR, 'watchdog_pause'),
    'PAUSED_CRASHED': (translation.PAUSED_FOR, 'panicked'),
}
