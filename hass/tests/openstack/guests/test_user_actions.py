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

"""What users and operators do with real guests is left alone.

Nobody lies to the engines here: libvirt says what happens, and the agents
tell of it.
"""

import os

from hass.tests.openstack.guests import base
from hass.tests.openstack import test_user_actions as users
from hass.tests import user_actions as deeds
from tools.minicloud import guests
from tools.minicloud import libvirtd
from tools.minicloud import processes

ACTIONS = int(os.environ.get('USER_ACTIONS', '20'))
"""make soak SET=users-guests has more of them."""
WITHOUT_SSH: tuple[deeds.Kind, ...] = tuple(
    kind
    for kind in deeds.Kind
    if kind not in (deeds.Kind.RESIZE, deeds.Kind.REVERT, deeds.Kind.MIGRATE)
)
"""Nova's libvirt driver carries disks to other hosts by ssh."""


class GuestActionsTest(base.GuestTest, users.UserActionsTest):
    """The same, but for agents that lie."""

    seconds = 600 + 60 * ACTIONS
    actions = ACTIONS
    kinds = WITHOUT_SSH

    def prepare(self):
        """The agents tell."""

    def create(self, name, host):
        uuid = self.cloud.boot_guest(host)
        self.cloud.protect(uuid)
        return uuid

    def do(self, kind, server):
        if kind is deeds.Kind.LIVE_MIGRATE:
            # A kernel that is just booting did not survive it: QEMU emulates.
            self.wait_until_answers(server)
        return super().do(kind, server)

    def kill(self, server):
        self.wait_until_answers(server)
        guests.kill(self.lab, server)

    def told(self):
        return len(self.killed)

    def virsh(self, host, word, server):
        """An operator's command, past Nova."""
        uri = libvirtd.uri(self.lab, host)
        processes.run(['virsh', '-c', uri, word, server])
