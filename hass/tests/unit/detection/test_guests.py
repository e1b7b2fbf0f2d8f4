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
import sys
import types
from unittest import mock

import fixtures

from hass.detection import guests
from hass import exception
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


class LibvirtTest(base.TestCase):
    """Against a libvirt that breaks every other time."""

    def make_libvirt(self):
        class Broken(Exception):
            pass

        calls = []

        def open_read_only(uri):
            calls.append(uri)
            if len(calls) % 2 == 0:
                raise Broken('no connection')
            return types.SimpleNamespace(listAllDomains=list_domains)

        def list_domains():
            if len(calls) > 2:
                raise Broken('connection lost')
            return [types.SimpleNamespace(UUIDString=lambda: 'a')]

        return types.SimpleNamespace(
            openReadOnly=open_read_only, libvirtError=Broken
        )

    def test_a_lost_connection_is_no_empty_host_and_is_made_anew(self):
        fake = {'libvirt': self.make_libvirt()}
        with mock.patch.dict(sys.modules, fake):
            seen = guests.LibvirtGuests('qemu:///system')
        self.assertEqual(['a'], seen.domains())
        seen._connection = None
        self.assertIsNone(seen.domains())
        self.assertIsNone(seen.domains())

    def test_without_the_module_it_cannot_be_chosen(self):
        with mock.patch.dict(sys.modules, {'libvirt': None}):
            error = self.assertRaises(
                exception.ConfigError, guests.LibvirtGuests, ''
            )
        self.assertIn('[agent] guests', str(error))
