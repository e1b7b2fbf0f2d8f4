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


from hass.agent.instances import translation
from hass.agent.instances.translation import Condition
from hass.faults import Incident
from hass.faults import Layer
from hass.tests import base

STOPPED, SUSPENDED, SHUTDOWN = 5, 3, 6


class TranslationTest(base.TestCase):
    def assert_told(self, incident, change):
        self.assertIs(incident, change.incident)

    def test_only_what_nobody_asked_for_is_told_of_a_stop(self):
        asked = {
            detail: translation.lifecycle(STOPPED, detail).incident
            for detail in range(7)
        }
        self.assertEqual(
            {
                0: Incident.SHUT_DOWN,
                1: None,
                2: Incident.CRASHED,
                3: None,
                4: None,
                5: Incident.KILLED,
                6: None,
            },
            asked,
        )

    def test_every_stop_ends_it(self):
        for detail in (*range(7), 99):
            change = translation.lifecycle(STOPPED, detail)
            self.assertIs(Condition.ENDED, change.condition)

    def test_a_pause_is_told_when_storage_or_the_watchdog_made_it(self):
        told = [
            translation.lifecycle(SUSPENDED, detail).incident
            for detail in range(6)
        ]
        self.assertEqual(
            [None, None, Incident.PAUSED_BY_STORAGE, Incident.WATCHDOG_PAUSE]
            + [None, None],
            told,
        )

    def test_a_shutdown_from_inside_is_told_and_one_by_the_host_is_not(self):
        self.assert_told(
            Incident.SHUT_DOWN, translation.lifecycle(SHUTDOWN, 1)
        )
        self.assertIs(translation.NOTHING, translation.lifecycle(SHUTDOWN, 2))

    def test_a_guest_whose_crash_kernel_runs_has_not_ended(self):
        change = translation.lifecycle(8, 1)
        self.assert_told(Incident.PANICKED, change)
        self.assertIsNone(change.condition)

    def test_every_action_of_a_watchdog_has_its_word(self):
        told = [translation.watchdog(action).incident for action in range(5)]
        self.assertEqual(
            [
                Incident.WATCHDOG_NONE,
                Incident.WATCHDOG_PAUSE,
                Incident.WATCHDOG_RESET,
                Incident.WATCHDOG_POWEROFF,
                Incident.WATCHDOG_OTHER,
            ],
            told,
        )
        self.assertEqual('libvirt: 99', translation.watchdog(99).detail)

    def test_an_io_error_that_does_not_pause_is_the_guests_own(self):
        for action in (0, 2):
            change = translation.io_error('vda', action, 'enospc')
            self.assertIs(translation.NOTHING, change)
        change = translation.io_error('vda', 1, 'enospc')
        self.assertEqual('vda: enospc', change.detail)

    def test_an_agent_that_is_not_there_yet_is_not_lost(self):
        self.assertIs(translation.NOTHING, translation.guest_agent(2, 1))
        self.assertIs(translation.NOTHING, translation.guest_agent(1, 2))
        self.assert_told(Incident.AGENT_LOST, translation.guest_agent(2, 2))

    def test_numbers_of_a_newer_libvirt_say_nothing(self):
        self.assertIs(translation.NOTHING, translation.lifecycle(99, 0))
        self.assertIs(translation.NOTHING, translation.lifecycle(3, 99))
        self.assertIs(translation.UP, translation.found(99, 99))

    def test_incidents_have_a_layer(self):
        self.assertIs(Layer.INSTANCE, Incident.KILLED.layer)
        self.assertIs(Layer.GUEST_OS, Incident.PANICKED.layer)
