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


import dataclasses

import hypothesis
from hypothesis import strategies

from hass.diagnosis import liveness
from hass.tests import base

LISTEN = 5.0
SILENCE = 3.0


def ears(*last, now=100.0, since=50.0):
    """Hosts a, b, c …, each with the arrival of its newest beat."""
    return liveness.Ears(now, since, dict(zip('abcdefgh', last, strict=False)))


def deaf(heard):
    return heard.deaf(LISTEN, SILENCE)


class LivenessTest(base.TestCase):
    def test_a_host_is_silent_since_its_newest_beat(self):
        self.assertEqual(2.5, ears(97.5).silence('a'))

    def test_a_host_that_was_never_heard_is_silent_since_we_listen(self):
        self.assertEqual(50.0, ears(None).silence('a'))

    def test_silence_before_we_listened_is_not_counted(self):
        self.assertEqual(50.0, ears(10.0).silence('a'))

    def test_the_silent_are_named(self):
        self.assertEqual({'b', 'c'}, ears(99.5, 96.0, None).silent(SILENCE))

    def test_an_engine_that_just_started_may_suspect_nobody(self):
        self.assertIn('listened for 4.0 s', deaf(ears(99.0, since=96.0)))

    def test_an_engine_that_hears_less_than_half_is_deaf(self):
        self.assertEqual('it hears 1 of 3 hosts', deaf(ears(99.0, 90.0, None)))

    def test_an_engine_that_hears_half_may_judge(self):
        self.assertEqual('', deaf(ears(99.0, 90.0)))

    def test_hosts_whose_silence_is_excused_are_not_missed(self):
        heard = dataclasses.replace(
            ears(99.0, None, None), excused=frozenset('bc')
        )
        self.assertEqual('', deaf(heard))

    def test_an_excused_host_that_is_heard_counts(self):
        heard = dataclasses.replace(
            ears(99.0, 90.0, 90.0), excused=frozenset('a')
        )
        self.assertEqual('it hears 1 of 3 hosts', deaf(heard))

    def test_an_engine_without_hosts_is_not_deaf(self):
        self.assertEqual('', deaf(ears()))


class LivenessPropertiesTest(base.TestCase):
    @hypothesis.given(
        strategies.lists(
            strategies.none() | strategies.floats(0, 100), max_size=8
        ),
        strategies.floats(0, 100),
    )
    def test_a_clean_voice_hears_half_and_has_listened(self, last, since):
        heard = ears(*last, since=since)
        if not deaf(heard):
            self.assertGreaterEqual(100.0 - since, LISTEN)
            self.assertLessEqual(len(heard.silent(SILENCE)) * 2, len(last))

    @hypothesis.given(
        strategies.none() | strategies.floats(0, 100),
        strategies.floats(0, 100),
    )
    def test_nobody_is_silent_for_longer_than_we_listen(self, last, since):
        silence = ears(last, since=since).silence('a')
        self.assertTrue(0 <= silence <= 100.0 - since)
