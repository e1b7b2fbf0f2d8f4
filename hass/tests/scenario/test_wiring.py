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

"""Whether the address of a BMC leads to the BMC of its host."""

import dataclasses
import uuid

from hass.bmc import identity
from hass.db import fences
from hass.db import hosts
from hass.db import wirings
from hass.engine import fences as engine_fences
from hass.tests.scenario import base

HOST, OTHER, THIRD = 'compute-1', 'compute-2', 'compute-3'
DAY = 86400.0


class WiringCase(base.ScenarioTest):
    def setUp(self):
        super().setUp()
        self.host = self.cloud.hosts[HOST]
        self.instances = self.cloud.boot(HOST, instances=2)

    def wiring(self, name=HOST):
        with self.cloud.database.reader() as session:
            return wirings.Wiring.of(hosts.get(session, name))

    def holds(self, name=HOST):
        with self.cloud.database.reader() as session:
            return fences.known(session)[name].wiring

    def found(self, wanted, name=HOST, seconds=120):
        self.cloud.run_until(
            lambda: self.wiring(name).found is wanted, seconds
        )

    def try_anew(self):
        """As if nothing had been tried so far."""
        with self.cloud.database.writer() as session:
            for name in self.cloud.hosts:
                hosts.get(session, name).fence_wiring = None

    def cross(self, one=HOST, other=OTHER):
        """The cables of two BMCs are in each other's sockets."""
        self.cloud.hosts[one].bmc_of = other
        self.cloud.hosts[other].bmc_of = one
        self.try_anew()

    def lose_guids(self):
        for host in self.cloud.hosts.values():
            host.bmc_guid = None
        with self.cloud.database.writer() as session:
            for name in self.cloud.hosts:
                hosts.get(session, name).bmc_guid = None

    def pages(self):
        return ' | '.join(str(it['why']) for it in self.cloud.pager.alarms)


class WiringTest(WiringCase):
    def test_each_wiring_is_proven_in_calm_times(self):
        for name in self.cloud.hosts:
            self.found(identity.Wired.PROVEN, name)
            self.assertIs(identity.Wired.PROVEN, self.holds(name))

    def test_it_is_proven_once_a_day(self):
        self.found(identity.Wired.PROVEN)
        first = self.wiring()
        self.cloud.tick(300)
        self.assertEqual(first, self.wiring())
        self.cloud.clock.advance(DAY)
        self.cloud.run_until(lambda: self.wiring().at > first.at, 180)

    def test_the_mark_does_not_stay_in_the_bmc(self):
        self.found(identity.Wired.PROVEN)
        self.cloud.tick(wirings.KEPT_SECONDS + 1)
        self.assertEqual('', self.host.bmc_mark)

    def test_a_host_of_another_identity_is_tried_at_once(self):
        self.found(identity.Wired.PROVEN)
        first = self.wiring()
        self.host.system_uuid = str(uuid.uuid4())
        self.cloud.run_until(lambda: self.wiring().at > first.at, 60)

    def test_a_bmc_without_a_guid_is_used_where_its_wiring_is_proven(self):
        self.lose_guids()
        self.try_anew()
        self.found(identity.Wired.PROVEN)
        self.host.hang()
        self.cloud.run_until_state(HOST, 'returned')
        self.assert_recovered(HOST, self.instances)

    def test_a_proof_of_long_ago_proves_nothing(self):
        self.lose_guids()
        self.try_anew()
        self.found(identity.Wired.PROVEN)
        self.cloud.clock.advance(wirings.FACTOR * DAY + 60)
        self.assertIsNone(self.holds())

    def test_what_cannot_be_tried_raises_no_doubt(self):
        self.host.bmc_mark = None
        self.try_anew()
        self.found(identity.Wired.UNSUPPORTED)
        self.assertIsNone(self.holds())
        self.host.hang()
        self.cloud.run_until_state(HOST, 'returned')
        self.assert_recovered(HOST, self.instances)

    def test_a_bmc_that_does_not_answer_is_no_wrong_one(self):
        self.found(identity.Wired.PROVEN)
        proven = self.wiring()
        self.cloud.clock.advance(DAY)
        self.cloud.run_until(lambda: self.wiring().trial, 60)
        self.host.bmc_mute = True
        self.cloud.run_until(lambda: not self.wiring().trial, 200)
        self.assertEqual(proven.at, self.wiring().at)
        self.assertIs(identity.Wired.PROVEN, self.wiring().found)


class TakenTest(WiringCase):
    """Another BMC takes the address of one that was proven by its wiring."""

    def setUp(self):
        super().setUp()
        self.lose_guids()
        self.try_anew()
        for name in self.cloud.hosts:
            self.fence_test(name)
            self.found(identity.Wired.PROVEN, name)

    def fence_test(self, name=HOST):
        engine = self.cloud.engines['engine-1']
        engine_fences.Fences(
            self.cloud.database,
            engine.hands.fencer,
            engine.hands.address_of,
            self.cloud.clock,
        ).test(name)

    def test_its_power_is_not_cut(self):
        self.host.bmc_of = OTHER
        self.host.hang()
        self.assert_held(HOST, 'safety', 'MAC address')
        self.assertEqual([], self.cloud.bmcs.astray)
        self.assertEqual({}, self.cloud.verdict().evacuations)

    def test_the_next_test_of_the_fence_forgets_proof_and_waiver(self):
        with self.cloud.database.writer() as session:
            fences.waive(session, HOST, 'ann', 'no GUID on these boards')
        self.host.bmc_mac = '02:00:00:00:00:99'
        self.fence_test()
        self.assertIsNone(self.holds())
        with self.cloud.database.reader() as session:
            self.assertIsNone(hosts.get(session, HOST).fence_waived_by)

    def test_a_new_bmc_in_the_host_is_proven_by_its_own_mark(self):
        self.host.bmc_mac = '02:00:00:00:00:99'
        self.fence_test()
        self.found(identity.Wired.PROVEN)
        self.host.hang()
        self.cloud.run_until_state(HOST, 'returned')
        self.assert_recovered(HOST, self.instances)

    def test_bmcs_that_tell_no_mac_address_are_known_by_the_address(self):
        self.host.bmc_mac = ''
        self.fence_test()
        self.found(identity.Wired.PROVEN)
        self.host.hang()
        self.cloud.run_until_state(HOST, 'returned')


class CrossedTest(WiringCase):
    """Two addresses lead to each other's BMCs; GUIDs do not tell it."""

    def setUp(self):
        super().setUp()
        self.lose_guids()
        for name in (HOST, OTHER):
            with self.cloud.database.writer() as session:
                fences.waive(session, name, 'ann', 'no GUID on these boards')
        self.cross()

    def assert_nothing_was_cut(self):
        self.assertEqual([], self.cloud.bmcs.astray)
        self.assertEqual({}, self.cloud.verdict().evacuations)

    def test_it_is_found_in_calm_times_and_paged(self):
        for name, other in ((HOST, OTHER), (OTHER, HOST)):
            self.found(identity.Wired.WRONG, name)
            self.assertIn(f'the one of {other}', self.wiring(name).why)
        self.cloud.tick(5)
        self.assertIn('this BMC is not that of this host', self.pages())

    def test_nobody_is_fenced_in_the_night(self):
        self.found(identity.Wired.WRONG)
        self.host.hang()
        self.assert_held(HOST, 'safety', 'not that of this host')
        self.assert_nothing_was_cut()

    def test_the_hold_ends_when_the_cables_are_put_right(self):
        self.found(identity.Wired.WRONG)
        self.found(identity.Wired.WRONG, OTHER)
        for name in (HOST, OTHER):
            self.cloud.hosts[name].bmc_of = None
        self.cloud.clock.advance(wirings.AGAIN_SECONDS)
        self.found(identity.Wired.PROVEN)
        self.host.hang()
        self.cloud.run_until_state(HOST, 'returned')
        self.assert_recovered(HOST, self.instances)

    def test_a_bmc_that_takes_no_marks_any_more_does_not_put_it_right(self):
        self.found(identity.Wired.WRONG)
        self.host.bmc_mark = None
        self.cloud.clock.advance(wirings.AGAIN_SECONDS)
        self.cloud.tick(180)
        self.assertIs(identity.Wired.WRONG, self.holds())


class ForeignTest(WiringCase):
    """The address leads to the BMC of a system that HASS does not know."""

    def setUp(self):
        super().setUp()
        self.reads = 0
        real = self.cloud.bmcs.read_marked

        def read(target):
            reading = real(target)
            if target.name != HOST:
                return reading
            self.reads += 1
            return dataclasses.replace(reading, mark='Windows')

        self.cloud.bmcs.read_marked = read
        self.try_anew()

    def test_one_mark_that_is_missing_is_tried_anew(self):
        self.found(identity.Wired.WRONG)
        self.assertEqual(wirings.MISSES, self.reads)
        self.assertIn('not in the BMC at its address', self.wiring().why)

    def test_its_own_guid_does_not_outweigh_it(self):
        self.found(identity.Wired.WRONG)
        self.host.hang()
        self.assert_held(HOST, 'safety', 'not that of this host')
