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


"""Guests' networks as Neutron makes them, in namespaces of each test's own."""

import json
import os
import subprocess
import sys
from typing import Any

from hass.tests import base
from tools import packages

ADDRESS = '10.0.0.9'
MACS = {'red': 'fa:16:3e:00:00:01', 'blue': 'fa:16:3e:00:00:02'}
START = """
mount -t tmpfs none /run
mkdir /run/netns
ip link set lo up
exec "$0" -m hass.tests.functional.agent.in_namespaces
"""
NETWORK = """
ip link add {bridge} type bridge
ip link set {bridge} up
ip netns add {place}
ip link add port-{net} type veth peer name eth0 netns {place}
ip link set port-{net} master {bridge} up
ip -n {place} address add 10.0.0.2/24 dev eth0
ip -n {place} link set eth0 up
"""
GUEST = """
ip netns add {name} 2>/dev/null || true
ip link add tap-{name} type veth peer name eth0 address {mac} netns {name}
ip link set tap-{name} master brq-{name} up
ip -n {name} address add 10.0.0.9/24 dev eth0
ip -n {name} link set eth0 up
"""
FORBID_PINGS = 'ip netns exec {} sysctl -qw net.ipv4.icmp_echo_ignore_all=1'
FORBID_ARP = 'ip netns exec {} sysctl -qw net.ipv4.conf.eth0.arp_ignore=8'


class GuestNetworkTest(base.TestCase):
    """Two networks that are cut off, each with a guest at one address."""

    def setUp(self):
        super().setUp()
        if os.geteuid() != 0:
            self.skipTest('no network namespace without root: left out')
        packages.ensure('iproute2', 'util-linux', 'procps')
        self.child = self.start()
        self.addCleanup(self.child.wait)
        for pipe in (self.child.stdout, self.child.stdin):
            self.addCleanup(pipe.close)

    def start(self) -> Any:
        unshare = ['unshare', '--net', '--mount', 'sh', '-ec', START]
        return subprocess.Popen(
            [*unshare, sys.executable],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, **wanted):
        self.child.stdin.write(json.dumps(wanted) + '\n')
        self.child.stdin.flush()
        return json.loads(self.child.stdout.readline())

    def sh(self, script):
        self.ask(sh=script)

    def boot(self, *names, kind='qdhcp'):
        for name in names:
            self.sh(
                NETWORK.format(
                    net=name, bridge=f'brq-{name}', place=f'{kind}-{name}'
                )
            )
            self.sh(GUEST.format(name=name, mac=MACS[name]))

    def look(self, *names, device=True, mac=''):
        """How each answers."""
        return self.ask(
            look={
                name: [
                    (
                        mac or MACS[name],
                        f'tap-{name}' if device else '',
                        [ADDRESS],
                    )
                ]
                for name in names
            }
        )

    def test_each_answers_at_its_own_device(self):
        self.boot('red', 'blue')
        both = dict.fromkeys(MACS, f'{ADDRESS} answers ARP')
        self.assertEqual(both, self.look(*MACS))
        self.sh('ip -n red link set eth0 down')
        self.assertEqual(['blue'], list(self.look(*MACS)))
        self.sh('ip -n red link set eth0 up')
        self.assertEqual(both, self.look(*MACS))

    def test_a_device_that_was_made_anew_is_asked(self):
        self.boot('red')
        self.assertEqual(['red'], list(self.look('red')))
        self.sh('ip link delete tap-red')
        self.assertEqual({}, self.look('red'))
        self.sh(GUEST.format(name='red', mac=MACS['red']))
        self.assertEqual(['red'], list(self.look('red')))

    def test_who_forbids_pings_answers_arp(self):
        self.boot('red')
        self.sh(FORBID_PINGS.format('red'))
        self.assertEqual(['red'], list(self.look('red')))
        self.assertEqual({}, self.look('red', device=False))

    def test_who_forbids_arp_answers_pings_from_its_own_network(self):
        self.boot('red', 'blue')
        self.sh(FORBID_ARP.format('red'))
        # Its network knows it from better days.
        self.sh(
            'ip -n qdhcp-red neighbour replace 10.0.0.9 dev eth0 '
            f'lladdr {MACS["red"]}'
        )
        self.assertEqual(
            {
                'red': f'{ADDRESS} answers pings',
                'blue': f'{ADDRESS} answers ARP',
            },
            self.look(*MACS),
        )

    def test_without_a_device_it_is_pinged_from_a_namespace_of_neutron(self):
        for name, kind in (('red', 'ovnmeta'), ('blue', 'qrouter')):
            self.boot(name, kind=kind)
        self.assertEqual(
            dict.fromkeys(MACS, f'{ADDRESS} answers pings'),
            self.look(*MACS, device=False),
        )

    def test_another_with_the_same_address_does_not_count(self):
        self.boot('red', 'blue')
        self.sh('ip -n red link set eth0 down')
        self.assertEqual(['blue'], list(self.look(*MACS, device=False)))
        stranger = 'fa:16:3e:00:00:03'
        self.assertEqual({}, self.look('blue', device=False, mac=stranger))
        self.assertEqual({}, self.look('blue', mac=stranger))

    def test_on_a_network_of_the_hosts_own_it_is_pinged_from_the_host(self):
        self.boot('red', kind='other')
        self.sh('ip address add 10.0.0.1/24 dev brq-red')
        self.assertEqual(['red'], list(self.look('red', device=False)))

    def test_a_namespace_that_went_delays_one_look(self):
        self.boot('red', 'blue')
        self.assertEqual(
            ['blue', 'red'], sorted(self.look(*MACS, device=False))
        )
        self.sh('ip netns delete qdhcp-red')
        self.assertIn('qdhcp-red', self.look(*MACS, device=False))
        self.assertEqual(['blue'], list(self.look(*MACS, device=False)))

    def test_who_forbids_both_is_not_heard(self):
        self.boot('red')
        self.sh(FORBID_PINGS.format('red'))
        self.sh(FORBID_ARP.format('red'))
        self.assertEqual({}, self.look('red'))
