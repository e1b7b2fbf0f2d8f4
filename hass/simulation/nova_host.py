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

"""Compute hosts as the simulated Nova sees them."""

import collections
from collections.abc import Mapping
from collections.abc import Set
import threading
from typing import Protocol

from hass import clock as hass_clock
from hass_oracle import ledger as oracle


class SimulatedHost(Protocol):
    """What the simulated Nova asks of a compute host.

    Its implementation writes the ledger: a guest's start or stop, and
    the power's change, each under one lock with the change itself.
    """

    @property
    def name(self) -> str: ...

    @property
    def is_on(self) -> bool: ...

    @property
    def os_running(self) -> bool:
        """Booted, and not hung."""

    @property
    def devices(self) -> Mapping[str, int]:
        """How many it has of each resource class of devices."""

    @property
    def nova_compute_running(self) -> bool:
        """It reports and takes work: not booting, not frozen, not off."""

    @property
    def nova_compute_starts(self) -> int:
        """How often nova-compute was started, 0 for never."""

    @property
    def guests(self) -> Set[str]:
        """UUIDs of the guests that run there at this moment."""

    @property
    def fallen(self) -> Mapping[str, float]:
        """Guests that died by themselves: UUID to CLOCK_BOOTTIME."""

    def start_guest(self, instance: str) -> bool:
        """Start a guest; False when nothing runs, or it does not start."""

    def stop_guest(self, instance: str) -> bool:
        """Stop a guest; False when it does not run here."""

    def remove_guest(self, instance: str) -> bool:
        """Stop a guest and forget its domain; False when nothing runs."""


class Host:
    """A host with a power button, an operating system and guests.

    :param boot_seconds: from power on until nova-compute runs
    :ivar unstartable: UUIDs of guests that do not start here
    :ivar starts: how often each guest was started here
    :ivar halted: guests that stand still because of a fault
    :ivar devices: what nova-compute finds, by resource class
    :ivar leftovers: domains that are listed without a guest, with the
        moment of CLOCK_BOOTTIME until which they are
    """

    def __init__(
        self,
        name: str,
        ledger: oracle.Ledger,
        clock: hass_clock.Clock,
        boot_seconds: float = 0.0,
    ) -> None:
        self.name = name
        self._ledger = ledger
        self._clock = clock
        self._boot_seconds = boot_seconds
        self._lock = threading.RLock()
        self._guests: set[str] = set()
        self._on_since: float | None = None
        self._boots = self._restarts = 0
        self._hung = False
        self._compute_killed = False
        self._fallen: dict[str, float] = {}
        self.unstartable: set[str] = set()
        self.halted: set[str] = set()
        self.devices: dict[str, int] = {}
        self.leftovers: dict[str, float] = {}
        self._defined: set[str] = set()
        self.starts: collections.Counter[str] = collections.Counter()

    @property
    def is_on(self) -> bool:
        return self._on_since is not None

    @property
    def boots(self) -> int:
        """How often the power came on."""
        return self._boots

    @property
    def os_running(self) -> bool:
        """Booted, and not hung: an agent could speak."""
        with self._lock:
            if self._on_since is None or self._hung:
                return False
            up = self._clock.monotonic() - self._on_since
            return up >= self._boot_seconds

    @property
    def nova_compute_running(self) -> bool:
        with self._lock:
            return self.os_running and not self._compute_killed

    @property
    def nova_compute_starts(self) -> int:
        # A hang is no new start: the process goes on where it was.
        return self._boots + self._restarts

    @property
    def guests(self) -> Set[str]:
        with self._lock:
            return frozenset(self._guests)

    @property
    def fallen(self) -> Mapping[str, float]:
        with self._lock:
            return dict(self._fallen)

    @property
    def domains(self) -> Set[str]:
        """What libvirt lists: a domain stays defined while it is off.

        It outlives a power cut, until Nova removes it.
        """
        with self._lock:
            now = self._clock.monotonic()
            stale = {one for one, end in self.leftovers.items() if now < end}
            return frozenset(self._defined | stale)

    def power_on(self) -> None:
        """Come on without any guest. Nothing happens when it is on."""
        with self._lock:
            if self._on_since is None:
                self._ledger.append(oracle.Kind.ON, self.name)
                self._on_since = self._clock.monotonic()
                self._boots += 1
                self._hung = self._compute_killed = False

    def power_off(self) -> None:
        """Cut the power: every guest is gone. Nothing when it is off."""
        with self._lock:
            if self._on_since is not None:
                self._on_since = None
                self._guests.clear()
                self._fallen.clear()
                self.halted.clear()
                self._ledger.append(oracle.Kind.OFF, self.name)

    def hang(self) -> None:
        """Stop answering; the guests run on."""
        with self._lock:
            self._hung = True

    def wake(self) -> None:
        """End a hang: everything goes on where it was."""
        with self._lock:
            self._hung = False

    def kill_nova_compute(self) -> None:
        """Until it is started again, or the next boot."""
        with self._lock:
            self._compute_killed = True

    def start_nova_compute(self) -> None:
        """A new process, whether one ran or not."""
        with self._lock:
            self._compute_killed = False
            self._restarts += 1

    def start_guest(self, instance: str) -> bool:
        with self._lock:
            if not self.os_running or instance in self.unstartable:
                return False
            self._fallen.pop(instance, None)
            if instance not in self._guests:
                self._guests.add(instance)
                self._defined.add(instance)
                self.starts[instance] += 1
                self._ledger.append(oracle.Kind.START, self.name, instance)
            return True

    def stop_guest(self, instance: str) -> bool:
        with self._lock:
            if not self.os_running or instance not in self._guests:
                return False
            self._guests.discard(instance)
            self.halted.discard(instance)
            self._ledger.append(oracle.Kind.STOP, self.name, instance)
            return True

    def remove_guest(self, instance: str) -> bool:
        with self._lock:
            if not self.os_running:
                return False
            self.stop_guest(instance)
            self._fallen.pop(instance, None)
            self._defined.discard(instance)
            return True

    def kill_guest(self, instance: str) -> bool:
        """A guest's process dies, and nobody asked for that."""
        with self._lock:
            stopped = self.stop_guest(instance)
            if stopped:
                self._fallen[instance] = self._clock.monotonic()
            return stopped
