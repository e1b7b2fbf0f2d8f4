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


"""Why HASS does, or does not, act on a host: in words."""

import dataclasses
import datetime

from hass.diagnosis import accrual
from hass.diagnosis import explain
from hass.diagnosis import layers
from hass.diagnosis import quality
from hass import faults
from hass.tests import base

HIGH = accrual.Suspicion.HIGH
HEARD = {'management': 0.4, 'storage': 0.5}
CALM = explain.Situation(
    'compute-1', 'rack-1', 'act', 'engine-1', silence=HEARD
)


class ExplainTest(base.TestCase):
    def of(self, **changes):
        return explain.explain(dataclasses.replace(CALM, **changes))

    def test_a_host_that_beats_is_left_alone_and_would_be_recovered(self):
        self.assertEqual(
            'HASS does nothing about compute-1: its agent beats. If it '
            'failed HASS would fence it and evacuate its instances (cluster '
            'rack-1 is in mode act).',
            self.of(),
        )

    def test_the_mode_of_the_cluster_tells_what_would_be_done(self):
        self.assertIn('nothing touched', self.of(mode='observe'))
        self.assertIn('ask an operator', self.of(mode='ask'))

    def test_what_leaves_a_host_unprotected_is_said(self):
        words = self.of(unprotected=('its fence does not work',))
        self.assertIn(
            'If it failed it would not be recovered: its fence does not work.',
            words,
        )
        self.assertNotIn('HASS would fence it', words)

    def test_an_open_recovery_goes_before_everything(self):
        story = explain.Story(
            '1-2', 'host_failure', 'fencing', 'asked for off'
        )
        words = self.of(story=story, planned='it was stopped', doubts='deaf')
        self.assertEqual(
            'HASS acts on compute-1: host_failure is fencing: asked for off '
            '(recovery 1-2).',
            words,
        )

    def test_what_is_held_tells_why(self):
        story = explain.Story(
            '1-2',
            'host_failure',
            'held',
            '12 hosts, all on pdu-3',
            'restraint',
        )
        self.assertIn(
            'HASS holds back on compute-1 (restraint): 12 hosts, all on pdu-3',
            self.of(story=story),
        )

    def test_planned_silence_is_said(self):
        words = self.of(planned='maintenance until 12:00 (new disks)')
        self.assertIn('HASS leaves compute-1 alone: maintenance', words)

    def test_an_engine_that_distrusts_itself_says_so(self):
        words = self.of(doubts='it hears 1 of 4 hosts')
        self.assertIn('engine-1 distrusts itself', words)
        self.assertIn('it hears 1 of 4 hosts', words)

    def test_a_host_that_was_never_heard_is_not_suspected(self):
        words = self.of(silence={'management': None})
        self.assertIn('has not yet heard its agent', words)

    def test_silence_is_told_with_the_times_that_matter(self):
        words = self.of(
            silence={'management': 14.0, 'storage': 12.0},
            suspicion=HIGH,
            timeouts=quality.Timeouts(1.5, 3.0, 0.1),
        )
        self.assertIn('HASS suspects compute-1: its agent is silent.', words)
        self.assertIn(
            'not heard on any network for over 10 s; probes start after '
            '1.5 s, suspicion after 3.0 s',
            words,
        )

    def test_networks_that_do_not_allow_the_wish_are_told(self):
        slow = quality.Timeouts(4.0, 23.0, 9.0, 'high suspicion takes 23 s')
        words = self.of(timeouts=slow)
        self.assertIn('suspected after 23 s of silence, later than', words)

    def test_silence_on_one_network_is_reported_and_not_fenced(self):
        words = self.of(silence=HEARD | {'storage': 60.0}, dark=('storage',))
        self.assertIn('its agent beats', words)
        self.assertIn('No beat of it arrives on storage', words)

    def test_restraint_is_said_before_it_is_needed(self):
        words = self.of(restraint='2 hosts were fenced within 600 s')
        self.assertIn('it would be held: 2 hosts were fenced', words)

    def test_a_layer_that_fails_is_told_with_who_saw_it(self):
        now = datetime.datetime(2026, 1, 31)
        seen = faults.Observation(
            'compute-1',
            faults.Layer.HARDWARE,
            'hardware_ipmi',
            faults.Verdict.FAILED,
            now,
            detail='Fan 2 is at 0 RPM',
        )
        words = self.of(known=layers.standings([seen], now))
        self.assertIn('hardware fails (hardware_ipmi: Fan 2 is at', words)
        self.assertIn('Unknown now: power, os, network.', words)

    def test_what_worked_is_not_said_to_work_when_the_host_is_silent(self):
        now = datetime.datetime(2026, 1, 31)
        seen = faults.Observation(
            'compute-1',
            faults.Layer.POWER,
            'power_ipmi',
            faults.Verdict.HEALTHY,
            now,
        )
        known = layers.standings([seen], now)
        self.assertIn('Seen to work: power.', self.of(known=known))
        self.assertIn(
            'Seen to work before its silence, or since: power.',
            self.of(known=known, suspicion=HIGH),
        )

    def test_missing_detectors_are_said(self):
        why = 'no hardware detector: its BMC does not answer'
        self.assertIn(f'Degraded: {why}.', self.of(degraded=(why,)))

    def test_the_words_stay_while_time_goes_by(self):
        for first, later in ((61.0, 119.0), (11.0, 19.0), (3700.0, 7100.0)):
            self.assertEqual(
                self.of(silence={'storage': first}, suspicion=HIGH),
                self.of(silence={'storage': later}, suspicion=HIGH),
            )
