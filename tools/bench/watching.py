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

"""What a hass-agent costs that watches many real guests.

``python -m tools.bench.watching`` boots them, QEMU's agent inside and each
with a device of its own, on one libvirtd; waits until the looks of all are
healthy; and reads what the agent and its children have used since. Processor
time counts, not what a loaded machine made of it.
"""

import argparse
from collections.abc import Callable
import json
import pathlib
import subprocess
import sys
import tempfile
import time

import fixtures
import psutil

from hass.agent.guests import namespaces
from hass.db import instance_observations
from hass.detection import libvirt_keepalive
from hass import faults
from hass.tests.functional.agent import libvirt_host
from hass.tests.functional.agent import tiny_guest
from hass.tests.functional import debian_libvirt
from hass.tests.functional.rpc import ears
from hass.tests.functional import servers

PROGRAM = pathlib.Path(sys.executable).with_name('hass-agent')
BOOT_SECONDS = 120
SEEN_SECONDS = 600
# All but these are as installed; /dev/ipmi0 and D-Bus are not here.
CONFIG = """
[DEFAULT]
transport_url = {url}
[agent]
host = {host}
key_file = {folder}/key
engines = {engines}
beat_networks = {networks}
guests = libvirt
guests_uri = {uri}
instances_path = {folder}
nova_conf = {folder}/nova.conf
system_uuid_file = {folder}/system_uuid
"""


def measure(count: int, seconds: float) -> dict[str, float]:
    """Watch so many guests for so long."""
    debian_libvirt.borrow()
    host = libvirt_host.LibvirtHost(libvirt_keepalive.start_events())
    try:
        host.run_inside('ip', 'link', 'set', 'lo', 'up')
        # The agent and its broker are where the guests' devices are.
        with (
            namespaces.within(host.network),
            ears.Ears(servers.rabbitmq().url()) as engine,
            tempfile.TemporaryDirectory() as folder,
        ):
            for number in range(1, count + 1):
                _boot(host, number)
                _say(f'{number} guests of {count} have booted ')
            with fixtures.EnvironmentVariable(
                'PYTHONPATH', debian_libvirt.link(folder)
            ):
                agent = subprocess.Popen(_command(folder, host, engine))
            try:
                _await(lambda: _well(engine) == count, SEEN_SECONDS)
                return _use(agent.pid, seconds) | {'healthy': _well(engine)}
            finally:
                agent.terminate()
                agent.wait()
    finally:
        host.kill()


def _boot(host: libvirt_host.LibvirtHost, number: int) -> None:
    name = f'guest-{number}'
    wire = tiny_guest.Wire(
        port=f'{number:08x}-0000-4000-8000-000000000000',
        mac=f'fa:16:3e:00:00:{number:02x}',
        address=f'10.0.0.{number}',
    )
    host.wire(wire)
    host.boot(name, wire=wire, agent=True)
    _await(lambda: host.is_up(name), BOOT_SECONDS)


def _command(
    folder: str, host: libvirt_host.LibvirtHost, engine: ears.Ears
) -> list[str]:
    texts = {
        'key': ears.KEY,
        'system_uuid': 'ABC',
        'nova.conf': '[DEFAULT]\n',
        'hass.conf': CONFIG.format(
            url=engine.conf.transport_url,
            host=ears.HOST,
            folder=folder,
            engines=','.join(engine.engines()),
            networks=','.join(f'{n}={a}' for n, a in ears.NETWORKS.items()),
            uri=host.uri,
        ),
    }
    for name, text in texts.items():
        path = pathlib.Path(folder, name)
        path.write_text(text)
        path.chmod(0o600)
    return [str(PROGRAM), '--config-file', f'{folder}/hass.conf']


def _well(engine: ears.Ears) -> int:
    """How many guests answer their agent and on their network."""
    with engine.database.reader() as session:
        told = instance_observations.counts(session, ears.HOST)
    return min(
        told.get(layer, {}).get(faults.Verdict.HEALTHY, 0)
        for layer in (faults.Layer.GUEST_OS, faults.Layer.GUEST_NETWORK)
    )


def _use(pid: int, seconds: float) -> dict[str, float]:
    agent = psutil.Process(pid)
    family = [agent, *agent.children(recursive=True)]
    before, began = _spent(family), time.monotonic()
    time.sleep(seconds)
    share = (_spent(family) - before) / (time.monotonic() - began)
    memory = sum(each.memory_full_info().pss for each in family)
    return {
        'core_percent': round(100 * share, 2),
        'memory_mb': round(memory / 1e6, 1),
    }


def _spent(family: list[psutil.Process]) -> float:
    return sum(sum(each.cpu_times()[:2]) for each in family)


def _await(true: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            raise SystemExit(f'not within {seconds} s')
        time.sleep(0.1)


def _say(text: str) -> None:
    print(f'\r{text}', end='', file=sys.stderr, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--guests', type=int, default=100)
    parser.add_argument('--seconds', type=float, default=60.0)
    wanted = parser.parse_args()
    print(json.dumps(measure(wanted.guests, wanted.seconds)))


if __name__ == '__main__':
    main()
