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

"""Tests with real guests, on one libvirtd for each test process."""

import contextlib
import functools
import os
import sys

from hass.detection import libvirt_keepalive
from hass.tests import base
from hass.tests.functional.agent import libvirt_host
from hass.tests.functional import debian_libvirt
from tools import packages


@functools.cache
def host() -> libvirt_host.LibvirtHost:
    """The one host of this test process; it ends with it."""
    debian_libvirt.borrow()
    return libvirt_host.LibvirtHost(libvirt_keepalive.start_events())


class GuestCase(base.TestCase):
    """What it boots goes when the test ends."""

    def setUp(self):
        try:
            self.host = host()
        except packages.LeftOut as why:
            if 'CI' in os.environ:
                raise
            sys.stderr.write(f'{self.id()}: {why}\n')
            self.skipTest(str(why))
        super().setUp()

    def boot(self, name, **described):
        uuid = self.host.boot(name, **described)
        self.addCleanup(self.remove, name)
        return uuid

    def wait_until_up(self, *names):
        self.wait_for(
            lambda: all(self.host.is_up(name) for name in names),
            why=f'{names} to boot',
        )

    def remove(self, name):
        """As an operator does with virsh."""
        connection = self.host.connect()
        try:
            domain = connection.lookupByName(name)
            with contextlib.suppress(self.host.libvirt.libvirtError):
                domain.destroy()  # It may have ended by itself.
            domain.undefine()
        finally:
            connection.close()
