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

"""A recovery as bars along one line of time."""

import datetime

from hass.tests import base
from hass_dashboard.ha_admin.recoveries import timeline


def line(second, state):
    return {
        'at': f'2026-11-21T12:00:{second:02}+00:00',
        'to': state,
        'why': 'so it was',
        'engine': 'engine-1',
    }


def at(second):
    return datetime.datetime(2026, 11, 21, 12, 0, second, tzinfo=datetime.UTC)


class TimelineTest(base.TestCase):
    def drawn(self, history, end):
        return [
            (step.state, step.since, step.lasted, step.left, step.width)
            for step in timeline.steps(history, end)
        ]

    def test_bars_follow_each_other(self):
        history = [line(0, 'confirming'), line(10, 'fencing')]
        self.assertEqual(
            [
                ('confirming', 0.0, 10.0, 0.0, 25.0),
                ('fencing', 10.0, 30.0, 25.0, 75.0),
            ],
            self.drawn(history, at(40)),
        )

    def test_the_end_is_a_bar_that_can_be_seen(self):
        history = [line(0, 'confirming'), line(40, 'finished')]
        last = self.drawn(history, at(40))[-1]
        self.assertEqual(('finished', 40.0, 0.0, 99.5, 0.5), last)

    def test_a_browser_whose_clock_is_behind_draws_what_was(self):
        history = [line(0, 'confirming'), line(40, 'fencing')]
        self.assertEqual(40.0, self.drawn(history, at(20))[-1][1])

    def test_what_has_just_begun_is_seen_all_the_same(self):
        self.assertEqual(
            [('confirming', 0.0, 0.0, 0.0, 0.5)],
            self.drawn([line(0, 'confirming')], at(0)),
        )
