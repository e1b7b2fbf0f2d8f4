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

"""Pinging many hosts, and reading the power of many BMCs, on loopback."""

from collections.abc import Callable
from concurrent import futures
import multiprocessing
from multiprocessing import connection
import resource
import time
import uuid

from oslo_config import cfg

from hass import bmc
from hass import clock as clocks
from hass import conf as options
from hass.detection import base
from hass.detection import network_icmp
from hass.detection import pings
from hass.simulation import bmc as simulation

HOSTS = 1_000
BMCS = 200
ASKERS = 16
ROUNDS = 5
USER, PASSWORD = 'bench', 'bench'


def measure() -> dict[str, dict[str, float]]:
    """Seconds of wall and of this process's CPU; the slowest of a few."""
    return {
        f'ICMP to {HOSTS} hosts': _worst(_pings()),
        f'power of {BMCS} BMCs': _worst(_powers()),
    }


def _pings() -> list[tuple[float, float]]:
    conf, clock = _conf(), clocks.SystemClock()
    options = conf.detection
    pinger = pings.Pinger(options.icmp_seconds, options.icmp_count, clock)
    detector = network_icmp.NetworkIcmp(base.Tools(conf, clock, pinger=pinger))
    subjects = [
        base.Subject(
            f'host-{n}',
            networks={'loopback': f'127.9.{n // 250}.{n % 250 + 1}'},
        )
        for n in range(HOSTS)
    ]

    def look() -> None:
        found = detector.probe_many(subjects)
        assert all(one.verdict == 'healthy' for (one,) in found.values())

    return [_timed(look) for _ in range(ROUNDS)]


def _powers() -> list[tuple[float, float]]:
    ours, theirs = multiprocessing.Pipe()
    bmcs = multiprocessing.Process(target=_serve, args=(theirs,), daemon=True)
    bmcs.start()
    addresses = [
        bmc.Address('127.0.0.1', port, USER, PASSWORD) for port in ours.recv()
    ]
    conf = _conf().bmc
    door = bmc.Bmc(
        clocks.SystemClock(),
        call_seconds=conf.call_seconds,
        workers=conf.workers,
    )

    def look() -> None:
        with futures.ThreadPoolExecutor(ASKERS) as pool:
            states = list(pool.map(door.power, addresses))
        assert set(states) == {bmc.PowerState.ON}

    try:
        return [_timed(look) for _ in range(ROUNDS)]
    finally:
        door.close()
        ours.send(None)
        bmcs.join()


def _serve(asked: connection.Connection) -> None:
    """So many BMCs, until told to end; their ports are sent first."""
    clock = clocks.SystemClock()
    made = [
        simulation.Responder(
            simulation.Chassis(clock, uuid.uuid4()), clock, USER, PASSWORD
        )
        for _ in range(BMCS)
    ]
    for one in made:
        one.start()
    asked.send([one.port for one in made])
    asked.recv()


def _timed(look: Callable[[], None]) -> tuple[float, float]:
    before = _cpu()
    began = time.monotonic()
    look()
    return time.monotonic() - began, _cpu() - before


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _worst(rounds: list[tuple[float, float]]) -> dict[str, float]:
    return {
        'wall_s': round(max(wall for wall, _cpu in rounds), 2),
        'cpu_s': round(max(cpu for _wall, cpu in rounds), 2),
    }


def _conf() -> cfg.ConfigOpts:
    conf = cfg.ConfigOpts()
    options.register(conf)
    conf([])
    return conf
