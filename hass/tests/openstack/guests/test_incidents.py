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
"""Guests fail on hosts that live: each is seen, and answers again."""

from hass.tests.openstack.guests import base
from hass.tests.openstack import lab
from tools.bench import guests as bench
from tools.minicloud import guests

KINDS = {kind.name: kind for kind in bench.KINDS}
RESTARTS = {'rebooting', 'starting'}


class IncidentTest(base.GuestTest):
    """The share of ``make soak SET=guests`` that runs each time."""

    def test_a_qemu_that_was_killed(self):
        self.fail_and_return('qemu killed')

    def test_a_kernel_that_panicked(self):
        self.fail_and_return('kernel panic')

    def test_a_guest_that_hangs_with_a_watchdog_that_only_tells(self):
        self.fail_and_return('hung, watchdog none')

    def test_a_guest_that_hangs_with_a_watchdog_that_pauses(self):
        self.fail_and_return('hung, watchdog pause')

    def test_a_storage_without_room_that_has_room_again(self):
        self.fail_and_return('storage full')

    def test_a_guest_that_its_network_has_lost(self):
        self.fail_and_return('network gone')

    def fail_and_return(self, name):
        before = self.ask(self.cloud.servers())
        one = bench.Campaign(self.cloud, lab.say).inject(KINDS[name])
        self.assertIsNotNone(one.seconds, 'no recovery was opened')
        lab.say(f'{name}: recovery opened after {one.seconds:.2f} s')
        story = self.wait_for_story(
            one.uuid, 'finished', workflow=bench.WORKFLOW
        )
        restarts = sum(line.after in RESTARTS for line in story.history)
        self.wait_for_rest()
        servers = self.cloud.servers()
        now = self.ask(servers)
        for server in servers:
            was, runs = before[server.uuid], now[server.uuid]
            # It boots as often as Nova was asked, and others do not.
            told = guests.boots(self.lab, server.uuid)[was.number - 1 :]
            self.assertEqual((was.id, runs.id), (told[0], told[-1]))
            most = restarts if server.uuid == one.uuid else 0
            self.assertTrue(len(told) - 1 <= most, f'{told}, {story}')
            self.assert_runs_once(server.uuid, server.host)
