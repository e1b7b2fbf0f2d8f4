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

"""What users do with their instances is left alone; what kills them is not.

Every guest that stops, for whatever reason, is told to the engines as
killed: only what they ask Nova keeps them from starting it again.
"""

import os
import random
import sys

from testtools import content

from hass.tests.openstack import alarmist
from hass.tests.openstack import base
from hass.tests.openstack import user_actions
from hass.tests import user_actions as deeds
from tools.minicloud import openstack
from tools.minicloud import processes

ACTIONS = int(os.environ.get('USER_ACTIONS', '26'))
"""make soak SET=users has more of them."""
SEED = int(os.environ.get('USER_SEED', random.randrange(10**6)))
QUIET_SECONDS = 6
FORGOTTEN_SECONDS = 10


class UserActionsTest(base.OpenStackTest):
    """Random actions on the protected servers of the lab."""

    seconds = 600 + 10 * ACTIONS
    actions = ACTIONS
    kinds: tuple[deeds.Kind, ...] = deeds.THROUGH_NOVA
    flavors = ('tiny', 'tiny-2')

    def setUp(self):
        super().setUp()
        self.killed = []
        self.dice = random.Random(SEED)
        self.addDetail('seed', content.text_content(str(SEED)))
        self.servers = [one.uuid for one in self.cloud.servers()]
        one = self.cloud.nova('GET', f'/servers/{self.servers[0]}')['server']
        self.user = one['user_id']
        self.users = user_actions.Users(
            user_actions.Place(
                nova=self.cloud.nova,
                image=one['image']['id'],
                flavors=self.flavors,
                wait_for=self.wait_for,
                create=self.create,
                virsh=self.virsh,
            )
        )
        self.prepare()

    # What is otherwise where guests are real.

    def prepare(self):
        self.cloud.need_flavor(self.flavors[1])
        self.alarmist = alarmist.Alarmist(self.lab)
        self.addCleanup(self.alarmist.stop)

    def create(self, name, host):
        (uuid,) = self.cloud.boot(host, name)
        self.cloud.hass('POST', '/v1/instances', {'uuid': uuid})
        return uuid

    def do(self, kind, server):
        return self.users.do(kind, server)

    def kill(self, server):
        alarmist.kill(self.lab, self.users.host(server), server)

    def told(self):
        """How many stops of guests the engines were told of, at least."""
        return len(self.alarmist.told)

    def virsh(self, host, word, server):
        """An operator's command, past Nova."""
        self.fail('files that count as guests have no libvirt')

    # The same everywhere.

    def test_no_action_of_a_user_starts_a_recovery_and_a_kill_does(self):
        drawn = deeds.draw(SEED, self.actions, self.kinds)
        actions = sum(kind.actions for kind in drawn)
        sys.stderr.write(f'seed {SEED}: {actions} actions of users\n')
        for number, kind in enumerate(drawn):
            if number == len(drawn) // 2:
                self.kill_one()
            at = self.dice.randrange(len(self.servers))
            self.servers[at] = self.do(kind, self.servers[at])
            self.assert_left_alone(f'action {number}, {kind}')
        self.kill_one()
        self.assert_answered()
        self.wait_for_rest()
        self.assert_left_alone('the end')
        self.assert_nobody_else_acted()
        self.assert_oracle()
        sys.stderr.write(
            f'{self.told()} guests stopped, {len(self.killed)} were killed, '
            f'{len(self.stories())} recoveries\n'
        )

    def test_a_reboot_that_nova_could_not_do_is_no_success(self):
        """Nova asks Cinder first, and the server stays ACTIVE."""
        self.addCleanup(self.start_cinder)
        processes.stop(self.lab, 'cinder')
        story = self.kill_one()
        self.assertIn(
            'Nova could not reboot it', [line.why for line in story.history]
        )
        self.wait_for_rest()
        self.assert_oracle()

    def start_cinder(self):
        openstack.start_api(self.lab, 'cinder')
        openstack.await_apis(self.lab, ['cinder'])

    def test_what_its_user_deletes_is_forgotten_at_once(self):
        """Nova announces it; the census would take up to a minute."""
        deleted = self.servers[0]
        self.servers[0] = self.users.do(deeds.Kind.DELETE, deleted)
        self.wait_for(
            lambda: deleted not in self.protected(),
            seconds=FORGOTTEN_SECONDS,
            why=f'{deleted} to be forgotten',
        )
        self.assertIn(self.servers[0], self.protected())

    def protected(self):
        found = self.cloud.hass('GET', '/v1/instances')['instances']
        return {one['uuid'] for one in found}

    def kill_one(self):
        """The control: without it nobody knows that HASS looks at all."""
        server = self.dice.choice(self.servers)
        self.wait_for(
            lambda: self.cloud.quiet_seconds(server) > QUIET_SECONDS,
            why='nothing that its user did to explain the kill',
        )
        self.killed.append(server)
        kills = self.killed.count(server)
        self.kill(server)
        self.wait_for(
            lambda: len(self.cloud.stories(self.since, server)) >= kills,
            why=f'the recovery of {server}, whose guest was killed',
        )
        return self.wait_for_story(
            server, 'finished', workflow='instance_failure'
        )

    def assert_left_alone(self, after):
        """One recovery for each kill, and no other of anybody."""
        self.assertEqual(
            sorted(self.killed),
            sorted(one.host for one in self.stories()),
            f'seed {SEED}, {after}',
        )

    def assert_answered(self):
        """Each stop was told, and the engines have said something to it."""

        def answered():
            found = self.cloud.notifications(self.since)
            told = [one for one in found if one['state'] != 'new']
            return len(told) >= self.told() > 0

        self.wait_for(answered, why='all answers')

    def assert_nobody_else_acted(self):
        """Nova's own word: who asked for anything, but the user and Nova."""
        strangers = [
            (uuid, action)
            for uuid in (*self.servers, *self.users.deleted)
            for action in self.cloud.strangers(uuid, self.user, self.since)
        ]
        wanted = [(uuid, 'reboot') for uuid in self.killed]
        self.assertEqual(sorted(wanted), sorted(strangers), f'seed {SEED}')
