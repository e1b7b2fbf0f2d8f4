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

"""hass-api with 10,000 instances, an engine with 1,000 agents."""

import json
import os
import pathlib
import secrets
import subprocess
import time
import uuid

from hass import secrets as keyrings
from hass.tests.openstack import lab as labs
from tools.bench import rows
from tools.minicloud import faults
from tools.minicloud import hass_services
from tools.minicloud.lab import address
from tools.minicloud.lab import Lab
from tools.minicloud import processes

HERE = pathlib.Path(__file__).parent
INSTANCES = 10_000
AGENTS = 1_000
API_SECONDS = 10
CLIENTS = 4
AGENT_SECONDS = 30
# The first beats of all hosts, and the engine's look at its new hosts.
WARM_SECONDS = 10


def api(cloud: labs.Cloud) -> dict[str, float]:
    """Requests a second, and the slowest hundredth, of list and show."""
    hass = rows.Rows(cloud.lab, 'hass')
    (cluster,) = hass.ask('SELECT id FROM clusters LIMIT 1')[0]
    made = [str(uuid.uuid4()) for _ in range(INSTANCES)]
    hass.put(
        'INSERT INTO instances (uuid, name, project_id, cluster_id, '
        'created_at) VALUES (%s, %s, %s, %s, UTC_TIMESTAMP(6))',
        [(one, f'bench-{one}', 'bench', cluster) for one in made],
    )
    try:
        listed = _load(cloud, '/v1/instances')
        shown = _load(cloud, f'/v1/instances/{made[INSTANCES // 2]}')
    finally:
        hass.ask("DELETE FROM instances WHERE project_id = 'bench'")
        hass.close()
    return {
        'list_rps': listed['rps'],
        'list_p99_ms': listed['p99_ms'],
        'show_rps': shown['rps'],
        'show_p99_ms': shown['p99_ms'],
    }


def _load(cloud: labs.Cloud, path: str) -> dict[str, float]:
    argv: list[processes.Argument] = [hass_services.program('python')]
    argv += [HERE / 'api_load.py', path, str(API_SECONDS), str(CLIENTS)]
    said = processes.run(
        processes.inside('controller', argv), stdin=cloud.token()
    )
    figures: dict[str, float] = json.loads(said)
    return figures


def agents(cloud: labs.Cloud) -> dict[str, float]:
    """What a thousand beating agents cost one engine."""
    lab = cloud.lab
    faults.engine_stop_signal(lab, 2)
    hass = rows.Rows(lab, 'hass')
    try:
        keys = _add_hosts(lab, hass)
        return _beat(lab, keys)
    finally:
        processes.stop(lab, 'hass-engine1')
        hass.ask("DELETE FROM hosts WHERE name LIKE 'bench-%%'")
        hass.ask("DELETE FROM clusters WHERE name = 'bench'")
        hass.close()
        hass_services.start_engine(lab, 'engine1')
        faults.engine_cont(lab, 2)


def _add_hosts(lab: Lab, hass: rows.Rows) -> pathlib.Path:
    """Hosts of a cluster that is only observed; where their keys are."""
    ring = keyrings.Keyring(lab.etc / 'hass' / 'keyring')
    keys = {f'bench-{n}': secrets.token_hex(16) for n in range(AGENTS)}
    hass.ask(
        'INSERT INTO clusters (uuid, name, mode, layers, shared_storage, '
        "targets, created_at) VALUES (UUID(), 'bench', 'observe', '[]', 0, "
        "'cluster', UTC_TIMESTAMP(6))"
    )
    ((cluster,),) = hass.ask("SELECT id FROM clusters WHERE name = 'bench'")
    hass.put(
        'INSERT INTO hosts (uuid, cluster_id, name, labels, addresses, '
        'bmc_port, fence_state, fence_why, agent_key, created_at) VALUES '
        "(UUID(), %s, %s, '{}', '{}', 623, 'untested', '', %s, "
        'UTC_TIMESTAMP(6))',
        [(cluster, name, ring.encrypt(key)) for name, key in keys.items()],
    )
    path = lab.run / 'bench-keys.json'
    path.touch(0o600)
    path.write_text(json.dumps(keys))
    return path


def _beat(lab: Lab, keys: pathlib.Path) -> dict[str, float]:
    engine = processes.pid_of(lab, 'hass-engine1')
    assert engine is not None
    to = f'{address("engine1")}:{hass_services.BEAT_PORT}'
    argv: list[processes.Argument] = [hass_services.program('python')]
    argv += ['-m', 'tools.bench.agents', '--agents', str(AGENTS)]
    argv += ['--engine', to, '--keys', keys]
    argv += ['--seconds', str(WARM_SECONDS + AGENT_SECONDS + 5)]
    beating = subprocess.Popen(
        processes.inside('controller', argv), stdout=subprocess.DEVNULL
    )
    try:
        time.sleep(WARM_SECONDS)
        spent, lost = _cpu_seconds(engine), _dropped(engine)
        began = time.monotonic()
        time.sleep(AGENT_SECONDS)
        share = (_cpu_seconds(engine) - spent) / (time.monotonic() - began)
        return {
            'cpu_share': round(share, 3),
            'rss_mb': round(_rss_mb(engine), 1),
            'beats_lost': _dropped(engine) - lost,
        }
    finally:
        beating.terminate()
        beating.wait()


def _cpu_seconds(pid: int) -> float:
    """Of the process and the children that it waited for."""
    text = pathlib.Path(f'/proc/{pid}/stat').read_text()
    fields = text.rpartition(')')[2].split()
    return sum(map(int, fields[11:15])) / os.sysconf('SC_CLK_TCK')


def _rss_mb(pid: int) -> float:
    for line in open(f'/proc/{pid}/status'):
        if line.startswith('VmRSS:'):
            return int(line.split()[1]) / 1024
    return 0.0


def _dropped(pid: int) -> int:
    """Datagrams that came and found no room."""
    lines = pathlib.Path(f'/proc/{pid}/net/udp').read_text().splitlines()
    return sum(int(line.split()[12]) for line in lines[1:])
