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

"""The door to BMCs, against our own responder."""

from concurrent import futures
import dataclasses
import statistics
import threading
import uuid

import fixtures

from hass import bmc
from hass.bmc import worker
from hass import exception
from hass.fencing import base as fencing
from hass.fencing import ipmi
from hass.tests import clocks
from hass.tests.contracts import fencer
from hass.tests.functional import bmc_base

ON, OFF = bmc.PowerState.ON, bmc.PowerState.OFF
GET_CHASSIS_STATUS = (0x00, 0x01)
GET_SYSTEM_GUID = (0x06, 0x37)
GET_LAN_PARAMETER = (0x0C, 0x02)
SET_SESSION_PRIVILEGE = (0x06, 0x3B)
CLOSE_SESSION = (0x06, 0x3C)


class IpmiFencerTest(fencer.FencerContract, bmc_base.BmcTest):
    def prepare(self, off_seconds):
        responder = self.make_responder(latency_seconds=off_seconds)
        self.device = responder.chassis
        self.fencer = ipmi.IpmiFencer(self.bmcs)
        self.target = fencing.Target(
            'compute-1', self.address(responder), 'boot-1'
        )

    def is_on(self):
        return self.device.is_on

    def test_a_host_without_a_bmc_cannot_be_fenced(self):
        self.assertRaises(
            exception.FencingFailed,
            self.fencer.status,
            fencing.Target('compute-1', None),
        )


class ReadingTest(bmc_base.BmcTest):
    def setUp(self):
        super().setUp()
        self.responder = self.make_responder(policy='previous')
        self.chassis = self.responder.chassis
        self.at = self.address(self.responder)

    def test_identity_names_the_system_and_its_restore_policy(self):
        identity = self.bmcs.identity(self.at)
        self.assertTrue(bmc.same_guid(identity.guid, self.chassis.guid))
        self.assertEqual('previous', identity.power_restore_policy)

    def test_sensors_tell_value_and_health(self):
        self.chassis.sensors['CPU Temp'].value = 97
        self.chassis.power_off()
        readings = {one.name: one for one in self.bmcs.sensors(self.at)}
        self.assertEqual(
            bmc.SensorReading(
                *('CPU Temp', 'Temperature', 97.0, '°C', 'critical'),
                ('upper non-critical threshold', 'upper critical threshold'),
                limited=True,
            ),
            readings['CPU Temp'],
        )
        self.assertEqual('unknown', readings['Fan 1'].health)
        self.assertIsNone(readings['Fan 1'].value)
        self.assertEqual(('ok', 12.0), (
            readings['12V'].health, readings['12V'].value
        ))  # fmt: skip

    def test_wrong_credentials_are_refused_at_once(self):
        start = self.clock.monotonic()
        for address in (
            self.address(self.responder, 'wrong'),
            bmc.Address('127.0.0.1', self.at.port, 'nobody', 'wrong'),
        ):
            self.assertRaises(exception.BmcRefused, self.bmcs.power, address)
        self.assertLess(self.clock.monotonic() - start, self.call_seconds)
        self.assertEqual(ON, self.bmcs.power(self.at))

    def test_a_bmc_that_knows_no_guid_tells_the_rest(self):
        self.responder.commands.scripted[GET_SYSTEM_GUID] = b'\xc1'
        self.assertEqual(
            bmc.Identity(ON, None, 'previous', 0.0, self.chassis.mac.hex(':')),
            self.bmcs.identity(self.at),
        )

    def test_a_guid_that_many_have_is_told_with_the_mac_address(self):
        self.responder.commands.scripted[GET_SYSTEM_GUID] = bytes(17)
        told = self.bmcs.identity(self.at)
        self.assertEqual(
            (uuid.UUID(int=0), self.chassis.mac.hex(':')),
            (told.guid, told.mac),
        )

    def test_a_bmc_that_does_not_tell_its_mac_address_tells_the_rest(self):
        scripted = self.responder.commands.scripted
        scripted[GET_SYSTEM_GUID] = b'\xc1'
        for answer in (b'\x80', b'\xc1', b'\xd4', b'\0\x11', b'\0' * 8):
            scripted[GET_LAN_PARAMETER] = answer
            self.assertEqual((ON, ''), (self.read().power, self.read().mac))

    def test_a_bmc_that_is_too_busy_for_it_tells_nothing(self):
        scripted = self.responder.commands.scripted
        scripted[GET_SYSTEM_GUID] = b'\xc1'
        scripted[GET_LAN_PARAMETER] = b'\xc0'
        self.assertRaises(exception.BmcRefused, self.bmcs.identity, self.at)

    def read(self):
        """Each in a session of its own."""
        bmcs = bmc.Bmc(self.clock, call_seconds=self.call_seconds, workers=1)
        self.addCleanup(bmcs.close)
        return bmcs.identity(self.at)

    def test_a_command_that_it_does_not_allow_is_refused(self):
        self.responder.commands.scripted[GET_SYSTEM_GUID] = b'\xd4'
        self.assertRaises(exception.BmcRefused, self.bmcs.identity, self.at)
        self.assertEqual(ON, self.bmcs.power(self.at))

    def test_nonsense_is_never_off(self):
        for nonsense in (b'', b'\0', b'\0\0', b'\0\x80\0\0', b'\0\xfe\0\0'):
            self.responder.commands.scripted[GET_CHASSIS_STATUS] = nonsense
            self.assertRaises(exception.BmcBadAnswer, self.bmcs.power, self.at)
        self.responder.commands.scripted.clear()
        self.assertEqual(ON, self.bmcs.power(self.at))

    def test_a_name_that_does_not_resolve_is_unreachable(self):
        nowhere = bmc.Address('bmc.invalid', 623, 'admin', 'secret')
        self.assertRaises(exception.BmcUnreachable, self.bmcs.power, nowhere)


class SilenceTest(bmc_base.BmcTest):
    call_seconds = 2.0

    def setUp(self):
        super().setUp()
        self.responder = self.make_responder()
        self.chassis = self.responder.chassis
        self.at = self.address(self.responder)
        self.assertEqual(ON, self.bmcs.power(self.at))

    def assert_silent(self):
        start = self.clock.monotonic()
        self.assertRaises(exception.BmcUnreachable, self.bmcs.power, self.at)
        self.assertLess(self.clock.monotonic() - start, 3 * self.call_seconds)

    def test_silence_in_mid_session_is_bounded(self):
        self.chassis.mute = True
        self.assert_silent()

    def test_it_is_heard_as_soon_as_it_is_back(self):
        self.chassis.mute = True
        self.assert_silent()
        self.assert_silent()
        self.chassis.mute = False
        self.assertEqual(ON, self.bmcs.power(self.at))

    def test_a_bmc_that_forgot_its_sessions_is_asked_anew(self):
        self.responder.stop()
        self.serve(self.chassis, port=self.at.port)
        self.assert_silent()
        self.assertEqual(ON, self.bmcs.power(self.at))

    def test_a_read_that_is_late_is_not_taken_for_a_later_one(self):
        self.chassis.mute = True
        self.assert_silent()
        self.chassis.mute = False
        self.chassis.lose_power()
        self.assertEqual(OFF, self.bmcs.power(self.at))

    def test_the_process_that_hung_is_gone(self):
        before = {child.pid for child in self.processes()}
        self.chassis.mute = True
        self.assert_silent()
        after = {child.pid for child in self.processes()}
        self.assertNotEqual(before, after)
        self.assertLessEqual(len(after), self.workers)

    def test_closing_ends_every_process(self):
        children = self.processes()
        self.bmcs.close()
        self.assertFalse(any(child.is_running() for child in children))
        self.assertRaises(exception.BmcUnreachable, self.bmcs.power, self.at)


class SlowTest(bmc_base.BmcTest):
    """It thinks before each of its answers."""

    call_seconds = 2.0

    def setUp(self):
        super().setUp()
        self.responder = self.make_responder()
        self.at = self.address(self.responder)
        self.fencer = ipmi.IpmiFencer(self.bmcs)
        self.assertEqual(ON, self.bmcs.power(self.at))

    def miss(self, seconds):
        """It does not answer, and is given up after so long."""
        self.responder.chassis.mute = True
        why = self.assertRaises(
            exception.BmcUnreachable, self.bmcs.power, self.at
        )
        self.assertIn(f'no answer in {seconds:.1f} s', str(why))
        self.responder.chassis.mute = False

    def late(self):
        """It was late, and its logins take longer than a call may."""
        self.miss(self.call_seconds)
        self.responder.delay_seconds = 0.45

    def test_a_bmc_that_was_late_gets_more_time(self):
        self.late()
        self.assertEqual(ON, self.bmcs.power(self.at))

    def test_a_bmc_that_was_late_is_switched_off_and_proved(self):
        self.late()
        self.bmcs.power_off(self.at, self.deadline())
        target = fencing.Target('compute-1', self.at)
        look = fencing.look(self.fencer, target, self.clock)
        proof = look.proof()
        assert proof is not None
        # It is as old as the answer for the power, not as the whole session.
        self.assertLess(proof.age(self.clock), look.seconds - 0.5 * 0.45)

    def test_the_power_of_a_proof_was_asked_for_after_its_age_began(self):
        identity = self.bmcs.identity(self.at)
        began = self.clock.monotonic()
        again = self.bmcs.identity(self.at)
        self.assertLess(identity.asked_at, began)
        self.assertLess(began, again.asked_at)
        self.assertLess(again.asked_at, self.clock.monotonic())

    def test_a_bmc_that_is_quick_again_gets_the_usual_time(self):
        self.miss(self.call_seconds)
        self.miss(2 * self.call_seconds)
        self.assertEqual(ON, self.bmcs.power(self.at))
        self.miss(self.call_seconds)


class SessionTest(bmc_base.BmcTest):
    """One worker's sessions, in this process and in time that we turn."""

    def setUp(self):
        super().setUp()
        self.responder = self.make_responder()
        self.hands = clocks.HandClock()
        worker.bound_waits()
        self.worker = worker.Worker(self.hands)

    def power(self, password=bmc_base.PASSWORD, verb='power'):
        address = self.address(self.responder, password)
        request = dataclasses.asdict(address) | {
            'verb': verb, 'seconds': 5, 'deadline': None
        }  # fmt: skip
        return self.worker.answer(request)

    def test_a_proof_costs_one_question_more_in_each_session(self):
        asked = self.responder.commands.asked
        for sessions in (1, 2):
            for _ in range(3):
                told = self.power(verb='identity')['value']
                self.assertTrue(
                    bmc.same_guid(told['guid'], self.responder.chassis.guid)
                )
            self.assertEqual(sessions, asked[GET_SYSTEM_GUID])
            self.assertEqual(0, asked[GET_LAN_PARAMETER])
            self.assertEqual(3 * sessions, asked[GET_CHASSIS_STATUS])
            self.hands.turn(21)
            self.worker.drop_idle()

    def test_a_proof_without_a_guid_costs_no_more(self):
        self.responder.commands.scripted[GET_SYSTEM_GUID] = b'\xc1'
        asked = self.responder.commands.asked
        for _ in range(3):
            told = self.power(verb='identity')['value']
            self.assertEqual(
                (None, self.responder.chassis.mac.hex(':')),
                (told['guid'], told['mac']),
            )
        self.assertEqual(1, asked[GET_SYSTEM_GUID])
        self.assertEqual(1, asked[GET_LAN_PARAMETER])

    def logins(self):
        return self.responder.commands.asked[SET_SESSION_PRIVILEGE]

    def test_a_session_is_kept_warm_for_a_while(self):
        for _ in range(3):
            self.hands.turn(15)
            self.worker.drop_idle()
            self.assertEqual({'value': 'on'}, self.power())
        self.assertEqual(1, self.logins())

    def test_an_idle_session_is_closed_and_opened_anew_when_needed(self):
        for _ in range(3):
            self.assertEqual({'value': 'on'}, self.power())
            self.hands.turn(21)
            self.worker.drop_idle()
        self.wait_for(
            lambda: self.responder.commands.asked[CLOSE_SESSION] == 3,
            why='the sessions to be closed',
        )
        self.assertEqual(3, self.logins())

    def test_a_wrong_password_is_refused_each_time(self):
        for _ in range(3):
            self.assertEqual('refused', self.power('wrong')['error'])
            self.assertEqual({'value': 'on'}, self.power())

    def test_a_worker_says_when_it_is_spent(self):
        self.useFixture(fixtures.MonkeyPatch(
            'hass.bmc.worker.MAX_LOGINS', 2
        ))  # fmt: skip
        self.power()
        self.assertFalse(self.worker.spent)
        self.power('wrong')
        self.assertTrue(self.worker.spent)


class ManyTest(bmc_base.BmcTest):
    call_seconds = 2.0
    workers = 4

    def test_dead_bmcs_do_not_slow_down_the_others(self):
        dead = [self.make_responder() for _ in range(4)]
        alive = self.address(self.make_responder())
        for one in dead:
            one.chassis.mute = True
        threads = [
            threading.Thread(target=self.ask_often, args=(self.address(one),))
            for one in dead
        ]
        self.stopping = threading.Event()
        for one in dead:
            self.ask(self.address(one))
        for thread in threads:
            thread.start()
            self.addCleanup(thread.join)
        self.addCleanup(self.stopping.set)
        # Behind dead ones most reads would wait; one may on a busy machine.
        usual = statistics.median(
            self.seconds_of_a_read(alive) for _ in range(100)
        )
        self.assertLess(usual, self.call_seconds / 4)

    def seconds_of_a_read(self, address):
        start = self.clock.monotonic()
        self.assertEqual(ON, self.bmcs.power(address))
        return self.clock.monotonic() - start

    def ask_often(self, address):
        while not self.stopping.is_set():
            self.ask(address)

    def ask(self, address):
        try:
            self.bmcs.power(address)
        except exception.BmcUnreachable:
            return

    def test_many_threads_and_bmcs_share_the_processes(self):
        machines = [self.make_responder() for _ in range(12)]
        for machine in machines[::2]:
            machine.chassis.lose_power()
        answers = {}

        def read(number):
            address = self.address(machines[number])
            answers[number] = self.bmcs.power(address)

        threads = [
            threading.Thread(target=read, args=(number,))
            for number in range(12)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(
            [OFF, ON] * 6, [answers[number] for number in range(12)]
        )


class QueueTest(bmc_base.BmcTest):
    call_seconds = 6.0
    workers = 1

    def test_a_read_that_waited_for_a_process_has_all_its_time(self):
        machines = [self.make_responder() for _ in range(2)]
        for one in machines:
            # Some eight answers: each login takes most of a call's time.
            one.delay_seconds = 0.5
        with futures.ThreadPoolExecutor(2) as threads:
            seen = list(threads.map(self.bmcs.power, [
                self.address(one) for one in machines
            ]))  # fmt: skip
        self.assertEqual([ON, ON], seen)
