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

"""The hosts as the database has them, kept in memory for seconds."""

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
import contextlib
import ipaddress

from hass import bmc
from hass.bmc import identity
from hass import clock as clock_
from hass.db import fences
from hass.db import hosts
from hass.db import models
from hass.db import session as db_session
from hass.detection import base as detection
from hass.recovery import outside
from hass import secrets

REFRESH_SECONDS = 2.0


def _nobody(rows: Sequence[models.Host], at: float) -> None:
    """Nobody else wants to know."""


class Inventory:
    """What an engine must know of each host many times a second.

    :param known: BMCs that a file names; what the API was told goes before
    :param then: takes the rows, and when they were read: CLOCK_BOOTTIME
    """

    def __init__(
        self,
        database: db_session.Database,
        keyring: secrets.Keyring,
        clock: clock_.Clock,
        known: Mapping[str, bmc.Address],
        then: Callable[[Sequence[models.Host], float], object] = _nobody,
    ) -> None:
        self._database = database
        self._keyring = keyring
        self._clock = clock
        self._known = known
        self._then = then
        self._hosts: dict[str, models.Host] = {}
        self._places: Mapping[str, str] = {}
        self._read_at: float | None = None

    def refresh(self) -> None:
        """Read the rows again if they are older than two seconds."""
        now = self._clock.monotonic()
        if self._read_at is None or now - self._read_at >= REFRESH_SECONDS:
            with self._database.reader() as session:
                found = hosts.all(session)
            self._hosts = {host.name: host for host in found}
            self._places = _places(found)
            self._read_at = now
            self._then(found, now)

    def host(self, name: str) -> models.Host | None:
        return self._hosts.get(name)

    def hosts(self) -> list[models.Host]:
        return list(self._hosts.values())

    def host_at(self, address: str) -> str | None:
        """The name of the one host that has this IP address."""
        return self._places.get(address)

    def excused(self) -> dict[str, bool]:
        """Each host, and whether it may well be silent.

        Its agent never reported yet, or was stopped on purpose.
        """
        return {
            name: host.reported_at is None or host.planned_until is not None
            for name, host in self._hosts.items()
        }

    def subject(self, host: models.Host) -> detection.Subject:
        """The host as detectors know it."""
        return outside.subject_of(host, self.address_of(host))

    def place_of(self, host: models.Host) -> str | None:
        """Where the host's BMC is, as one text for each place."""
        if host.bmc_address:
            return fences.place_in_row(host)
        return identity.place_of(self._known.get(host.name))

    def address_of(self, host: models.Host) -> bmc.Address | None:
        """Where the host's BMC is, with its password."""
        if not host.bmc_address:
            return self._known.get(host.name)
        password = ''
        if host.bmc_password:
            password = self._keyring.decrypt(
                host.bmc_password, f'BMC password of {host.name}'
            )
        return bmc.Address(
            host.bmc_address, host.bmc_port, host.bmc_username or '', password
        )


def _places(found: Iterable[models.Host]) -> dict[str, str]:
    """Address to host; what two hosts say they have stands for neither."""
    places: dict[str, set[str]] = {}
    for host in found:
        for text in host.networks.values():
            with contextlib.suppress(ValueError):
                address = str(ipaddress.ip_address(text))
                places.setdefault(address, set()).add(host.name)
    return {
        address: names.pop()
        for address, names in places.items()
        if len(names) == 1
    }
