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

"""What the dashboard ships is what it is made of."""

import pathlib
import runpy

from babel.messages import pofile

from hass.tests import base
from tools import packages

ROOT = pathlib.Path(__file__).parents[3]


class FilesTest(base.TestCase):
    def setUp(self):
        super().setUp()
        packages.ensure('gettext')
        self.writing = runpy.run_path(str(ROOT / 'tools/dashboard_files.py'))

    def test_the_default_policy_is_that_of_the_services(self):
        shipped = self.writing['POLICY'].read_text()
        self.assertEqual(self.writing['policy'](), shipped)

    def test_the_catalogue_has_all_there_is_to_translate(self):
        shipped = self.writing['CATALOGUE'].read_text()
        self.assertEqual(self.writing['merged'](shipped), shipped)
        with self.writing['CATALOGUE'].open('rb') as file:
            known = pofile.read_po(file)
        left = [it.id for it in known if it.id and not all(_said(it))]
        self.assertEqual([], left)

    def test_the_compiled_catalogues_are_of_it(self):
        made = self.writing['compiled'](self.writing['CATALOGUE'])
        for name in self.writing['COMPILED']:
            shipped = self.writing['DASHBOARD'] / 'locale' / name
            shipped /= 'LC_MESSAGES/django.mo'
            self.assertEqual(made, shipped.read_bytes())


def _said(message):
    said = message.string
    return said if isinstance(said, (list, tuple)) else [said]
