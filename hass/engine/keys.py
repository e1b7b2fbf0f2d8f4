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

from collections.abc import Sequence
import logging
import threading
from typing import Protocol

from hass import clock as clocks
from hass.db import hosts
from hass.db import session as db
from hass import exception

LOG = logging.getLogger(__name__)

OVERLAP_SECONDS = 86400.0
REFRESH_SECONDS = 1.0


class Decipherer(Protocol):
    """What opens an encrypted column; secrets.Keyring is one."""

    def decrypt(self, secret: str, what: str) -> str: ...


class AgentKeys:
    """Answers at once, from what the last refresh() read.

    :param overlap_seconds: how long a key counts after a newer one was
        issued
    """

    def __init__(
        self,
        database: db.Database,
        keyring: Decipherer,
        clock: clocks.Clock,
        overlap_seconds: float = OVERLAP_SECONDS,
    ) -> None:
        self._database = database
        self._keyring = keyring
        self._clock = clock
        self._overlap_seconds = overlap_seconds
        self._keys: dict[str, Sequence[bytes]] = {}
        self._opened: dict[str, bytes] = {}
        self._lock = threading.Lock()
        self._read_at = float('-inf')

    def __call__(self, host: str) -> Sequence[bytes]:
        """The keys of a host, the newest first; none: not a host of ours."""
        return self._keys.get(host, ())

    def refresh(self) -> None:
        """Read the keys, unless that was done a second ago."""
        with self._lock:
            now = self._clock.monotonic()
            if now - self._read_at < REFRESH_SECONDS:
                return
            rows = self._database.read(hosts.agent_keys, self._overlap_seconds)
            opened: dict[str, bytes] = {}
            self._keys = {
                host: self._open(host, secrets, opened)
                for host, secrets in rows.items()
            }
            self._opened = opened
            self._read_at = now

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
