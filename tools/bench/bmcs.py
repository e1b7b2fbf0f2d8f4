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

"""Seconds that it takes to read the power of many BMCs at once.

The BMCs are simulated, in a process of their own. The first round logs in,
the others find the sessions warm. Prints JSON.
"""

import argparse
from concurrent import futures
import json
import multiprocessing
from multiprocessing import connection
import time
import uuid

import psutil

from hass import bmc
from hass import clock
from hass.simulation import bmc as simulation

USERNAME, PASSWORD = 'admin', 'secret'


def parse():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--bmcs', type=int, default=200)
    parser.add_argument('--workers', type=int, default=8)
    parser.add_argument('--delay-ms', type=float, default=0.0)
    parser.add_argument('--rounds', type=int, default=3)
    parser.add_argument('--call-seconds', type=float, default=10.0)
    return parser.parse_args()


def serve(
    count: int, delay_seconds: float, told: connection.Connection
) -> None:
    """Answer until the other end says something; tells the ports first."""
    hands = clock.SystemClock()
    responders = []
    for _ in range(count):
        machine = simulation.Chassis(hands, uuid.uuid4())
        one = simulation.Responder(machine, hands, USERNAME, PASSWORD)
        one.delay_seconds = delay_seconds
        one.start()
        responders.append(one)
    told.send([one.port for one in responders])
    told.recv()


def round_seconds(
    bmcs: bmc.Bmc, addresses: list[bmc.Address]
) -> tuple[float, int]:
    """How long all took, and how many answered."""
    began = time.perf_counter()
    with futures.ThreadPoolExecutor(len(addresses)) as threads:
        looks = [threads.submit(bmcs.power, one) for one in addresses]
    answered = sum(look.exception() is None for look in looks)
    return time.perf_counter() - began, answered


def main() -> None:
    asked = parse()
    ours, theirs = multiprocessing.Pipe()
    served = multiprocessing.Process(
        target=serve,
        args=(asked.bmcs, asked.delay_ms / 1000, theirs),
        daemon=True,
    )
    served.start()
    addresses = [
        bmc.Address('127.0.0.1', port, USERNAME, PASSWORD)
        for port in ours.recv()
    ]
    bmcs = bmc.Bmc(
        clock.SystemClock(),
        call_seconds=asked.call_seconds,
        workers=asked.workers,
    )
    rounds = [round_seconds(bmcs, addresses) for _ in range(asked.rounds)]
    workers = [
        one for one in psutil.Process().children() if one.pid != served.pid
    ]
    memory = sum(one.memory_full_info().pss for one in workers)
    cpu = sum(sum(one.cpu_times()[:2]) for one in workers)
    figures = {
        'seconds': [round(seconds, 2) for seconds, _ in rounds],
        'answered': [answered for _, answered in rounds],
        'workers_mb': memory >> 20,
        'workers_cpu_seconds': round(cpu, 2),
    }
    print(json.dumps(figures))
    bmcs.close()
    ours.send('done')
    served.join()


if __name__ == '__main__':
    main()
