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
"""A cloud of real guests, and tests that ask the guests themselves."""

from collections.abc import Iterable
from concurrent import futures
import json
from typing import Any

from testtools import content

from hass.tests.openstack import base
from hass.tests.openstack import lab
from tools.minicloud import guests
from tools.minicloud.lab import LabError
from tools.minicloud import libvirtd
from tools.minicloud import openstack

# A few guests fail again and again here, and nobody shall wait for them.
RECOVERY = {
    **lab.OPTIONS['recovery'],
    'guest_seconds': '10',
    'verify_seconds': '45',
    'crash_loop_count': '10',
    'crash_loop_seconds': '60',
    'backoff_seconds': '0',
}
# Host -> the actions of its guests' watchdogs, when the tests begin.
GUESTS = {
    'compute1': ('none', 'pause'),
    'compute2': ('none',),
    'compute3': ('pause',),
}
LAYERS = {'instance', 'guest_os', 'guest_network'}


class GuestCloud(lab.Cloud):
    """Its hosts run libvirt; its instances are tiny, but real."""

    guests = True
    options = {**lab.OPTIONS, 'recovery': RECOVERY}

    def fill(self) -> None:
        """The guests of GUESTS and no others, protected by nobody yet."""
        guests.end_all(self.lab)
        wanted = [(h, each) for h, all_ in GUESTS.items() for each in all_]
        with futures.ThreadPoolExecutor(len(wanted)) as pool:
            list(pool.map(lambda one: self.boot_guest(*one), wanted))

    def boot_guest(
        self, host: str, action: str = 'none', root: str = 'file'
    ) -> str:
        """Boot a guest with that action of its watchdog; its uuid.

        :param root: where its disk is: file or volume
        """
        return openstack.script(
            self.lab, 'servers', 'boot', '1', host, action, root
        ).strip()

    def protect(self, uuid: str) -> None:
        self.hass('POST', '/v1/instances', {'uuid': uuid})

    def _complaints(self, guests: bool) -> Iterable[str]:
        yield from super()._complaints(guests)
        for server in self.servers() if guests else ():
            if not self.answers(server.uuid):
                yield f'{server.uuid} does not answer'
            if missing := LAYERS - self.well(server.uuid):
                yield f'{server.uuid} is not seen: {", ".join(missing)}'

    def answers(self, uuid: str) -> bool:
        """Whether the guest answers pings, and its agent as well."""
        try:
            return guests.answers_pings(guests.ask(self.lab, uuid))
        except LabError:
            return False

    def well(self, uuid: str) -> set[str]:
        """The layers of a guest that HASS has seen to be well.

        What HASS has not seen to answer it does not miss either.
        """
        shown = self.hass('GET', f'/v1/instances/{uuid}')
        return {
            one['layer']
            for one in shown['observations']
            if one['verdict'] == 'healthy'
        }

    def watchdogs(self) -> dict[str, str]:
        """The uuid of each guest, and the action of its watchdog."""
        found = self.nova('GET', '/servers/detail?all_tenants=1')['servers']
        return {
            one['id']: one['flavor']['original_name'].removeprefix('guest-')
            for one in found
        }


class GuestTest(base.OpenStackTest):
    """A test that asks guests who they are before and after."""

    kind = GuestCloud
    cloud: GuestCloud

    def setUp(self):
        super().setUp()
        self.addOnException(self.tell_guests)

    def tell_guests(self, exc_info):
        told = [
            f'{server} {guests.console(self.lab, server.uuid)} '
            f'{guests.boots(self.lab, server.uuid)}'
            for server in self.cloud.servers()
        ]
        told.append(json.dumps(guests.running(self.lab), default=str))
        self.addDetail('guests', content.text_content('\n'.join(told)))

    def expected(self):
        """The ledger tells of hosts only; guests are asked themselves."""
        return set()

    def ask(self, servers):
        """What guests answer through their agents, by uuid."""
        return {one.uuid: guests.ask(self.lab, one.uuid) for one in servers}

    def wait_until_answers(self, uuid):
        self.wait_for(
            lambda: self.cloud.answers(uuid),
            why=f'{uuid} to answer',
        )

    def assert_booted_once(self, before):
        """Each has booted once since then, runs once, and says so itself."""
        where = {one.uuid: one.host for one in self.cloud.servers()}
        for uuid, was in before.items():
            self.wait_until_answers(uuid)
            now = guests.ask(self.lab, uuid)
            self.assertEqual(was.number + 1, now.number)
            self.assertEqual(was.address, now.address)
            self.assertEqual(
                [was.id, now.id], guests.boots(self.lab, uuid)[-2:]
            )
            self.assertEqual(guests.console(self.lab, uuid), now)
            self.assertIn(now.id, self.console_of(uuid))
            self.assert_runs_once(uuid, where[uuid])

    def assert_runs_once(self, uuid, host):
        """Nobody else writes to its disk, and one host has its process."""
        self.assertEqual('', guests.twice(self.lab, uuid))
        found = guests.running(self.lab)[uuid]
        self.assertEqual([host], [process.host for process in found])

    def assert_gone_from(self, host, uuids):
        """Neither runs there nor could be started there by mistake."""
        there = [
            uuid
            for uuid, found in guests.running(self.lab).items()
            if host in {process.host for process in found}
        ]
        self.assertEqual(set(), {*there} & {*uuids})
        defined = ''.join(
            path.read_text() for path in libvirtd.definitions(self.lab, host)
        )
        self.assertEqual([], [uuid for uuid in uuids if uuid in defined])

    def console_of(self, uuid):
        """The console as Nova shows it."""
        body: dict[str, Any] = {'os-getConsoleOutput': {}}
        return self.cloud.nova('POST', f'/servers/{uuid}/action', body)[
            'output'
        ]
