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


import datetime
from typing import Any
import uuid

import futurist

from hass import bmc
from hass.bmc import identity
from hass.db import fences as db_fences
from hass.db import hosts
from hass.db import models
from hass.db import moments
from hass.engine import fences
from hass import exception
from hass.fencing import base as fencing
from hass.tests import base
from hass.tests import builders
from hass.tests import clocks

HOST = 'compute-1'
WHY = 'it was heard while its BMC read off'
GUID = uuid.UUID('12345678-1234-5678-1234-567812345678')
AT = bmc.Address('192.0.2.1', 623, 'user', 'password')


class Fencer:
    """A device that takes two seconds to say what it reads."""

    def __init__(self, clock):
        self.clock = clock
        self.power = fencing.PowerState.ON
        self.guid = GUID
        self.mac = None
        self.mute = False

    def read(self, target):
        self.clock.turn(2)
        if self.mute:
            raise exception.BmcUnreachable('192.0.2.1:623', 'no answer')
        return fencing.Reading(
            self.power, self.guid, 'always-off', mac=self.mac
        )


class FencesCase(base.TestCase):
    fencer: Any

    def setUp(self):
        super().setUp()
        self.clock = clocks.HandClock()
        self.database = builders.make_database(self, self.clock)
        with self.database.writer() as session:
            builders.make_host(
                session,
                HOST,
                system_uuid=str(GUID),
                fence_state=models.FenceState.UNTESTED,
            )
        self.fencer = Fencer(self.clock)
        self.address = AT
        self.fences = fences.Fences(
            self.database, self.fencer, lambda host: self.address, self.clock
        )

    def host(self):
        with self.database.reader() as session:
            return hosts.get(session, HOST)

    def age_of_test(self):
        with self.database.reader() as session:
            now = moments.read_now(session)
        return (now - self.host().fence_tested_at).total_seconds()


class FencesTest(FencesCase):
    def test_what_an_answer_shows_is_kept(self):
        self.assertEqual('working', self.fences.test(HOST)['state'])
        host = self.host()
        self.assertEqual(
            (str(GUID), '192.0.2.1:623', 2.0, 'always-off'),
            (
                host.bmc_guid,
                host.bmc_guid_from,
                host.fence_read_seconds,
                host.power_restore_policy,
            ),
        )
        self.clock.turn(60)
        self.assertEqual(60, self.age_of_test())

    def test_a_test_without_answer_forgets_nothing(self):
        self.fences.test(HOST)
        self.clock.turn(60)
        self.fencer.mute = True
        self.assertEqual('broken', self.fences.test(HOST)['state'])
        self.assertEqual(str(GUID), self.host().bmc_guid)
        self.assertEqual(62, self.age_of_test())

    def test_a_device_without_identity_forgets_nothing(self):
        self.fences.test(HOST)
        self.fencer.guid = None
        self.assertEqual('working', self.fences.test(HOST)['state'])
        self.assertEqual(str(GUID), self.host().bmc_guid)

    def test_the_bmc_of_another_system_is_no_fence(self):
        self.fencer.guid = uuid.UUID(int=7)
        outcome = self.fences.test(HOST)
        self.assertEqual('broken', outcome['state'])
        self.assertIn(
            f"one of system {uuid.UUID(int=7)}", outcome["why"] or ""
        )

    def test_what_another_bmc_told_is_forgotten(self):
        self.fences.test(HOST)
        self.address = bmc.Address('192.0.2.9')
        self.fencer.mute = True
        self.fences.test(HOST)
        self.assertIsNone(self.host().bmc_guid)

    def test_a_person_vouches_for_the_bmc_that_answered_last_alone(self):
        self.fencer.guid = None
        self.fences.test(HOST)
        with self.database.writer() as session:
            db_fences.waive(session, HOST, 'ann', 'no GUID on these boards')
        self.assertTrue(self.is_own())
        self.address = bmc.Address('192.0.2.9')
        self.assertFalse(self.is_own())
        self.fences.test(HOST)
        self.assertFalse(self.is_own())
        self.assertIsNone(self.host().fence_waived_by)

    def is_own(self):
        with self.database.reader() as session:
            known = db_fences.known(
                session, lambda host: identity.place_of(self.address)
            )
            row = hosts.get(session, HOST)
            return db_fences.is_own(row, known, None, self.fencer.mac)

    def test_a_person_vouches_for_no_bmc_that_took_its_address(self):
        self.fencer.guid = None
        self.fencer.mac = '02:00:00:00:00:01'
        self.fences.test(HOST)
        with self.database.writer() as session:
            db_fences.waive(session, HOST, 'ann', 'no GUID on these boards')
        self.assertTrue(self.is_own())
        for other in ('02:00:00:00:00:02', ''):
            self.fencer.mac = other
            self.assertFalse(self.is_own())
        self.fencer.mute = True
        self.fences.test(HOST)
        self.assertEqual('ann', self.host().fence_waived_by)
        self.fencer.mute = False
        self.fences.test(HOST)
        self.assertIsNone(self.host().fence_waived_by)

    def test_a_bmc_with_a_guid_is_not_the_one_that_had_none(self):
        self.fencer.guid, self.fencer.mac = None, '02:00:00:00:00:01'
        self.fences.test(HOST)
        with self.database.writer() as session:
            db_fences.waive(session, HOST, 'ann', 'no GUID on these boards')
        self.fencer.guid, self.fencer.mac = GUID, None
        self.fences.test(HOST)
        self.assertIsNone(self.host().fence_waived_by)
        self.assertIsNone(self.host().bmc_mac)

    def test_what_was_known_before_mac_addresses_were_read_stays(self):
        self.fencer.guid = None
        self.fences.test(HOST)
        with self.database.writer() as session:
            db_fences.waive(session, HOST, 'ann', 'no GUID on these boards')
        self.fencer.mac = '02:00:00:00:00:01'
        self.fences.test(HOST)
        self.assertEqual('ann', self.host().fence_waived_by)
        self.assertEqual('02:00:00:00:00:01', self.host().bmc_mac)

    def test_a_change_over_the_api_forgets_the_fence(self):
        for changes in ({'bmc_address': '192.0.2.9'}, {'bmc_port': 6230}):
            self.fences.test(HOST)
            with self.database.writer() as session:
                hosts.update(session, HOST, **changes)
            host = self.host()
            self.assertEqual('untested', host.fence_state)
            self.assertIsNone(host.bmc_guid)
            self.assertIsNone(host.fence_tested_at)

    def test_a_new_password_forgets_the_test_alone(self):
        self.fences.test(HOST)
        with self.database.writer() as session:
            hosts.update(session, HOST, bmc_password='x')
        self.assertEqual('untested', self.host().fence_state)
        self.assertEqual(str(GUID), self.host().bmc_guid)


class LyingBmcTest(FencesCase):
    def setUp(self):
        super().setUp()
        self.fencer.power = fencing.PowerState.OFF
        with self.database.writer() as session:
            hosts.distrust_bmc(session, HOST, WHY)

    def test_it_is_not_believed_while_it_reads_off(self):
        outcome = self.fences.test(HOST)
        self.assertEqual(('lying', WHY), (outcome['state'], outcome['why']))

    def test_it_is_believed_again_when_it_reads_on(self):
        self.fencer.power = fencing.PowerState.ON
        self.assertEqual('working', self.fences.test(HOST)['state'])
        self.assertEqual('working', self.host().fence_state)


class TrialsTest(FencesCase):
    """A fence is tried twice in 1800 s, a broken one every 30 s."""

    def setUp(self):
        super().setUp()
        self.tries = 0
        self.trials = fences.Trials(
            self.try_fence, lambda host: self.address, self.clock, 1800, 30
        )

    def try_fence(self, name):
        self.tries += 1
        return self.fences.test(name)

    def tries_within(self, seconds):
        before = self.tries
        until = self.clock.monotonic() + seconds
        while self.clock.monotonic() < until:
            with self.database.reader() as session:
                now = moments.read_now(session)
            self.trials.turn(
                [self.host()], now, futurist.SynchronousExecutor()
            )
            self.clock.turn(1)
        return self.tries - before

    def test_an_untested_fence_is_tried_at_once(self):
        self.assertEqual(1, self.tries_within(1))

    def test_a_working_fence_is_tried_now_and_then(self):
        self.tries_within(1)
        self.assertEqual(2, self.tries_within(1850))

    def test_a_broken_fence_is_tried_until_it_works(self):
        self.fencer.mute = True
        self.assertEqual(4, self.tries_within(118))
        self.fencer.mute = False
        self.tries_within(35)
        self.assertEqual('working', self.host().fence_state)

    def test_a_liar_is_left_to_an_operator(self):
        with self.database.writer() as session:
            hosts.distrust_bmc(session, HOST, WHY)
        self.assertEqual(0, self.tries_within(100))

    def test_an_exchanged_bmc_is_tried_at_once(self):
        self.tries_within(1)
        self.clock.turn(datetime.timedelta(minutes=1).total_seconds())
        self.address = bmc.Address('192.0.2.9')
        self.assertEqual(1, self.tries_within(1))
