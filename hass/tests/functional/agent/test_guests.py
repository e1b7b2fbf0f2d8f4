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


"""Looks at real guests of a real libvirtd, and what the agent tells."""

import contextlib
import importlib
import json
import signal
from typing import Any

import testtools

from hass.agent.guests import hypervisor
from hass.agent.guests import learning
from hass.agent.guests import namespaces
from hass.agent.guests import network
from hass.agent.guests import watch
from hass.agent.instances import ear
from hass.agent.instances import teller
from hass.agent import service
from hass import clock
from hass.tests.functional.agent import guest_case
from hass.tests.functional.agent import tiny_guest

NUMBERS = iter(range(1, 250))
LOOK_SECONDS = 2.0
WELL = {
    'instance_libvirt': 'healthy',
    'guest_os_qga': 'healthy',
    'guest_network': 'healthy',
}


class GuestsTest(guest_case.GuestCase):
    """Real guests on devices of their own, with QEMU's agent inside."""

    seconds = 480

    def setUp(self):
        super().setUp()
        self.clock = clock.SystemClock()
        self.told: list[teller.Event] = []
        self.libvirt = hypervisor.Libvirt(
            self.host.uri, self.clock, may_write=True
        )
        self.watch = watch.Watch(
            self.libvirt,
            network.HostNetwork(self.clock),
            self.clock,
            [watch.AGENT, watch.NETWORK],
            self.told.append,
            wait_seconds=1.0,
        )
        self.start_loop('list', self.watch.list, 0.2)
        self.start_loop('line', self.watch.line_up, 0.2)
        self.start_loop('agents', self.watch.ask_agents, 0.0)
        self.start_loop('more agents', self.watch.ask_agents, 0.0)
        self.start_loop('networks', self.look_inside, LOOK_SECONDS)

    def look_inside(self):
        """From where the devices of the guests are."""
        with namespaces.within(self.host.network):
            self.watch.ask_networks()

    def start_loop(self, name, turn, pause):
        loop = service.Loop(
            name,
            turn,
            self.clock,
            pause_seconds=pause,
            deadline_seconds=60.0,
        )
        loop.start()
        self.addCleanup(loop.join, 30)
        self.addCleanup(loop.stop)

    def boot_wired(self, name, **described):
        number = next(NUMBERS)
        wire = tiny_guest.Wire(
            port=f'{number:08x}-0000-4000-8000-000000000000',
            mac=f'fa:16:3e:00:00:{number:02x}',
            address=f'10.0.0.{number}',
        )
        self.host.wire(wire)
        return self.boot(name, wire=wire, **described)

    def looks(self, uuid):
        _marks, looks = self.watch.sights.news(1000, [uuid])
        return {each.detector: each for each in looks}

    def verdict(self, uuid, detector):
        return self.looks(uuid)[detector].verdict

    def wait_seen(self, uuid, **wanted):
        """Until the looks say so, by detector."""
        return self.wait_for(
            lambda: all(
                detector in self.looks(uuid)
                and self.verdict(uuid, detector) == verdict
                for detector, verdict in wanted.items()
            ),
            why=f'{wanted}',
        )

    def inside(self, name, *command):
        """Let the guest's agent do something; it may end the agent."""
        with_agent: Any = importlib.import_module('libvirt_qemu')
        connection = self.host.connect()
        self.addCleanup(connection.close)
        domain = connection.lookupByName(name)
        asked = {'path': '/busybox', 'arg': list(command)}
        libvirt = self.host.libvirt
        try:
            with_agent.qemuAgentCommand(
                domain,
                json.dumps({'execute': 'guest-exec', 'arguments': asked}),
                10,
                0,
            )
        except libvirt.libvirtError as error:
            # It ended before it could say that it had begun.
            if error.get_error_code() != libvirt.VIR_ERR_AGENT_UNRESPONSIVE:
                raise

    def wait_told(self, uuid, incident, since):
        """Seconds until the incident was told."""
        (event,) = self.wait_for(
            lambda: [each for each in self.told if each.instance == uuid],
            why=incident,
        )
        self.assertEqual(incident, event.incident)
        return self.clock.monotonic() - since

    def wait_known(self, uuid, detector):
        """Until it has answered often enough to be missed."""
        seen = {self.looks(uuid)[detector].at}

        def look():
            seen.add(self.looks(uuid)[detector].at)
            return len(seen) > learning.ENOUGH

        self.wait_for(look, why='more answers')

    def note(self, what, told):
        self.addDetail(what, testtools.content.text_content(f'{told}'))

    def test_a_guest_is_well_is_cut_off_and_dies(self):
        uuid = self.boot_wired('cut-off', agent=True)
        self.wait_seen(uuid, **WELL)
        self.wait_known(uuid, 'guest_network')
        self.inside('cut-off', 'ip', 'link', 'set', 'eth0', 'down')
        took = self.wait_told(uuid, 'network_lost', self.clock.monotonic())
        self.note('network_lost', took)
        self.assertEqual('failed', self.verdict(uuid, 'guest_network'))
        self.assertEqual('healthy', self.verdict(uuid, 'guest_os_qga'))
        self.inside('cut-off', 'ip', 'link', 'set', 'eth0', 'up')
        self.wait_seen(uuid, guest_network='healthy')
        self.host.kill_guest('cut-off')
        self.wait_seen(
            uuid,
            instance_libvirt='failed',
            guest_os_qga='unknown',
            guest_network='unknown',
        )
        with contextlib.closing(self.host.connect()) as connection:
            connection.lookupByName('cut-off').create()
        self.wait_seen(uuid, **WELL)
        self.assertEqual(1, len(self.told))

    def test_guest_agents_that_hang_babble_or_flood(self):
        guests = {
            'hangs': self.boot_wired('hangs', agent=True),
            'mute': self.boot_wired('mute'),
            'babbles': self.boot_wired('babbles', deed='babble'),
            'floods': self.boot_wired('floods', deed='flood'),
        }
        self.wait_seen(guests['hangs'], guest_os_qga='healthy')
        self.wait_known(guests['hangs'], 'guest_os_qga')
        self.inside('hangs', 'killall', '-STOP', 'qemu-ga')
        took = self.wait_told(
            guests['hangs'], 'agent_silent', self.clock.monotonic()
        )
        self.note('agent_silent', took)
        for name, uuid in guests.items():
            self.wait_seen(uuid, guest_network='healthy')
            found = self.looks(uuid)['guest_os_qga']
            wanted = 'failed' if name == 'hangs' else 'unknown'
            self.assertEqual((name, wanted), (name, found.verdict))
            self.note(name, found.detail)
        self.assertEqual(1, len(self.told))

    def test_a_guest_that_reboots_is_given_time(self):
        heard = ear.Ear(self.host.uri, self.clock)
        self.addCleanup(heard.close)
        ears = teller.Teller(heard, self.watch.befell)
        self.start_loop('libvirt', heard.turn, 0.1)
        self.start_loop('instances', ears.turn, 0.0)
        uuid = self.boot_wired('reboots', agent=True)
        self.wait_seen(uuid, **WELL)
        self.wait_known(uuid, 'guest_network')
        self.inside('reboots', 'reboot', '-f')
        self.wait_seen(uuid, guest_network='unknown')
        self.wait_seen(uuid, **WELL)
        self.assertEqual([], self.told)

    def test_a_libvirtd_that_hangs_or_is_gone_makes_nobody_silent(self):
        uuid = self.boot_wired('bystander', agent=True)
        self.wait_seen(uuid, **WELL)
        self.wait_known(uuid, 'guest_os_qga')
        for harm, cure in (
            (self.freeze, self.thaw),
            (self.host.end_libvirtd, self.host.start_libvirtd),
        ):
            harm()
            self.wait_seen(uuid, guest_os_qga='unknown')
            self.assertEqual('healthy', self.verdict(uuid, 'guest_network'))
            cure()
            self.wait_seen(uuid, **WELL)
            self.wait_for(lambda: not self.libvirt.trouble, why='its answer')
        self.assertEqual([], self.told)

    def freeze(self):
        self.host.signal(signal.SIGSTOP)
        self.addCleanup(self.host.signal, signal.SIGCONT)

    def thaw(self):
        self.host.signal(signal.SIGCONT)
