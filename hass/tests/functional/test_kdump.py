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

"""The datagrams of the real fence_kdump_send, from Debian's fence-agents."""

import os
import subprocess
import sys

from hass import clock
from hass.engine import kdump
from hass.tests import base
from tools import packages

SEND = '/usr/libexec/fence-agents/fence_kdump_send'
HOSTS = {'127.0.0.1': 'compute-1', '::1': 'compute-2'}


class FenceKdumpTest(base.TestCase):
    def setUp(self):
        super().setUp()
        try:
            packages.ensure('fence-agents')
        except packages.LeftOut as why:
            if 'CI' in os.environ:
                raise
            sys.stderr.write(f'{self.id()}: {why}\n')
            self.skipTest(str(why))
        self.clock = clock.SystemClock()
        self.panics = []

    def listen(self, address):
        hears = kdump.Kdump(
            self.clock,
            [(address, 0)],
            HOSTS.get,
            lambda host, moment: False,
            lambda host, at: self.panics.append((host, at)),
        )
        hears.start()
        self.addCleanup(hears.stop)
        return hears

    def send(self, hears, node, *options):
        """What a kdump kernel runs."""
        port = str(hears.ports()[0])
        subprocess.run(
            [SEND, '-p', port, '-c', '1', '-i', '1', *options, node],
            check=True,
            capture_output=True,
        )

    def hear(self, host):
        found = self.wait_for(lambda: self.panics, why='the panic')
        self.assertEqual(host, found[0][0])

    def test_a_host_says_that_its_kernel_has_panicked(self):
        hears = self.listen('127.0.0.1')
        began = self.clock.monotonic()
        self.send(hears, '127.0.0.1')
        self.hear('compute-1')
        self.assertGreaterEqual(hears.panicked_at('compute-1'), began)
        self.assertEqual({}, hears.refusals())

    def test_over_ipv6(self):
        self.send(self.listen('::1'), '::1', '-f', 'ipv6')
        self.hear('compute-2')

    def test_one_socket_for_both_families(self):
        self.send(self.listen('::'), '127.0.0.1', '-f', 'ipv4')
        self.hear('compute-1')
