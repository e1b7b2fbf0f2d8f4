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


"""Tries the fences of hosts without touching their power."""

from collections.abc import Callable
from collections.abc import Iterable
from concurrent import futures
import datetime

from hass import bmc
from hass.bmc import identity
from hass import clock as clock_
from hass.db import hosts
from hass.db import models
from hass.db import session as db_session
from hass import exception
from hass.fencing import base as fencing

AddressOf = Callable[[models.Host], bmc.Address | None]
Outcome = dict[str, str | None]
TESTS = 2
"""Tries within [fencing] test_seconds: one may find the BMC busy."""


class Fences:
    """Reads power and identity of hosts' BMCs, in one session each."""

    def __init__(
        self,
        database: db_session.Database,
        fencer: fencing.Fencer,
        address_of: AddressOf,
        clock: clock_.Clock,
    ) -> None:
        self._database = database
        self._fencer = fencer
        self._address_of = address_of
        self._clock = clock

    def test(self, name: str) -> Outcome:
        """Try a host's fence and write down what came of it.

        :returns: state (working, broken or lying), why, guid and
            power_restore_policy
        """
        seconds = address = mac = None
        try:
            with self._database.reader() as session:
                host = hosts.get(session, name)
            address = self._address_of(host)
            began = self._clock.monotonic()
            target = fencing.Target(host.name, address, host.boot_id)
            reading = self._fencer.read(target)
            seconds = self._clock.monotonic() - began
            mac = reading.mac
            outcome = _judge(host, reading)
        except exception.NotFound as error:
            return _broken(str(error))
        except exception.HassError as error:
            outcome = _broken(str(error))
        with self._database.writer() as session:
            hosts.set_fence(
                session,
                name,
                models.FenceState(outcome['state'] or ''),
                outcome['why'] or '',
                outcome['guid'],
                outcome['power_restore_policy'],
                place=identity.place_of(address),
                mac=mac,
                seconds=seconds,
            )
        return outcome


class Trials:
    """Has the fences of an engine's hosts tried again and again.

    One that did not answer, or that belongs to another host, is tried again
    in each round: it may be mended. A device that was caught lying is left
    to an operator, who knows why it lied.

    :param test: Fences.test
    :param seconds: how old the last answer of a fence may be
    :param pause: seconds between two tries of one fence
    """

    def __init__(
        self,
        test: Callable[[str], object],
        address_of: AddressOf,
        clock: clock_.Clock,
        seconds: float,
        pause: float,
    ) -> None:
        self._test = test
        self._address_of = address_of
        self._clock = clock
        self._fresh = datetime.timedelta(seconds=seconds / TESTS)
        self._pause = pause
        self._tried: dict[str, tuple[float, futures.Future[object]]] = {}

    def turn(
        self,
        found: Iterable[models.Host],
        now: datetime.datetime,
        lane: futures.Executor,
    ) -> None:
        """Start the tries that are due."""
        for host in found:
            if self._may(host.name) and self._is_due(host, now):
                self._tried[host.name] = (
                    self._clock.monotonic(),
                    lane.submit(self._test, host.name),
                )

    def _may(self, name: str) -> bool:
        if name not in self._tried:
            return True
        at, running = self._tried[name]
        paused = self._clock.monotonic() - at >= self._pause
        return paused and running.done()

    def _is_due(self, host: models.Host, now: datetime.datetime) -> bool:
        if host.fence_state is models.FenceState.LYING:
            return False
        if host.fence_state is not models.FenceState.WORKING:
            return True
        if host.fence_tested_at is None:
            return True
        if hosts.is_another_bmc(
            host, identity.place_of(self._address_of(host))
        ):
            return True
        return now - host.fence_tested_at > self._fresh


class Sensors:
    """Reads the sensors of hosts' BMCs."""

    def __init__(self, bmcs: bmc.Bmc, address_of: AddressOf) -> None:
        self._bmcs = bmcs
        self._address_of = address_of

    def ailing(self, host: models.Host) -> list[str]:
        """Names of the sensors that do not read healthy."""
        address = self._address_of(host)
        if address is None:
            return []
        return [
            reading.name
            for reading in self._bmcs.sensors(address)
            if reading.health not in {'ok', 'unknown'}
        ]


def _judge(host: models.Host, reading: fencing.Reading) -> Outcome:
    guid = None if reading.guid is None else str(reading.guid)
    outcome: Outcome = {
        'state': 'working',
        'why': f'the BMC reads power {reading.power}',
        'guid': guid,
        'power_restore_policy': reading.power_restore_policy,
    }
    if reading.power is fencing.PowerState.UNKNOWN:
        return outcome | {
            'state': 'broken',
            'why': 'the BMC does not tell the power state',
        }
    lying = host.fence_state is models.FenceState.LYING
    if lying and reading.power is fencing.PowerState.OFF:
        return outcome | {
            'state': models.FenceState.LYING,
            'why': host.fence_why,
        }
    if host.system_uuid and guid and not bmc.same_guid(guid, host.system_uuid):
        return outcome | {
            'state': 'broken',
            'why': f'the BMC is the one of system {guid}, the host says '
            f'that it is {host.system_uuid}',
        }
    return outcome


def _broken(why: str) -> Outcome:
    return {
        'state': 'broken',
        'why': why,
        'guid': None,
        'power_restore_policy': None,
    }
