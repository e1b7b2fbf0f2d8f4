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
"""Hosts fail; their guests are asked whether they are back."""

from hass.tests.openstack.guests import base
from hass.tests.openstack import lab
from hass_oracle import ledger
from tools.minicloud import faults
from tools.minicloud import guests
from tools.minicloud import volumes


class HostTest(base.GuestTest):
    """A host that is lost takes its guests along, or does not."""

    def test_guests_of_a_host_without_power_boot_once_elsewhere(self):
        self.lose(faults.power_cut)

    def test_guests_that_live_on_a_host_cut_off_do_not_run_twice(self):
        host = self.lose(faults.cut)
        self.assertEqual(1, len(self.events(ledger.Kind.OFF, host)))

    def test_a_guest_on_a_volume_boots_once_elsewhere_with_its_data(self):
        volumes.up(self.lab, lab.say)
        host = self.cloud.busiest()
        uuid = self.cloud.boot_guest(host, root='volume')
        self.addCleanup(self.cloud.delete, uuid)
        self.cloud.protect(uuid)
        self.begin_anew()
        self.assertEqual(host, self.lose(faults.power_cut))

    def lose(self, fault):
        host = self.cloud.busiest()
        servers = self.cloud.on(host)
        before = self.ask(servers)
        fault(self.lab, host)
        self.wait_for_story(host, 'finished')
        faults.join(self.lab, host)
        self.assert_recovered(host)
        self.assert_booted_once(before)
        self.assert_gone_from(host, [*before])
        self.assert_moved_once(servers)
        return host


class MigrationTest(base.GuestTest):
    """A guest is moved while its host dies."""

    def test_the_source_dies_right_after_the_guest_has_left_it(self):
        source = self.cloud.busiest()
        server = self.cloud.on(source)[0]
        target = self.cloud.busiest(but={source})
        before = guests.ask(self.lab, server.uuid)
        self.migrate(server, target)
        self.wait_for(
            lambda: self.runs_on(server.uuid, {target}),
            every=0.01,
            why='the guest to leave its source',
        )
        faults.power_cut(self.lab, source)
        story = self.wait_for_story(source, 'finished', 'held', patient=True)
        if story.state == 'held':
            # Nova had not noted yet where the guest is.
            self.assertIn('sees a domain of it', story.why)
        self.addCleanup(self.cloud.repair)
        now = guests.ask(self.lab, server.uuid)
        self.assertEqual(before, now, 'it has been booted')
        self.assertEqual('', guests.twice(self.lab, server.uuid))
        self.assertTrue(self.runs_on(server.uuid, {target}))

    def migrate(self, server, target):
        body = {'os-migrateLive': {'host': target, 'block_migration': 'auto'}}
        self.cloud.nova('POST', f'/servers/{server.uuid}/action', body)

    def runs_on(self, uuid, wanted):
        found = guests.running(self.lab).get(uuid, [])
        return {process.host for process in found} == wanted
