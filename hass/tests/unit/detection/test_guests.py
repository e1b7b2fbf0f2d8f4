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

import os

import fixtures

from hass.detection import guests
from hass.tests import base


class GuestsTest(base.TestCase):
    def test_file_names_are_the_guests(self):
        folder = self.useFixture(fixtures.TempDir()).path
        for name in ('b', 'a'):
            os.mkdir(os.path.join(folder, name))
        self.assertEqual(['a', 'b'], guests.FolderGuests(folder).domains())

    def test_a_missing_folder_is_not_an_empty_one(self):
        self.assertIsNone(guests.FolderGuests('/does/not/exist').domains())

    def test_who_does_not_look_cannot_see(self):
        self.assertIsNone(guests.NoGuests().domains())
