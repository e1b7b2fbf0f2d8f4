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

"""Options in files that nobody reads, and values that nobody can use."""

import pathlib

from oslo_config import cfg

from hass import conf as options
from hass.conf import forms
from hass.conf import known
from hass import exception
from hass.tests import base

ROOT = pathlib.Path(__file__).parents[3]


class KnownTest(base.TestCase):
    def conf(self, *texts):
        """Files, read one after the other."""
        folder = pathlib.Path(self.make_folder())
        files = []
        for number, text in enumerate(texts):
            files.append(folder / f'{number}.conf')
            files[-1].write_text(text)
        conf = cfg.ConfigOpts()
        conf([], project='hass', default_config_files=list(map(str, files)))
        return conf

    def strange(self, *texts):
        return known.strange(self.conf(*texts))

    def test_a_misspelt_option_and_section(self):
        self.assertEqual(
            [
                '[detection] target_second is no option: did you mean '
                'target_seconds?',
                '[xyzzy] is no section',
            ],
            self.strange(
                '[detection]\ntarget_second = 3\n', '[xyzzy]\nplugh = 1\n'
            ),
        )

    def test_a_file_in_a_folder_of_files(self):
        folder = pathlib.Path(self.make_folder())
        (folder / '10-mine.conf').write_text('[engine]\nlissen = ::1:1\n')
        conf = cfg.ConfigOpts()
        conf([], default_config_files=[], default_config_dirs=[str(folder)])
        (strange,) = known.strange(conf)
        self.assertIn('did you mean listen?', strange)

    def test_options_of_libraries_and_their_old_names(self):
        self.assertEqual(
            [],
            self.strange(
                '[DEFAULT]\ntransport_url = fake://\nlog-file = a\n'
                'config_dir = /nowhere\nrpc_thread_pool_size = 3\n'
                '[OSLO_messaging_rabbit]\nrabbit_quorum_queue = true\n'
                '[profiler]\nenabled = false\n'
                '[cors]\nallowed_origin = *\n'
            ),
        )

    def test_how_one_logs_in_adds_options(self):
        login = 'auth_url = http://k\nusername = hass\npassword = pw\n'
        self.assertEqual(
            [],
            self.strange(
                f'[keystone_authtoken]\nauth_type = password\n{login}'
                '[nova]\nauth_section = login\n'
                f'[login]\nauth_type = v3password\n{login}'
            ),
        )
        self.assertEqual(
            ['[nova] usernam is no option: did you mean username?'],
            self.strange('[nova]\nauth_type = password\nusernam = hass\n'),
        )

    def test_a_way_to_log_in_that_is_not_installed_breaks_nothing(self):
        known.strange(self.conf('[nova]\nauth_type = unheard_of\n'))

    def test_a_value_for_a_library_that_it_cannot_use(self):
        conf = self.conf('[database]\nmax_retries = often\n')
        error = self.assertRaises(exception.ConfigError, known.check, conf)
        self.assertIn('[database] max_retries: ', str(error))
        self.assertIn('must be a whole number', str(error))
        known.check(self.conf('[DEFAULT]\nlog_file = $log_dir/a\n[a]\nb=c'))

    def test_a_form_is_told_in_words(self):
        for text, sentence in (
            (
                '[engine]\nlisten = 192.0.2.11\n',
                "[engine] listen: '192.0.2.11' has another form; must be "
                'address:port, with brackets around an IPv6 address; of '
                'several, commas between them',
            ),
            (
                '[protection]\nmetadata_key = HA/Enabled\n',
                "[protection] metadata_key: 'HA/Enabled' has another form; "
                'must be a metadata key of Nova: 1 to 255 letters, digits, '
                'blanks, dots, colons, dashes and underscores',
            ),
            (
                '[engine]\nworkers = many\n',
                "[engine] workers: not a whole number: 'many'; must be a "
                'whole number from 2 to 256',
            ),
        ):
            error = self.assertRaises(
                exception.ConfigError, known.check, self.conf(text)
            )
            self.assertEqual(sentence, str(error))

    def test_every_option_of_ours_has_words(self):
        for group in options.GROUPS:
            for option in options.options(group):
                words = forms.of(option)
                for code in ('regex', '(', '[a-z', '^'):
                    self.assertNotIn(code, words, option.name)

    def test_what_is_known_is_what_the_sample_shows(self):
        path = ROOT / 'etc/hass/hass-config-generator.conf'
        namespaces = [
            line.partition(' = ')[2]
            for line in path.read_text().splitlines()
            if line.startswith('namespace')
        ]
        self.assertEqual(namespaces, list(known.NAMESPACES))
