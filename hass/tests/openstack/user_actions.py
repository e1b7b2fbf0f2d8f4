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

"""Users of the real Nova: each deed waits until it has settled."""

from collections.abc import Callable
from collections.abc import Sequence
import dataclasses
from typing import Any

from keystoneauth1 import exceptions

from hass.tests.user_actions import Kind

Virsh = Callable[[str, str, str], None]


class Unsettled(AssertionError):
    """Nova did not do what its user asked for."""


@dataclasses.dataclass(frozen=True, slots=True)
class Place:
    """Where users are at work.

    :ivar nova: calls Nova: method, path, body
    :ivar image: what servers are built from
    :ivar flavors: two that a server may be resized between
    :ivar wait_for: as a test case has it
    :ivar create: makes a server of a name on a host, ACTIVE and protected,
        and tells its uuid
    :ivar virsh: runs an operator's command, on a host, for a server
    """

    nova: Callable[..., Any]
    image: str
    flavors: tuple[str, str]
    wait_for: Callable[..., Any]
    create: Callable[[str, str], str]
    virsh: Virsh


class Users:
    """Does to servers what their users may do.

    :ivar deleted: servers that are no more
    """

    def __init__(self, place: Place) -> None:
        self._place = place
        self.deleted: list[str] = []

    def do(self, kind: Kind, server: str) -> str:
        """Do it, and take it back.

        :returns: the server that is there afterwards, ACTIVE
        :raises Unsettled: it did not come to be, within 90 s each
        """
        match kind:
            case Kind.DELETE:
                return self._replace(server)
            case Kind.LIVE_MIGRATE:
                self._live_migrate(server)
            case Kind.VIRSH:
                self._virsh(server)
            case Kind.LOCK:
                self._act(server, {'lock': {'locked_reason': 'mine'}}, '')
                self._in_turn(server, _PAIRS[Kind.STOP])
                self._act(server, {'unlock': None}, '')
            case Kind.RESIZE | Kind.REVERT:
                back = 'confirmResize' if kind is Kind.RESIZE else None
                self._resize(server, back or 'revertResize')
            case Kind.REBUILD:
                body = {'rebuild': {'imageRef': self._place.image}}
                self._act(server, body, 'ACTIVE')
            case _:
                self._in_turn(server, _PAIRS[kind])
        return server

    def show(self, server: str) -> dict[str, Any]:
        """The server as Nova shows it."""
        found = self._place.nova('GET', f'/servers/{server}')
        return dict(found['server'])

    def host(self, server: str) -> str:
        return str(self.show(server)['OS-EXT-SRV-ATTR:host'])

    def _in_turn(
        self, server: str, deeds: Sequence[tuple[dict[str, Any], str]]
    ) -> None:
        for body, status in deeds:
            self._act(server, body, status)

    def _act(self, server: str, body: dict[str, Any], status: str) -> None:
        """Ask, and wait for Nova's status; '' does not wait."""
        self._place.nova('POST', f'/servers/{server}/action', body)
        if status:
            self._settle(server, status, next(iter(body)))

    def _settle(self, server: str, status: str, deed: str) -> None:
        # Nova sets the task before it answers, or leaves the status alone.
        def settled() -> bool:
            shown = self.show(server)
            if shown['status'] == 'ERROR' and not shown[_TASK]:
                fault = shown.get('fault', {}).get('message')
                raise Unsettled(f'{deed} of {server} ended in ERROR: {fault}')
            return shown['status'] == status and not shown[_TASK]

        self._place.wait_for(
            settled,
            every=0.2,
            why=f'{deed} of {server} to make it {status}',
        )

    def _replace(self, server: str) -> str:
        shown = self.show(server)
        self._place.nova('DELETE', f'/servers/{server}')
        self._place.wait_for(
            lambda: self._is_gone(server),
            every=0.2,
            why=f'{server} to be deleted',
        )
        self.deleted.append(server)
        host = shown['OS-EXT-SRV-ATTR:host']
        return self._place.create(shown['name'], host)

    def _is_gone(self, server: str) -> bool:
        try:
            self.show(server)
        except exceptions.NotFound:
            return True
        return False

    def _resize(self, server: str, then: str) -> None:
        one, other = self._place.flavors
        now = self.show(server)['flavor']['original_name']
        wanted = other if now == one else one
        flavors = self._place.nova('GET', '/flavors')['flavors']
        ref = next(each['id'] for each in flavors if each['name'] == wanted)
        self._in_turn(
            server,
            (
                ({'resize': {'flavorRef': ref}}, 'VERIFY_RESIZE'),
                ({then: None}, 'ACTIVE'),
            ),
        )

    def _live_migrate(self, server: str) -> None:
        before = self.host(server)
        body = {'os-migrateLive': {'host': None, 'block_migration': 'auto'}}
        self._act(server, body, 'ACTIVE')
        if self.host(server) == before:
            raise Unsettled(f'{server} was not live-migrated')

    def _virsh(self, server: str) -> None:
        host = self.host(server)
        for word in ('destroy', 'start'):
            self._place.virsh(host, word, server)
        self._settle(server, 'ACTIVE', 'virsh start')


_TASK = 'OS-EXT-STS:task_state'
_PAIRS: dict[Kind, tuple[tuple[dict[str, Any], str], ...]] = {
    Kind.STOP: (
        ({'os-stop': None}, 'SHUTOFF'),
        ({'os-start': None}, 'ACTIVE'),
    ),
    Kind.HARD_REBOOT: (({'reboot': {'type': 'HARD'}}, 'ACTIVE'),),
    Kind.SOFT_REBOOT: (({'reboot': {'type': 'SOFT'}}, 'ACTIVE'),),
    Kind.MIGRATE: (
        ({'migrate': None}, 'VERIFY_RESIZE'),
        ({'confirmResize': None}, 'ACTIVE'),
    ),
    Kind.PAUSE: (({'pause': None}, 'PAUSED'), ({'unpause': None}, 'ACTIVE')),
    Kind.SUSPEND: (
        ({'suspend': None}, 'SUSPENDED'),
        ({'resume': None}, 'ACTIVE'),
    ),
    Kind.SHELVE: (
        ({'shelve': None}, 'SHELVED_OFFLOADED'),
        ({'unshelve': None}, 'ACTIVE'),
    ),
    Kind.RESCUE: (
        ({'rescue': {}}, 'RESCUE'),
        ({'unrescue': None}, 'ACTIVE'),
    ),
}
