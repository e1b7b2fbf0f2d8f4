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

"""What a scenario may say, and what is answered when it says more."""

import os
import pathlib
import signal
import subprocess
import sys

from hass.simulation.scenario import cloud_deeds
from hass.simulation.scenario import comparison
from hass.simulation.scenario import engine_deeds
from hass.simulation.scenario import host_deeds
from hass.simulation.scenario import instance_deeds
from hass.simulation.scenario import phrases
from hass.simulation.scenario import play
from hass.simulation.scenario import text
from hass.tests import base

ROOT = pathlib.Path(__file__).parents[4]
PAGE = ROOT / 'doc/source/admin/simulate.rst'
SIMULATE = pathlib.Path(sys.executable).parent / 'hass-simulate'


class ParseTest(base.TestCase):
    def refusal(self, lines):
        error = self.assertRaises(phrases.BadLine, text.parse, lines)
        return str(error)

    def test_settings_and_events(self):
        found = text.parse(
            'hosts 6  # in one rack\n'
            'instances 2 on compute-1 and compute-3..compute-4\n'
            'at 1.5 compute-1, compute-2 lose 30 % of beats on storage\n'
            'at 2 all engines are paused for 1 minute\n'
            'run 90 s\n'
        )
        self.assertEqual(6, found.hosts)
        self.assertEqual(
            ['compute-1', 'compute-3', 'compute-4'],
            [host for _number, host, _kind in found.instances],
        )
        self.assertEqual([1.5, 2.0], [one.seconds for one in found.events])
        self.assertEqual(90.0, found.run)

    def test_rules_of_isolation_keep_their_order(self):
        found = text.parse(
            'report hosts that lost management but not storage and tenant\n'
            'fence hosts that lost management, storage\n'
            'run 90 s\n'
        )
        self.assertEqual(
            [
                (['management'], ['storage', 'tenant'], 'report'),
                (['management', 'storage'], [], 'fence'),
            ],
            [tuple(rule.values()) for rule in found.isolation],
        )

    def test_a_rule_about_an_unknown_network_is_told(self):
        told = self.refusal('fence hosts that lost blue\nrun 60 s')
        self.assertIn('there is no network blue', told)

    def test_an_unknown_setting_is_told_with_the_known_ones(self):
        told = self.refusal('hostess 4\nrun 60 s')
        self.assertIn("line 1: 'hostess 4' is no setting", told)
        self.assertIn('hosts NUMBER', told)

    def test_an_unknown_deed_is_told_with_the_known_ones(self):
        told = self.refusal('run 60 s\nat 3 compute-1 looses power')
        self.assertIn('line 2: ', told)
        self.assertIn('loses power', told)

    def test_only_what_begins_alike_is_offered(self):
        told = self.refusal('hosts -1\nrun 60 s')
        self.assertIn("'hosts -1' is no setting and no event: hosts N", told)
        self.assertNotIn('engines', told)
        told = self.refusal('run 60 s\nat 3 compute-1 loses powr')
        self.assertIn('loses power', told)
        self.assertNotIn('hangs', told)

    def test_an_unknown_host_is_told_with_those_that_there_are(self):
        told = self.refusal('at 3 compute-9 hangs\nrun 60 s')
        self.assertIn('there is no host compute-9: there are compute-1', told)

    def test_an_unknown_network_is_told(self):
        told = self.refusal('at 3 compute-1 loses network blue\nrun 60 s')
        self.assertIn('there is no network blue', told)

    def test_an_event_about_nobody_is_told(self):
        told = self.refusal('at 3 everything burns\nrun 60 s')
        self.assertIn('is about no host and no engine', told)

    def test_an_event_after_the_end_is_told(self):
        self.assertIn(
            'the scenario ends after 60 s',
            self.refusal('at 61 compute-1 hangs\nrun 60 s'),
        )

    def test_a_scenario_has_an_end(self):
        self.assertIn('how long?', self.refusal('hosts 4'))

    def test_a_second_run_would_undo_the_first(self):
        told = self.refusal('run 60 s\nrun 90 s')
        self.assertEqual("line 2: line 1 has said 'run' already", told)
        told = self.refusal('networks a\nrun 9 s\nnetworks b')
        self.assertEqual("line 3: line 1 has said 'networks' already", told)

    def test_a_moment_may_have_a_unit(self):
        found = text.parse('at 1 minute compute-1 hangs\nrun 90 s')
        self.assertEqual(
            [(60.0, 'compute-1 hangs')],
            [(one.seconds, one.text) for one in found.events],
        )

    def test_an_event_without_a_deed_is_told(self):
        told = self.refusal('at 3 compute-1\nrun 60 s')
        self.assertIn('what happens to a host? loses power |', told)
        self.assertIn('what happens? ', self.refusal('at 3\nrun 60 s'))

    def test_an_instance_is_not_taken_for_a_host(self):
        told = self.refusal('at 3 compute-1-vm-0 dies\nrun 60 s')
        self.assertIn('compute-1-vm-0 is an instance', told)
        self.assertIn('qemu of NAME dies', told)

    def test_what_is_far_too_much_is_told(self):
        for line, words in (
            ('at 1 compute-1 hangs for 9999999 hours', 'more than 400 days'),
            ('at 99999999999999999 compute-1 hangs', "'at' comes a time"),
            ('instances 1001 on compute-1', 'at most 1000'),
        ):
            self.assertIn(words, self.refusal(f'{line}\nrun 60 s'))

    def test_a_mode_is_one_of_three(self):
        self.assertIn(
            'mode is one of observe, ask, act',
            self.refusal('mode maybe\nrun 60 s'),
        )


class PhraseTest(base.TestCase):
    def slots(self, pattern, words):
        phrase = phrases.Phrase(pattern, lambda **slots: None)
        return phrase.slots(phrases.split(words))

    def test_words_must_all_be_there(self):
        self.assertEqual({}, self.slots('loses|lose power', 'lose power'))
        self.assertIsNone(self.slots('loses power', 'loses'))
        self.assertIsNone(self.slots('loses power', 'loses power today'))

    def test_seconds_have_a_unit(self):
        self.assertEqual(
            {'seconds': 3600.0}, self.slots('for SECONDS', 'for 1 hour')
        )
        self.assertIsNone(self.slots('for SECONDS', 'for 20'))

    def test_a_share_is_at_most_all(self):
        self.assertEqual({'share': 0.3}, self.slots('SHARE', '30%'))
        self.assertIsNone(self.slots('SHARE', '130 %'))

    def test_names_end_where_the_sentence_goes_on(self):
        self.assertEqual(
            {'hosts': ['a', 'b'], 'seconds': 5.0},
            self.slots(
                'maintains HOSTS for SECONDS', 'maintains a, b for 5 s'
            ),
        )

    def test_every_sentence_stands_on_the_page(self):
        page = PAGE.read_text()
        known = (
            *host_deeds.PHRASES,
            *engine_deeds.PHRASES,
            *cloud_deeds.PHRASES,
            *instance_deeds.PHRASES,
        )
        missing = [str(one) for one in known if f'``{one}``' not in page]
        self.assertEqual([], missing)

    def test_every_setting_stands_on_the_page(self):
        page = PAGE.read_text()
        for one in text.SETTINGS:
            self.assertIn(f'``{str(one).split()[0]} ', page)


class ComparisonTest(base.TestCase):
    def write(self, lines):
        file = pathlib.Path(self.make_folder()) / 'small.scenario'
        file.write_text(lines)
        return file

    def test_it_is_written_and_then_as_expected(self):
        file = self.write('hosts 2\nengines 1\nrun 1 s\n')
        self.assertEqual(0, comparison.run(str(file), write=True))
        self.assertEqual('', comparison.difference(file))
        self.assertEqual(0, comparison.run(str(file), write=False))

    def test_another_log_is_a_difference(self):
        file = self.write('hosts 2\nengines 1\nrun 1 s\n')
        file.with_suffix('.expect').write_text('end: all is lost\n')
        self.assertEqual(1, comparison.run(str(file), write=False))
        self.assertIn('-end: all is lost', comparison.difference(file))

    def test_a_bad_file_is_told_from_a_difference(self):
        file = self.write('nonsense\n')
        self.assertEqual(2, comparison.run(str(file), write=False))

    def test_a_missing_file_is_bad(self):
        self.assertEqual(2, comparison.run('/no/such', write=False))

    def refusal(self, lines):
        text = f'hosts 2\nengines 1\nrun 3 s\n{lines}\n'
        error = self.assertRaises(phrases.BadLine, play.play, text)
        return str(error)

    def test_an_option_that_cannot_be_used_is_told(self):
        for line, words in (
            ('option no.such 1', 'option no.such: its group is one of agent'),
            ('option detection.x 1', 'there is no option detection.x'),
            ('option database.connection x', 'its group is one of agent'),
            ('option detection.target_seconds x', 'detection.target_seconds'),
            ('option fencing.max_fencings x', "'x'"),
            (
                'option fencing.max_fencings x',
                'must be a whole number from 1 on',
            ),
            (
                'at 1 qemu of compute-1-vm-9 dies\ninstances 1 on compute-2',
                'no instance compute-1-vm-9: there are compute-2-vm-0',
            ),
            ('option detection.target_seconds 99', 'longest_seconds must be'),
        ):
            self.assertIn(words, self.refusal(line))

    def test_what_is_found_missing_while_it_plays_names_its_line(self):
        for line, words in (
            ('at 1 user stops web', 'line 4: there is no instance web'),
            ('at 1 the database fails over', 'line 4: say "the database'),
            ('at 1 compute-1 has the BMC of rack', 'line 4: there is no host'),
        ):
            self.assertIn(words, self.refusal(line))

    def test_what_is_refused_is_told_in_the_log(self):
        log = play.play(
            'hosts 2\nengines 1\ninstances 1 on compute-1\nrun 3 s\n'
            'at 1 user starts compute-1-vm-0\n'
            'at 1 an operator releases compute-1\n'
            'at 1 user pauses compute-1-vm-0\n'
        )
        self.assertIn("Nova refuses: Cannot 'start' instance compute-1", log)
        self.assertIn('HASS refuses: no recovery of compute-1 is held', log)
        self.assertEqual(1, log.count('Nova refuses'), log)


class CommandTest(base.TestCase):
    """The command as its user sees it, whatever he gives it."""

    def setUp(self):
        super().setUp()
        self.folder = pathlib.Path(self.make_folder())
        self.file = self.folder / 'small.scenario'
        self.file.write_text('hosts 1\nengines 1\nrun 1 s\n')

    def start(self, *arguments, **how):
        return self.start_process(
            [SIMULATE, *arguments],
            stderr=subprocess.PIPE,
            cwd=self.folder,
            **how,
        )

    def test_files_that_are_none(self):
        (self.folder / 'bytes').write_bytes(b'\xff')
        names = ['.', '/', 'nothing', str(self.folder), 'bytes']
        process = self.start(*names)
        said, complaints = process.communicate()
        self.assertEqual((2, ''), (process.returncode, said))
        self.assertEqual(len(names), len(complaints.splitlines()), complaints)
        self.assertNotIn('Traceback', complaints)

    def test_nobody_reads_the_log(self):
        process = self.start(self.file)
        process.stdout.close()
        self.assertEqual('', process.stderr.read())
        self.assertEqual(-signal.SIGPIPE, process.wait())

    def test_it_is_interrupted(self):
        self.file.write_text('run 90000 s\n')
        temporary = self.folder / 'temporary'
        temporary.mkdir()
        process = self.start(
            self.file, env={**os.environ, 'TMPDIR': str(temporary)}
        )
        self.wait_for(
            lambda: list(temporary.glob('hass-simulate-*/*')),
            why='it is playing',
        )
        process.send_signal(signal.SIGINT)
        said, complaints = process.communicate()
        self.assertEqual(
            (130, '', 'hass-simulate: interrupted\n'),
            (process.returncode, said, complaints),
        )
        self.assertEqual([], list(temporary.iterdir()))

    def test_a_log_that_the_terminal_cannot_show(self):
        self.file.write_text(
            'hosts 1\nengines 1\nrun 2 s\nat 1 compute-1 is reported by é\n'
        )
        process = self.start(
            self.file, env={**os.environ, 'PYTHONIOENCODING': 'ascii'}
        )
        said, complaints = process.communicate()
        self.assertEqual((0, ''), (process.returncode, complaints))
        self.assertIn('reported by \\xe9', said)
