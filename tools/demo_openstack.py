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

"""The main job on a real OpenStack: make demo-openstack.

One compute host loses its power; its instances come back elsewhere and
the host comes back into service. The exit code is 0 only if the oracle,
which knows what ran where, finds nothing to complain about.
"""

import argparse
from collections.abc import Container
import sys
import time

from hass.tests.openstack import lab as labs
from hass_oracle import checker
from hass_oracle import ledger
from tools.minicloud import faults
from tools.minicloud import lab as minicloud
from tools.minicloud import lifecycle
from tools.minicloud import openstack

LIMIT_SECONDS = 240
SERVERS = ['server', 'list', '--all-projects', '-c', 'Name', '-c', 'Status']
SERVERS += ['-c', 'Host', '--long', '--sort-column', 'Name']
SERVICES = ['compute', 'service', 'list', '--service', 'nova-compute']
SERVICES += ['--long', '-c', 'Host', '-c', 'Status', '-c', 'State']
SERVICES += ['-c', 'Forced Down', '-c', 'Disabled Reason']


def shell(cloud: labs.Cloud, argv: list[str]) -> None:
    """Run the openstack client, and show how."""
    print(f'\n$ openstack {" ".join(argv)}', flush=True)
    if code := openstack.command(cloud.lab, argv):
        raise minicloud.LabError(f'openstack exited {code}')


def recoveries(cloud: labs.Cloud, host: str) -> dict[str, str]:
    """The state of each recovery of the host, oldest first."""
    listed = cloud.hass('GET', f'/v1/recoveries?host={host}')['recoveries']
    return {one['uuid']: one['state'] for one in reversed(listed)}


def follow(
    cloud: labs.Cloud, host: str, began: float, before: Container[str]
) -> bool:
    """Print the history as it grows; whether the host came back.

    :param before: recoveries from before the fault, which tell nothing of it
    """
    url = f'{minicloud.url("hass-api")}/v1/recoveries?host={host}'
    print(f'\n$ curl -H "X-Auth-Token: …" {url}   (again and again)')
    shown: dict[str, int] = {}
    end = began + LIMIT_SECONDS
    while ledger.boottime() < end:
        for uuid, state in recoveries(cloud, host).items():
            if uuid not in before:
                tell(cloud, uuid, shown, began)
                if state == 'returned':
                    return True
        time.sleep(0.1)
    return False


def tell(
    cloud: labs.Cloud, uuid: str, shown: dict[str, int], began: float
) -> None:
    """Print those lines of a recovery that were not printed before."""
    history = cloud.hass('GET', f'/v1/recoveries/{uuid}')['history']
    for line in history[shown.get(uuid, 0) :]:
        print(
            f'{ledger.boottime() - began:6.1f} s  {line["from"] or "":>14} → '
            f'{line["to"]:14} {line["engine"]}: {line["why"]}',
            flush=True,
        )
    shown[uuid] = len(history)


def judge(cloud: labs.Cloud, host: str, began: float) -> bool:
    """Ask the oracle, and say what it says."""
    expected = {server.uuid for server in cloud.servers()}
    events = ledger.read(cloud.lab.ledger)
    result = checker.check(events, expected, cloud.hosts)
    print('\nThe oracle, by the ledger of drivers and BMCs:')
    for fault in result.faults:
        if fault.host == host and fault.at >= began:
            print(
                f'  {host}: {fault.kind}; off after {_span(fault.off_s)}, '
                f'{fault.evacuations} evacuate calls from '
                f'{_span(fault.first_evacuate_s)} on, all guests started '
                f'after {_span(fault.all_started_s)}, on again after '
                f'{_span(fault.on_s)}'
            )
    print(
        f'  instances that ran twice: {len(result.started_twice)}, evacuated '
        f'before their host was off: {len(result.evacuated_unfenced)}, '
        f'lost: {len(result.lost)} of {len(expected)}'
    )
    print(f'  {"pass" if result.ok else "FAIL"}')
    return result.ok


def _span(seconds: float | None) -> str:
    return 'never' if seconds is None else f'{seconds:.1f} s'


def demo(cloud: labs.Cloud) -> bool:
    """One power cut, from before to after."""
    shell(cloud, SERVERS)
    host = cloud.busiest()
    print(f'\n*** {host} loses its power ***', flush=True)
    before = recoveries(cloud, host)
    began = ledger.boottime()
    faults.power_cut(cloud.lab, host)
    came_back = follow(cloud, host, began, before)
    shell(cloud, SERVERS)
    shell(cloud, SERVICES)
    if not came_back:
        print(f'\n{host} did not come back into service', file=sys.stderr)
    return judge(cloud, host, began) and came_back


def main() -> int:
    """The exit code of make demo-openstack."""
    parser = argparse.ArgumentParser(
        prog='demo-openstack', description=__doc__
    )
    parser.add_argument(
        '--keep', action='store_true', help='leave the cloud up afterwards'
    )
    options = parser.parse_args()
    was_up = minicloud.load().is_up()
    try:
        return 0 if demo(labs.cloud()) else 1
    except minicloud.LabError as error:
        print(f'demo-openstack: {error}', file=sys.stderr)
        return 1
    finally:
        if not (was_up or options.keep):
            lifecycle.down(minicloud.load())


if __name__ == '__main__':
    sys.exit(main())
