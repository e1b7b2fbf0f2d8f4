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

"""A recovery in a table: what was done first, and all of it on a screen."""

import os

import fixtures

from hass.tests import base
from hassclient.osc import command
from hassclient.osc import timeline
from hassclient.v1 import recovery

AT = '2026-01-31T12:{:02}:00.000000Z'
LONG = 'silent on all of its networks for longer than it ever was before'


def step(minute, to, why=LONG):
    return {'at': AT.format(minute), 'to': to, 'why': why, 'engine': 'e'}


def move(name, state, ended_at):
    return {
        'instance': 'uuid',
        'instance_name': name,
        'target': None,
        'destination': 'compute-2',
        'state': state,
        'ended_at': ended_at,
    }


def look(detail):
    return {
        'layer': 'network',
        'verdict': 'failed',
        'network': 'storage',
        'detector': 'network_icmp',
        'seen_by': 'engine-1',
        'detail': detail,
    }


class ShownTest(base.TestCase):
    def test_a_short_history_has_a_line_for_each_step(self):
        found = recovery.Recovery(
            history=[step(0, 'confirming', 'silent'), step(2, 'fencing', 'x')]
        )
        self.assertEqual(
            ['+0.0 s confirming: silent', '+120.0 s fencing: x'],
            timeline.steps(found),
        )

    def test_a_long_history_keeps_its_beginning_and_its_end(self):
        found = recovery.Recovery(
            history=[
                step(minute, 'held', f'no {minute}') for minute in range(50)
            ]
        )
        lines = timeline.steps(found)
        self.assertEqual(timeline.MAX_STEPS + 1, len(lines))
        self.assertEqual('+0.0 s held: no 0', lines[0])
        self.assertEqual('... and 38 more, which -f json shows', lines[1])
        self.assertEqual('+2940.0 s held: no 49', lines[-1])

    def test_of_many_evacuations_those_under_way_come_first(self):
        moves = [move(f'vm-{n}', 'done', AT.format(n)) for n in range(20)]
        found = recovery.Recovery(
            evacuations=[*moves, move('vm-20', 'sent', None)]
        )
        lines = timeline.moves(found)
        self.assertEqual('vm-20 to compute-2: sent', lines[0])
        self.assertEqual('and 13 more, which -f json shows', lines[-1])

    def test_evidence_is_shortened(self):
        fault = {
            'layer': 'network',
            'why': 'mute',
            'evidence': [look('no answer ' * 50)] * 9,
        }
        lines = timeline.evidence(recovery.Recovery(fault=fault))
        self.assertEqual(['layer: network', 'why: mute'], lines[:2])
        self.assertEqual('and 5 more, which -f json shows', lines[-1])
        self.assertStartsWith(
            lines[2], 'network (storage) failed by network_icmp of engine-1: '
        )
        self.assertLessEqual(len(lines[2]), timeline.WIDTH)

    def test_layers_stand_from_the_lowest_up(self):
        shown = command.column(['power', 'os', 'instance', 'guest_os'])
        self.assertEqual('power, os, instance, guest_os', str(shown))

    def test_words_with_a_rank_are_sorted_by_it(self):
        for head, words in (
            ('Layer', ['power', 'os', 'network', 'instance', 'storage']),
            ('Health', ['unknown', 'ok', 'warning', 'critical', 'failed']),
        ):
            cells = [
                command.column(one, command.RANKS[head])
                for one in sorted([*words, 'unheard'])
            ]
            self.assertEqual(
                [*words, 'unheard'], list(map(str, sorted(cells)))
            )

    def assertStartsWith(self, text, start):
        self.assertEqual(start, text[: len(start)])

    def test_what_is_not_known_yet_has_no_lines(self):
        found = recovery.Recovery()
        for lines in (timeline.steps, timeline.moves, timeline.evidence):
            self.assertEqual([], lines(found))

    def test_lines_end_where_the_terminal_does_and_json_has_the_value(self):
        self.useFixture(fixtures.EnvironmentVariable('COLUMNS', '80'))
        told = command.Told(['whole'], [LONG + LONG])
        shown = told.human_readable().split('\n')
        self.assertGreater(len(shown), 1)
        self.assertLessEqual(max(map(len, shown)), 56)
        self.assertEqual(['whole'], told.machine_readable())

    def test_each_sentence_has_a_line_and_json_has_them_all(self):
        found = command.sentences({'warnings': ['one, two', 'three'], 'a': 1})
        self.assertEqual(1, found['a'])
        self.assertEqual('one, two\nthree', found['warnings'].human_readable())
        self.assertEqual(
            ['one, two', 'three'], found['warnings'].machine_readable()
        )

    def test_a_pipe_breaks_no_lines(self):
        self.useFixture(fixtures.EnvironmentVariable('COLUMNS'))
        if os.isatty(1):
            self.skipTest('this test needs an output that is no terminal')
        told = command.Told([], [LONG * 9])
        self.assertEqual(LONG * 9, told.human_readable())
