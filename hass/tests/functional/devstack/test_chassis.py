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

"""The simulated BMC of a devstack node, and what it does to the node."""

import os
import pathlib
import socket
import subprocess
import uuid

from hass import bmc
from hass import exception
from hass.tests.functional import bmc_base
from hass.tests.functional.devstack import plugin

ON, OFF = bmc.PowerState.ON, bmc.PowerState.OFF

# Units and guests are files: who is killed is removed.
_SYSTEMCTL = """\
#!/bin/sh
cd {node}
echo "$@" >>calls
case "$1" in
kill) rm -f "$3";;
start) shift 2; touch "$@";;
--quiet) [ -e devstack@n-cpu.service ];;
esac
"""
_VIRSH = """\
#!/bin/sh
cd {node}/guests
case "$1" in
list) ls;;
destroy) rm "$2";;
esac
"""
GUESTS = ('5f0ed2a6-0001', '5f0ed2a6-0002')


class ChassisTest(bmc_base.BmcTest):
    def setUp(self):
        super().setUp()
        self.need('openipmi')
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
            free.bind(('127.0.0.1', 0))
            port = free.getsockname()[1]
        self.at = bmc.Address('127.0.0.1', port, 'hass', bmc_base.PASSWORD)
        stack = self.useFixture(
            plugin.Plugin(
                '',
                ['hass-bmc'],
                HASS_BMC_ADDRESS='127.0.0.1',
                HASS_BMC_PORT=str(port),
                HASS_BMC_PASSWORD=bmc_base.PASSWORD,
            )
        )
        stack.run('stack install', 'stack post-config')
        self.folder = stack.folder / 'data' / 'hass' / 'bmc'
        self.make_node()
        (started,) = [
            line
            for line in stack.run('stack extra')
            if line.startswith('run_process hass-bmc ')
        ]
        self.start(started.split()[2:-2])
        self.wait_for(self.answers, why='ipmi_sim')

    def make_node(self):
        self.node = pathlib.Path(self.make_folder())
        (self.node / 'guests').mkdir()
        for guest in GUESTS:
            (self.node / 'guests' / guest).touch()
        (self.node / 'devstack@n-cpu.service').touch()
        (self.node / 'devstack@hass-agent.service').touch()
        self.programs = pathlib.Path(self.make_folder())
        for name, text in (('systemctl', _SYSTEMCTL), ('virsh', _VIRSH)):
            (self.programs / name).write_text(text.format(node=self.node))
            (self.programs / name).chmod(0o755)

    def start(self, argv):
        path = f'{self.programs}:{os.environ["PATH"]}'
        with (self.node / 'output').open('w') as output:
            process = subprocess.Popen(
                argv,
                env=os.environ | {'PATH': path},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)

    def answers(self):
        try:
            return self.bmcs.power(self.at)
        except exception.BmcError:
            return None

    def off(self):
        self.bmcs.power_off(self.at, self.deadline())

    def boot_id(self):
        return (self.folder / 'boot_id').read_text()

    def test_off_ends_the_guests_and_their_services(self):
        self.assertEqual(ON, self.bmcs.power(self.at))
        self.off()
        self.wait_for(lambda: self.bmcs.power(self.at) == OFF, why='off')
        self.assertEqual([], os.listdir(self.node / 'guests'))
        self.assertFalse((self.node / 'devstack@n-cpu.service').exists())
        self.assertFalse((self.node / 'devstack@hass-agent.service').exists())

    def test_while_a_guest_is_left_it_reads_on(self):
        virsh = self.programs / 'virsh'
        virsh.write_text(virsh.read_text().replace('rm "$2"', 'false'))
        self.assertRaises(exception.BmcRefused, self.off)
        self.assertEqual(ON, self.bmcs.power(self.at))

    def test_on_is_another_boot(self):
        before = self.boot_id()
        self.off()
        self.wait_for(lambda: self.bmcs.power(self.at) == OFF, why='off')
        self.bmcs.power_on(self.at, self.deadline())
        self.wait_for(lambda: self.bmcs.power(self.at) == ON, why='on')
        self.assertNotEqual(before, self.boot_id())
        self.assertTrue((self.node / 'devstack@n-cpu.service').exists())

    def test_its_guid_is_what_the_agent_reads(self):
        guid = self.bmcs.identity(self.at).guid
        read = (self.folder / 'system_uuid').read_text().strip()
        self.assertTrue(bmc.same_guid(guid, uuid.UUID(read)))

    def test_the_password_is_readable_by_its_owner_only(self):
        mode = (self.folder / 'lan.conf').stat().st_mode
        self.assertEqual(0o600, mode & 0o777)
