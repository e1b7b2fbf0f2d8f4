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

from hass.recovery import refusals
from hass.tests import base

Kind = refusals.Kind
BEGAN = datetime.datetime(2030, 1, 1, 12)
BUDGET = 1800.0


def at(seconds):
    return BEGAN + datetime.timedelta(seconds=seconds)


class AnswerTest(base.TestCase):
    """The 4xx answers of Nova 34 to an evacuate call."""

    def test_what_nova_never_evacuates_is_settled_at_once(self):
        for status, reason in (
            (400, 'Operation evacuate for the instance with vTPM is not '
                  'supported.'),
            (400, 'Evacuate with port having accelerator device.'),
            (400, 'The evacuate action on a server with ports having '
                  'extended resource requests is not supported.'),
            (409, 'Feature not supported with instances that have shares.'),
            (409, "Cannot 'evacuate' instance vm: never launched"),
            (403, "Policy doesn't allow os_compute_api:os-evacuate."),
        ):  # fmt: skip
            found = refusals.of_answer(status, reason)
            self.assertIs(Kind.PERMANENT, found, reason)

    def test_another_place_may_take_what_one_refuses(self):
        for status, reason in (
            (404, 'Compute host compute-9 could not be found.'),
            (404, 'Compute host compute-9 not found.'),
            (400, "The target host can't be the same one."),
            (400, 'No valid host was found. '),
        ):
            found = refusals.of_answer(status, reason)
            self.assertIs(Kind.PLACE, found, reason)

    def test_what_may_change_by_itself_passes(self):
        for status, reason in (
            (409, "Cannot 'evacuate' instance vm while it is in task_state x"),
            (409, 'it is being looked at'),
            (400, 'Compute service of compute-1 is still in use.'),
            (404, 'Instance vm could not be found.'),
            (401, 'The request you have made requires authentication.'),
            (429, 'Too many requests'),
        ):
            found = refusals.of_answer(status, reason)
            self.assertIs(Kind.PASSING, found, reason)


class FaultTest(base.TestCase):
    """What Nova writes down when an evacuation fails later."""

    def test_no_valid_host_is_of_a_place(self):
        fault = 'No valid host was found. There are not enough hosts.'
        self.assertIs(Kind.PLACE, refusals.of_fault(fault))

    def test_a_fault_that_nobody_knows_is_of_the_place_that_had_it(self):
        for fault in ('', 'Insufficient compute resources: Free memory'):
            self.assertIs(Kind.PLACE, refusals.of_fault(fault))

    def test_a_service_that_is_away_comes_back(self):
        for fault in (
            'Unable to establish connection to http://cinder:8776/v3',
            'Gateway Timeout (HTTP 504)',
            'Connection to neutron failed: HTTPConnectionPool',
            'Connection to glance host http://image:9292 failed',
            'Timed out waiting for a reply to message ID 7',
            'Service Unavailable (HTTP 503)',
        ):
            self.assertIs(Kind.PASSING, refusals.of_fault(fault), fault)

    def test_what_a_driver_cannot_do_is_settled(self):
        fault = 'The requested feature is not supported by this hypervisor'
        self.assertIs(Kind.PERMANENT, refusals.of_fault(fault))


class TriesTest(base.TestCase):
    def refused(self, *, kind=Kind.PLACE, times=1, place=None, since=0.0):
        memory = None
        for _ in range(times):
            memory = refusals.after(memory, kind, 'no', at(since), place)
        return memory

    def given_up(self, memory, seconds, *, offered=True, hope=False):
        return memory.given_up(
            at(seconds), BEGAN, BUDGET, offered=offered, hope=hope
        )

    def test_it_is_remembered_as_it_was(self):
        memory = self.refused(place='compute-2')
        found = refusals.Refused.read({'refusal': memory.to_dict()})
        self.assertEqual(memory, found)

    def test_the_next_place_is_tried_at_once(self):
        self.assertTrue(self.refused(place='compute-2').is_rested(at(0)))

    def test_the_pause_after_a_round_grows_up_to_a_minute(self):
        pauses = []
        for times in range(1, 9):
            memory = self.refused(times=times)
            pauses.append(
                next(n for n in range(100) if memory.is_rested(at(n)))
            )
        self.assertEqual([2, 4, 8, 16, 32, 60, 60, 60], pauses)

    def test_a_round_that_ended_begins_with_all_places_again(self):
        memory = self.refused(place='compute-2').round_ended()
        self.assertEqual((1, ()), (memory.rounds, memory.tried))
        self.assertFalse(memory.is_rested(at(1)))

    def test_what_is_permanent_is_given_up_at_once(self):
        memory = self.refused(kind=Kind.PERMANENT)
        self.assertTrue(memory.is_rested(at(0)))
        self.assertEqual('no', self.given_up(memory, 0))

    def test_what_passes_is_given_up_when_the_budget_ends(self):
        memory = self.refused(kind=Kind.PASSING)
        self.assertEqual('', self.given_up(memory, BUDGET - 1))
        self.assertEqual(
            'not evacuated within 1800 s: no', self.given_up(memory, BUDGET)
        )

    def test_without_any_room_half_a_minute_is_waited(self):
        memory = self.refused()
        self.assertEqual('', self.given_up(memory, 29, offered=False))
        self.assertEqual(
            'no place for it within 30 s: no',
            self.given_up(memory, 30, offered=False),
        )

    def test_places_that_are_offered_are_tried_for_longer(self):
        """A minute without Cinder may read like no valid host."""
        memory = self.refused()
        self.assertEqual('', self.given_up(memory, 290))
        self.assertIn('no place for it', self.given_up(memory, 300))

    def test_hosts_on_their_way_back_are_waited_for(self):
        memory = self.refused()
        self.assertEqual(
            '', self.given_up(memory, 900, offered=False, hope=True)
        )
        self.assertIn('1800 s', self.given_up(memory, BUDGET, hope=True))

    def test_what_was_refused_before_the_host_went_off_counts_from_then(self):
        memory = self.refused(since=-600)
        self.assertEqual('', self.given_up(memory, 20, offered=False))
