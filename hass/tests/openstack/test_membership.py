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

"""ZooKeeper, memcached and etcd, that tell who lives, and die themselves."""

from hass.tests.openstack import base
from tools.minicloud import faults
from tools.minicloud import lab as minicloud
from tools.minicloud import stores

ABSENT_SECONDS = 10
"""Longer than it takes to miss a host that was a member."""


class MembershipTest(base.OpenStackTest):
    """A store tells of hosts while it lives, and its death of nobody."""

    def setUp(self):
        super().setUp()
        # What is known of a host is as old as the last look at it.
        self.missed = self.cloud.hosts
        faults.stores_up(self.lab)
        self.begin_anew()
        self.wait_until_seen()
        self.missed = ()

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        faults.stores_down(minicloud.load())

    def test_stores_that_are_killed_accuse_nobody(self):
        for name in stores.NAMES:
            self.kill(name)
            faults.store_start(self.lab, name)
            self.wait_until_seen()
        self.kill(*stores.NAMES)
        self.nothing_happens(ABSENT_SECONDS)
        for name in stores.NAMES:
            faults.store_start(self.lab, name)
        self.wait_until_seen()
        self.assert_nothing_happened()

    def test_a_host_that_dies_or_hangs_while_a_store_is_dead_is_seen(self):
        host = self.cloud.busiest()
        self.kill('etcd')
        faults.power_cut(self.lab, host)
        self.assert_recovered(host)
        self.assert_not_fenced(*{*self.cloud.hosts} - {host})
        self.begin_anew()
        self.missed = (host,)
        self.wait_until_seen(etcd='unknown')
        self.hang_in_maintenance(host)
        self.assert_nothing_happened()

    def hang_in_maintenance(self, host):
        """Without a window it would be fenced before a store misses it."""
        window = f'/v1/hosts/{host}/maintenance'
        body = {'seconds': 600, 'reason': 'a test'}
        self.cloud.hass('PUT', window, body)
        faults.hang(self.lab, host)
        self.wait_until_seen(host, others='failed', etcd='unknown')
        faults.unhang(self.lab, host)
        self.wait_until_seen(etcd='unknown')
        self.cloud.hass('DELETE', window)

    def kill(self, *names):
        """Kill stores, and wait until all hosts are unknown there."""
        for name in names:
            faults.store_kill9(self.lab, name)
        self.wait_until_seen(**dict.fromkeys(names, 'unknown'))

    def wait_until_seen(self, *hosts, others='healthy', **told):
        """Wait until stores say so of hosts; meanwhile nobody is accused.

        :param hosts: none: all of them
        :param others: what the stores say that are not named
        """
        seen = {**dict.fromkeys(stores.NAMES, others), **told}
        blind = {*seen.values()} == {'unknown'}

        def agreed():
            self.assertEqual([], self.stories())
            said = {it: self.cloud.membership(it) for it in self.cloud.hosts}
            for host in {*said} - {*self.missed}:
                self.assertNotIn('failed', said[host].values(), host)
            return all(
                said[host] == seen
                and blind is ('membership' in self.cloud.degraded(host))
                for host in hosts or said
            )

        self.wait_for(agreed, why=str(seen))
