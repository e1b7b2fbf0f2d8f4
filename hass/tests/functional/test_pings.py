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

"""Real pings, in a network namespace of each test's own."""

import json
import os
import subprocess
import sys

from hass.tests import base
from tools import packages

HOSTS = [f'127.1.{host // 250}.{host % 250 + 1}' for host in range(1000)]
LOOK = """
import json, resource, sys
from hass import clock
from hass.detection import pings
seconds, addresses = json.load(sys.stdin)
hands = clock.SystemClock()
pinger = pings.Pinger(seconds, 2, hands)
def cpu():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
began, busy = hands.monotonic(), cpu()
try:
    answering = sorted(pinger.answering(addresses))
except Exception as error:
    answering = str(error)
print(json.dumps([answering, hands.monotonic() - began, cpu() - busy]))
"""
DROP = """
nft add table inet test
nft 'add chain inet test in { type filter hook input priority 0; }'
nft add rule inet test in meta l4proto icmp ip daddr 127.2.0.0/16 drop
"""
LOSE = """
nft add table inet test
nft 'add chain inet test in { type filter hook input priority 0; }'
nft add rule inet test in numgen inc mod 3 0 drop
"""


class PingTest(base.TestCase):
    def setUp(self):
        super().setUp()
        if os.geteuid() != 0:
            self.skipTest('no network namespace without root: left out')
        packages.ensure('iproute2', 'nftables', 'util-linux')

    def look(self, addresses, prepare='', seconds=0.5, become=''):
        """Who answers, seconds of wall time, seconds of CPU."""
        done = subprocess.run(
            [
                'unshare',
                '--net',
                'sh',
                '-ec',
                f'ip link set lo up\n{prepare}\nexec {become} "$0" -c "$1"',
                sys.executable,
                LOOK,
            ],
            input=json.dumps([seconds, addresses]),
            capture_output=True,
            text=True,
        )
        self.assertEqual('', done.stderr)
        return json.loads(done.stdout)

    def test_a_thousand_hosts_that_answer_end_the_look(self):
        answering, wall, cpu = self.look(HOSTS, seconds=10.0)
        self.assertEqual(sorted(HOSTS), answering)
        self.assertLess(wall, 10.0)
        self.assertLess(cpu, 1.0)

    def test_who_is_silent_delays_nobody_for_longer_than_the_look(self):
        dead = [f'127.2.0.{host}' for host in range(1, 100)]
        answering, wall, _cpu = self.look(HOSTS[:500] + dead, DROP)
        self.assertEqual(sorted(HOSTS[:500]), answering)
        self.assertGreaterEqual(wall, 0.5)

    def test_both_families_are_asked_in_one_look(self):
        answering, _wall, _cpu = self.look(
            ['127.0.0.1', '127.2.0.1', '::1', 'fe80::99%lo', 'compute-1'],
            DROP,
        )
        self.assertEqual(['127.0.0.1', '::1'], answering)

    def test_a_lost_ping_is_repeated(self):
        answering, _wall, _cpu = self.look(['127.0.0.1'], LOSE)
        self.assertEqual(['127.0.0.1'], answering)

    def test_without_a_network_nobody_answers(self):
        answering, _wall, _cpu = self.look(
            ['127.0.0.1', '192.0.2.1', '::1'], 'ip link set lo down'
        )
        self.assertEqual([], answering)

    def test_without_privileges_ping_sockets_serve(self):
        answering, _wall, _cpu = self.look(
            ['127.0.0.1', '127.0.0.2', '::1'],
            'sysctl -qw net.ipv4.ping_group_range="0 99999"',
            become='setpriv --bounding-set=-net_raw',
        )
        self.assertEqual(['127.0.0.1', '127.0.0.2', '::1'], answering)

    def test_where_nobody_may_ping_that_is_said(self):
        answering, _wall, _cpu = self.look(
            ['127.0.0.1'],
            'sysctl -qw net.ipv4.ping_group_range="1 0"',
            become='setpriv --bounding-set=-net_raw',
        )
        self.assertIn('CAP_NET_RAW', answering)
