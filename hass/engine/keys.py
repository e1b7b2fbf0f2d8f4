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

"""The keys that agents may sign with, in memory and deciphered."""

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
import logging
import threading
from typing import Protocol

from hass import clock as clocks
from hass.db import hosts
from hass.db import models
from hass.db import session as db
from hass import exception

LOG = logging.getLogger(__name__)

REFRESH_SECONDS = 1.0


class Decipherer(Protocol):
    """What opens an encrypted column; secrets.Keyring is one."""

    def decrypt(self, secret: str, what: str) -> str: ...


class AgentKeys:
    """Answers at once, from what was read last.

    A key that an agent has used counts until it uses the newest one.

    :ivar _unused: the newest key, deciphered and as it is stored, of each
        host that has another one besides
    :ivar _used: such keys that agents have used and that are not written yet
    """

    def __init__(
        self,
        database: db.Database,
        keyring: Decipherer,
        clock: clocks.Clock,
    ) -> None:
        self._database = database
        self._keyring = keyring
        self._clock = clock
        self._keys: dict[str, Sequence[bytes]] = {}
        self._opened: dict[str, bytes] = {}
        self._unused: dict[str, tuple[bytes, str]] = {}
        self._used: dict[str, str] = {}
        self._lock = threading.Lock()
        self._read_at = float('-inf')

    def __call__(self, host: str) -> Sequence[bytes]:
        """The keys of a host, the newest first; none: not a host of ours."""
        return self._keys.get(host, ())

    def note_use(self, host: str, is_signed: Callable[[bytes], bool]) -> None:
        """A message of the host's agent is believed.

        :param is_signed: whether a key has signed it
        """
        key, secret = self._unused.get(host, (b'', ''))
        if key and is_signed(key):
            self._used[host] = secret

    def refresh(self) -> None:
        """Write which keys were used and read those that count.

        It does nothing when that was done a second ago.
        """
        with self._lock:
            if self._clock.monotonic() - self._read_at >= REFRESH_SECONDS:
                self._read()

    def take(self, rows: Iterable[models.Host], at: float) -> None:
        """The same, with rows of all hosts that somebody has read.

        :param at: right before they were read: CLOCK_BOOTTIME, in seconds
        """
        with self._lock:
            if self._used:
                self._read()
            elif at >= self._read_at:
                self._keep({row.name: _keys_of(row) for row in rows}, at)

    def _read(self) -> None:
        at = self._clock.monotonic()
        used, self._used = self._used, {}
        if used:
            self._database.write(hosts.end_overlaps, dict(used))
        self._keep(self._database.read(hosts.agent_keys), at)

    def _keep(self, rows: Mapping[str, list[str]], at: float) -> None:
        opened: dict[str, bytes] = {}
        self._keys = {
            host: self._open(host, secrets, opened)
            for host, secrets in rows.items()
        }
        self._opened = opened
        self._unused = {
            host: (opened[secrets[0]], secrets[0])
            for host, secrets in rows.items()
            if len(secrets) > 1 and secrets[0] in opened
        }
        self._read_at = at

    def _open(
        self, host: str, secrets: list[str], opened: dict[str, bytes]
    ) -> Sequence[bytes]:
        """Decipher what is new since the last time."""
        for secret in secrets:
            try:
                opened[secret] = (
                    self._opened.get(secret)
                    or self._keyring.decrypt(
                        secret, f'agent key of {host}'
                    ).encode()
                )
            except exception.SecretUnreadable as error:
                LOG.error('%s', error)
        return tuple(opened[secret] for secret in secrets if secret in opened)


def _keys_of(row: models.Host) -> list[str]:
    both = row.agent_key, row.agent_key_previous
    return [key for key in both if key is not None]
