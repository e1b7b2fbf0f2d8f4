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

"""What ``--help`` says of every command and every option."""

import argparse
import configparser
from importlib import metadata
import pathlib

from hass.tests import base
from hassclient.osc import command

ROOT = pathlib.Path(__file__).parents[4]
GROUP = 'openstack.hass.v1'
BASES = (command.Lister, command.ShowOne, command.Command)


def commands():
    """Name and class of each."""
    said = configparser.ConfigParser()
    said.read(ROOT / 'setup.cfg')
    for line in said['entry_points'][GROUP].strip().split('\n'):
        name, value = line.split(' = ')
        kind = metadata.EntryPoint(name, value, GROUP).load()
        yield 'openstack ' + name.replace('_', ' '), kind


def options(kind, name):
    """What its parser takes, by how it is written."""
    parser = kind(None, None).get_parser(name)
    return {
        ' '.join(action.option_strings) or action.dest: action.help
        for action in parser._actions
    }


class HelpTest(base.TestCase):
    def assert_sentence(self, text, where):
        self.assertTrue(text, f'{where}: it says nothing')
        first = text.split('\n')[0]
        self.assertTrue(first[0].isupper(), f'{where}: {first}')
        self.assertEqual('.', first[-1], f'{where}: {first}')
        self.assertEqual('.', text.rstrip()[-1], f'{where}: {text}')

    def test_every_command_says_what_it_does_in_sentences(self):
        found = list(commands())
        self.assertGreater(len(found), 40)
        for name, kind in found:
            self.assert_sentence(kind.__doc__, name)

    def test_what_an_option_cannot_take_is_told_with_what_it_can(self):
        seen = 0
        for name, kind in commands():
            for action in kind(None, None).get_parser(name)._actions:
                if action.type in (None, command.pair, command.document):
                    continue
                if action.type.__module__ != command.__name__:
                    continue
                for wrong in ('', ':'):
                    error = self.assertRaises(
                        argparse.ArgumentTypeError, action.type, wrong
                    )
                    self.assertIn('wanted', str(error), name)
                seen += 1
        self.assertGreater(seen, 20)

    def test_no_number_is_read_in_a_way_of_its_own(self):
        for name, kind in commands():
            (theirs,) = (one for one in BASES if issubclass(kind, one))
            known = options(theirs, name)
            for action in kind(None, None).get_parser(name)._actions:
                if ' '.join(action.option_strings) not in known:
                    self.assertNotIn(action.type, (int, float), name)

    def test_every_option_says_what_it_is_for_in_sentences(self):
        seen = 0
        for name, kind in commands():
            (theirs,) = (one for one in BASES if issubclass(kind, one))
            known = options(theirs, name)
            for option, text in options(kind, name).items():
                if option not in known:
                    self.assert_sentence(text, f'{name} {option}')
                    seen += 1
        self.assertGreater(seen, 100)
