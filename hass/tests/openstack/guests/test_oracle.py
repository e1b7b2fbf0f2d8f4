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

from hass.tests.openstack.guests import base
from tools.minicloud import guests
from tools.minicloud import processes


class OracleTest(base.GuestTest):
    """What guests say of themselves can prove HASS wrong."""

    def test_a_guest_that_runs_twice_tells_of_it(self):
        host, other = self.cloud.hosts[:2]
        uuid = self.cloud.boot_guest(host)
        self.addCleanup(self.cloud.nova, 'DELETE', f'/servers/{uuid}')
        self.wait_until_answers(uuid)
        self.assert_runs_once(uuid, host)
        self.addCleanup(processes.stop, self.lab, 'double')
        processes.start(self.lab, other, 'double', self.double(uuid))
        self.wait_for(
            lambda: guests.twice(self.lab, uuid),
            why='the guest to find another one on its disk',
        )
        self.assertRaises(
            self.failureException, self.assert_runs_once, uuid, host
        )
        running = guests.running(self.lab)[uuid]
        self.assertEqual({host, other}, {process.host for process in running})

    def double(self, uuid):
        """The same guest once more, without QEMU's locks in its way."""
        folder = self.lab.instances / uuid
        disk = f'file={folder}/disk,format=raw,if=virtio,file.locking=off'
        return [
            *('qemu-system-x86_64', '-uuid', uuid, '-m', '128'),
            *('-nodefaults', '-display', 'none', '-append', 'net=none'),
            *('-kernel', folder / 'kernel', '-initrd', folder / 'ramdisk'),
            *('-drive', disk),
        ]
