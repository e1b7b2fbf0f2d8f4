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

"""Who is heard, who is missed, and when an engine doubts itself."""

import dataclasses

import hypothesis
from hypothesis import strategies

from hass.diagnosis import accrual
from hass.diagnosis import liveness
from hass.tests import base

NONE, LOW = accrual.Suspicion.NONE, accrual.Suspicion.LOW


def ears(*last, now=100.0, since=50.0):
    """Hosts a, b, c …, suspected when their beats are over 3 s old."""
    heard = dict(zip('abcdefgh', last, strict=False))
    return liveness.Ears(
        now,
        since,
        heard,
        {
            name: NONE if moment is not None and now - moment < 3 else LOW
            for name, moment in heard.items()
        },
    )


class LivenessTest(base.TestCase):
    def test_a_host_is_silent_since_its_newest_beat(self):
        self.assertEqual(2.5, ears(97.5).silence('a'))

    def test_a_host_that_was_never_heard_is_silent_since_we_listen(self):
        self.assertEqual(50.0, ears(None).silence('a'))

    def test_silence_before_we_listened_is_not_counted(self):
        self.assertEqual(50.0, ears(10.0).silence('a'))

    def test_the_suspected_are_named(self):
        self.assertEqual({'b', 'c'}, ears(99.5, 96.0, None).suspected())

    def test_an_engine_that_hears_less_than_half_is_deaf(self):
        self.assertEqual(
            'it hears 1 of 3 hosts', ears(99.0, 90.0, None).deaf()
        )

    def test_an_engine_that_hears_half_may_judge(self):
        self.assertEqual('', ears(99.0, 90.0).deaf())

    def test_hosts_whose_silence_is_excused_are_not_missed(self):
        heard = dataclasses.replace(
            ears(99.0, None, None), excused=frozenset('bc')
        )
        self.assertEqual('', heard.deaf())
        self.assertEqual(frozenset(), heard.fallen())

    def test_an_excused_host_that_is_heard_counts(self):
        heard = dataclasses.replace(
            ears(99.0, 90.0, 90.0), excused=frozenset('a')
        )
        self.assertEqual('it hears 1 of 3 hosts', heard.deaf())
        self.assertEqual({'b', 'c'}, heard.fallen())

    def test_an_engine_without_hosts_is_not_deaf(self):
        self.assertEqual('', ears().deaf())


class LivenessPropertiesTest(base.TestCase):
    @hypothesis.given(
        strategies.lists(
            strategies.none() | strategies.floats(0, 100), max_size=8
        )
    )
    def test_a_clean_voice_hears_half(self, last):
        heard = ears(*last)
        if not heard.deaf():
            self.assertLessEqual(len(heard.suspected()) * 2, len(last))

    @hypothesis.given(
        strategies.none() | strategies.floats(0, 100),
        strategies.floats(0, 100),
    )
    def test_nobody_is_silent_for_longer_than_we_listen(self, last, since):
        silence = ears(last, since=since).silence('a')
        self.assertTrue(0 <= silence <= 100.0 - since)
