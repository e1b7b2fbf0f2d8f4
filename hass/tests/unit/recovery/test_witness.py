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

"""What an engine's row, and beats with their delays, tell of a host."""

import datetime

import hypothesis
from hypothesis import strategies

from hass.db import models
from hass.diagnosis import diagnose
from hass.recovery import witness
from hass.tests import base

SINCE = datetime.datetime(2030, 1, 1, 12)
PICTURE = witness.Witness.PICTURE_SECONDS
Voice = diagnose.Voice


def after(seconds):
    return SINCE + datetime.timedelta(seconds=seconds)


def says(turn, **silent):
    """What a row of so many seconds after the suspicion says."""
    row = models.Service(
        name='engine-2',
        started_at=SINCE - datetime.timedelta(hours=1),
        turn_at=after(turn),
        silent=silent,
    )
    return witness.voice(row, 'host', SINCE, PICTURE, 1.25)


class VoiceTest(base.TestCase):
    def test_a_row_that_does_not_name_the_host_has_heard_it(self):
        self.assertIs(Voice.HEARD, says(PICTURE + 0.1))

    def test_a_row_from_before_the_suspicion_tells_nothing(self):
        self.assertIs(Voice.NOT_YET, says(-1))
        self.assertIs(Voice.NOT_YET, says(-1, host=after(-3).isoformat()))

    def test_a_picture_that_may_be_older_than_the_suspicion_is_not_enough(
        self,
    ):
        """The beat that kept the host off the row may have come before."""
        self.assertIs(Voice.NOT_YET, says(PICTURE - 0.1))

    def test_a_row_that_names_the_host_is_silent_of_it(self):
        self.assertIs(Voice.SILENT, says(0.1, host=after(-3).isoformat()))

    def test_a_silence_that_misses_no_beat_yet_tells_nothing(self):
        self.assertIs(Voice.NOT_YET, says(0.5, host=after(-0.5).isoformat()))

    def test_a_host_that_was_never_heard_is_silent(self):
        self.assertIs(Voice.SILENT, says(0.1, host=None))

    def test_a_beat_after_the_suspicion_counts_though_silence_follows(self):
        self.assertIs(Voice.HEARD, says(9, host=after(0.5).isoformat()))

    @hypothesis.given(
        strategies.floats(-60, 60), strategies.none() | strategies.floats(0, 9)
    )
    def test_no_row_is_silent_of_a_beat_after_the_suspicion(self, turn, ago):
        """Rows name what was not heard for over NAMED_AFTER_SECONDS."""
        beat = None if ago is None else turn - ago
        silent = {}
        if beat is None or ago > 1.25:
            silent['host'] = None if beat is None else after(beat).isoformat()
        said = says(turn, **silent)
        if beat is not None and beat > 0.001:
            self.assertIsNot(Voice.SILENT, said)
        if said is Voice.HEARD:
            self.assertTrue(beat is not None and beat >= 0)
