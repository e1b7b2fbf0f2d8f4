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

"""What a told incident comes to, by what is seen since."""

import dataclasses
import datetime

from hass.faults import Incident
from hass.faults import Layer
from hass.faults import Verdict
from hass.recovery import symptoms
from hass.recovery.symptoms import Course
from hass.tests import base

TOLD_AT = datetime.datetime(2026, 1, 1)
BEFORE, AFTER = -60.0, 1.0


def at(seconds):
    return TOLD_AT + datetime.timedelta(seconds=seconds)


@dataclasses.dataclass
class Look:
    layer: Layer
    verdict: Verdict
    seen_at: datetime.datetime
    healthy_at: datetime.datetime | None = at(BEFORE)
    detector: str = 'fake'


def well(layer, seconds=AFTER):
    return Look(layer, Verdict.HEALTHY, at(seconds), at(seconds))


def failed(layer, seconds=AFTER):
    return Look(layer, Verdict.FAILED, at(seconds))


class JudgeTest(base.TestCase):
    def assert_course(self, course, incident, *looks, age=2.0, foreign=False):
        found = symptoms.judge(
            incident, TOLD_AT, looks, at(age), 60.0, foreign=foreign
        )
        self.assertIs(course, found.course, found.why)

    def test_a_process_that_ended_is_restarted(self):
        for incident in symptoms.ENDED:
            self.assert_course(Course.RESTART, incident)
            old = well(Layer.INSTANCE, BEFORE)
            self.assert_course(Course.RESTART, incident, old)

    def test_one_that_runs_again_is_left(self):
        looks = [well(Layer.INSTANCE)]
        self.assert_course(Course.OVER, Incident.KILLED, *looks)
        self.assert_course(Course.OVER, Incident.WATCHDOG_PAUSE, *looks)

    def test_a_panic_of_a_running_process_is_watched(self):
        looks = [well(Layer.INSTANCE)]
        self.assert_course(Course.WATCH, Incident.PANICKED, *looks)

    def test_an_error_of_storage_waits_for_the_storage(self):
        self.assert_course(Course.STORAGE, Incident.PAUSED_BY_STORAGE)

    def test_a_reset_is_watched(self):
        self.assert_course(Course.WATCH, Incident.WATCHDOG_RESET)

    def test_a_watchdog_of_an_unseen_guest_is_believed(self):
        self.assert_course(Course.RESTART, Incident.WATCHDOG_NONE)

    def test_a_watchdog_is_believed_when_a_look_agrees(self):
        looks = [well(Layer.INSTANCE, BEFORE), failed(Layer.GUEST_OS)]
        self.assert_course(Course.RESTART, Incident.WATCHDOG_NONE, *looks)

    def test_the_answer_of_its_agent_is_waited_for(self):
        looks = [well(Layer.GUEST_OS, BEFORE)]
        self.assert_course(Course.WAIT, Incident.WATCHDOG_NONE, *looks)
        self.assert_course(
            Course.RESTART, Incident.WATCHDOG_NONE, *looks, age=30.0
        )

    def test_an_agent_that_answers_since_is_believed(self):
        looks = [well(Layer.GUEST_OS)]
        self.assert_course(Course.OVER, Incident.WATCHDOG_NONE, *looks)

    def test_an_agent_that_is_unknown_since_does_not_answer(self):
        unknown = Look(Layer.GUEST_OS, Verdict.UNKNOWN, at(AFTER))
        self.assert_course(Course.RESTART, Incident.WATCHDOG_NONE, unknown)

    def test_silence_has_to_last(self):
        looks = [failed(Layer.GUEST_OS), failed(Layer.GUEST_NETWORK)]
        self.assert_course(Course.WAIT, Incident.AGENT_SILENT, *looks)
        self.assert_course(
            Course.RESTART, Incident.AGENT_SILENT, *looks, age=61.0
        )

    def test_a_silent_agent_with_a_network_is_no_fault(self):
        looks = [failed(Layer.GUEST_OS), well(Layer.GUEST_NETWORK)]
        self.assert_course(Course.OVER, Incident.AGENT_SILENT, *looks)

    def test_a_network_that_answers_again_is_no_fault(self):
        looks = [well(Layer.GUEST_NETWORK)]
        self.assert_course(Course.OVER, Incident.NETWORK_LOST, *looks)

    def test_silence_that_nobody_sees_is_no_fault(self):
        self.assert_course(Course.OVER, Incident.NETWORK_LOST, age=61.0)

    def test_a_foreign_voice_is_weighed_against_the_hosts_own(self):
        looks = [well(Layer.INSTANCE, BEFORE)]
        self.assert_course(Course.WAIT, Incident.KILLED, *looks, foreign=True)
        self.assert_course(
            Course.OVER, Incident.KILLED, *looks, age=30.0, foreign=True
        )
        looks = [failed(Layer.INSTANCE)]
        self.assert_course(
            Course.RESTART, Incident.KILLED, *looks, foreign=True
        )

    def test_who_saw_it_run_before_will_see_it_again(self):
        before, since = well(Layer.INSTANCE, BEFORE), failed(Layer.INSTANCE)
        for looks, age, awaits in (
            ([before], 9000.0, True),
            ([since], 1.0, False),
            ([], 1.0, True),
            ([], 30.0, False),
            ([failed(Layer.INSTANCE, BEFORE)], 30.0, False),
            ([well(Layer.GUEST_OS, BEFORE)], 30.0, False),
        ):
            found = symptoms.awaits(looks, TOLD_AT, at(age))
            self.assertIs(awaits, found, f'{looks}, {age}')

    def test_every_incident_has_an_answer(self):
        for incident in set(Incident) - symptoms.ITS_OWN.keys():
            found = symptoms.judge(incident, TOLD_AT, [], at(2), 60.0)
            self.assertTrue(found.why)
