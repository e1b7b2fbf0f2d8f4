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

"""HASS on the cloud: configuration, services, a cluster of all hosts."""

from collections.abc import Callable
from collections.abc import Mapping
import json
import os
import pathlib
import signal

from tools.minicloud import backends
from tools.minicloud import clocks
from tools.minicloud import configs
from tools.minicloud import hosts
from tools.minicloud.lab import address
from tools.minicloud.lab import BMC_USER
from tools.minicloud.lab import CHECKOUT
from tools.minicloud.lab import CONTROLLER
from tools.minicloud.lab import HOST_NETWORKS
from tools.minicloud.lab import Lab
from tools.minicloud.lab import LabError
from tools.minicloud.lab import PORTS
from tools.minicloud.lab import secret
from tools.minicloud.lab import write
from tools.minicloud import openstack
from tools.minicloud import processes

Say = Callable[[str], None]
Options = Mapping[str, Mapping[str, object]]

CLUSTER = 'lab'
BEAT_PORT = 15869
# With real guests: what HASS recovers unasked, and the guests' network.
LAYERS = [
    *('power', 'os', 'network'),
    *('instance', 'guest_os', 'guest_network'),
]
_PAGER = """\
#!/bin/sh
{{ cat; echo; }} >>{alarms}
"""


def venv() -> pathlib.Path:
    """The virtualenv that HASS is installed in: $HASS_VENV or .venv."""
    return pathlib.Path(os.environ.get('HASS_VENV', CHECKOUT / '.venv'))


def program(name: str) -> str:
    """A program of HASS.

    :raises LabError: it is not installed
    """
    path = venv() / 'bin' / name
    if not path.exists():
        raise LabError(f'there is no {path}: run make venv')
    return str(path)


def is_up(lab: Lab) -> bool:
    return (lab.run / 'hass-up').exists()


def up(lab: Lab, say: Say, options: Options | None = None) -> None:
    """Start HASS and protect all hosts by one cluster.

    :param options: group -> option -> value, for all services alike
    :raises LabError: it does not come up
    """
    if is_up(lab):
        raise LabError('HASS is up already')
    program('hass-engine')
    _configure(lab, options or {})
    try:
        _up(lab, say)
    except BaseException:
        down(lab)
        raise


def _up(lab: Lab, say: Say) -> None:
    manage(lab, 'keyring', 'create')
    manage(lab, 'db', 'sync')
    say('the tables of HASS')
    start_api(lab)
    for name in lab.engines:
        start_engine(lab, name)
    port = PORTS['hass-api']
    processes.await_port(lab, 'controller', CONTROLLER, port, 'hass-api')
    _await(lambda: _engines_turn(lab), 'both engines to finish a turn')
    say('hass-api and two engines')
    _create_cluster(lab)
    say('the cluster')
    _await(lambda: _agents_report(lab), 'all agents to report')
    say('the agents')
    (lab.run / 'hass-up').touch()


def down(lab: Lab) -> None:
    """Take HASS off the cloud, its rows included."""
    for host in lab.hosts:
        hosts.set_services(lab, host, [])
    for name in ('hass-api', *(f'hass-{one}' for one in lab.engines)):
        processes.stop(lab, name)
    backends.sql(lab, 'DROP DATABASE hass;')
    backends.create_databases(lab)
    (lab.etc / 'hass' / 'keyring').unlink(missing_ok=True)
    (lab.run / 'hass-up').unlink(missing_ok=True)


def start_api(lab: Lab) -> None:
    argv = [program('hass-api'), *_config(lab, 'api')]
    processes.start(lab, 'controller', 'hass-api', argv)


def start_engine(lab: Lab, name: str) -> None:
    """Start engine1 or engine2 in its namespace."""
    argv = [program('hass-engine'), *_config(lab, name)]
    env = clocks.environment(lab, name)
    processes.start(lab, name, f'hass-{name}', argv, env)


def restart_engine(lab: Lab, name: str) -> None:
    processes.stop(lab, f'hass-{name}')
    start_engine(lab, name)


def manage(lab: Lab, *words: str) -> str:
    """hass-manage, on the controller."""
    argv = [program('hass-manage'), *_config(lab, 'api'), *words]
    return processes.run(processes.inside('controller', argv))


def rest(lab: Lab, method: str, path: str, body: object = None) -> object:
    """Call hass-api as the cloud's administrator; the answer's body.

    :raises LabError: the answer is an error
    """
    argv: list[processes.Argument] = [lab.venv / 'bin/python']
    argv += [pathlib.Path(__file__).with_name('sdk') / 'rest.py']
    said = processes.run(
        processes.inside('controller', [*argv, method, path]),
        env=openstack.client_environment(lab),
        # Not in argv: a body may hold the password of a BMC.
        stdin=json.dumps(body),
    )
    return json.loads(said) if said else None


def add_config(lab: Lab, name: str, text: str) -> None:
    """Restart engines and agents with more options; none: text is empty.

    Where up() cannot set them: an option may be given several times here.

    :raises LabError: an agent does not end
    """
    path = _more(lab) / f'{name}.conf'
    if text:
        write(path, text)
    else:
        path.unlink(missing_ok=True)
    for engine in lab.engines:
        restart_engine(lab, engine)
    ended = [pid for host in lab.hosts for pid in hosts.agents(host)[:1]]
    processes.send(ended, signal.SIGTERM)
    # They have said goodbye by then; the init of each starts it again.
    if not processes.until(
        lambda: not any(map(processes.state, ended)), processes.END_SECONDS
    ):
        raise LabError('an agent does not end')


def has_config(lab: Lab, name: str) -> bool:
    """Whether add_config() has been given it."""
    return (_more(lab) / f'{name}.conf').exists()


def _more(lab: Lab) -> pathlib.Path:
    return lab.etc / 'hass' / 'more'


def _config(lab: Lab, name: str) -> list[str]:
    file = lab.etc / 'hass' / f'{name}.conf'
    return ['--config-file', str(file), '--config-dir', str(_more(lab))]


def _configure(lab: Lab, options: Options) -> None:
    """One file for each service, as on machines of their own."""

    def save(name: str, *layers: Options) -> None:
        merged: dict[str, dict[str, object]] = {}
        for layer in (*layers, options):
            for group, values in layer.items():
                merged.setdefault(group, {}).update(values)
        configs.save(lab, f'hass/{name}.conf', merged)

    _more(lab).mkdir(parents=True, exist_ok=True)
    write(_pager(lab), _PAGER.format(alarms=lab.alarms), 0o755)
    shared = _shared(lab)
    api = {'api': {'bind_host': CONTROLLER, 'bind_port': PORTS['hass-api']}}
    save('api', shared, api)
    for name in lab.engines:
        listen = [f'{address(name, net)}:{BEAT_PORT}' for net in HOST_NETWORKS]
        own = {'engine': {'name': name, 'listen': ','.join(listen)}}
        save(name, shared, own)
    for host in lab.hosts:
        save(host, _agent(lab, host))


def _shared(lab: Lab) -> dict[str, configs.Section]:
    return {
        'DEFAULT': {'transport_url': backends.hass_url(lab)},
        'database': {'connection': backends.database_url(lab, 'hass')},
        'keystone_authtoken': configs.authtoken(lab, 'hass'),
        'nova': {
            **configs.client(lab, 'hass'),
            'notifications_url': backends.transport_url(lab),
        },
        'secrets': {'keyring_file': lab.etc / 'hass/keyring'},
        'alarm': {'command': _pager(lab)},
    }


def _pager(lab: Lab) -> pathlib.Path:
    return lab.run / 'pager'


def _agent(lab: Lab, host: str) -> dict[str, configs.Section]:
    """A compute host knows neither the database nor Nova."""
    engines = [
        f'{net}={address(name, net)}:{BEAT_PORT}'
        for net in HOST_NETWORKS
        for name in lab.engines
    ]
    beats = [f'{net}={address(host, net)}' for net in HOST_NETWORKS]
    guests = {'guests': 'folder', 'guests_folder': lab.host(host) / 'guests'}
    if lab.guests:
        guests = {'guests': 'libvirt', 'instances_path': lab.instances}
    return {
        'DEFAULT': {'transport_url': backends.agents_url(lab)},
        'agent': {
            **guests,
            'host': host,
            'key_file': _key_file(lab, host),
            'engines': ','.join(engines),
            'beat_networks': ','.join(beats),
            'nova_conf': lab.etc / 'nova' / f'{host}.conf',
            'system_uuid_file': lab.host(host) / 'system_uuid',
        },
    }


def _key_file(lab: Lab, host: str) -> pathlib.Path:
    return lab.host(host) / 'agent.key'


def _create_cluster(lab: Lab) -> None:
    """Add all hosts, and hand each agent the key that comes back."""
    bmc = {'username': BMC_USER, 'password': secret(lab, 'bmc')}
    body = {
        'name': CLUSTER,
        'mode': 'act',
        'shared_storage': True,
        'hosts': [
            {
                'name': host,
                'addresses': {
                    net: address(host, net) for net in HOST_NETWORKS
                },
                'bmc': {'address': address(host, 'bmc'), **bmc},
            }
            for host in lab.hosts
        ],
    }
    if lab.guests:
        body['layers'] = LAYERS
    answer = rest(lab, 'POST', '/v1/clusters', body)
    for host in answer['hosts']:  # type: ignore[index]
        name = host['name']
        write(_key_file(lab, name), f'{host["agent_key"]}\n', 0o600)
        hosts.set_services(lab, name, _agent_services(lab, name))


def _agent_services(lab: Lab, host: str) -> list[dict[str, object]]:
    """The agent, and the gate that nova-compute waits for."""
    argv = [program('hass-agent'), *_config(lab, host)]
    # Without it, the agent does not look for a libvirtd that is not there.
    env = {'PYTHONPATH': str(hosts.bindings(lab))} if lab.guests else {}
    return [
        {
            'name': 'hass-agent',
            'argv': argv,
            'env': env,
            'log': str(lab.log / f'{host}-hass-agent.out'),
        },
        {
            'name': 'hass-agent-gate',
            'argv': [*argv, 'gate'],
            'log': str(lab.log / f'{host}-hass-agent-gate.out'),
            'once': True,
        },
    ]


def _engines_turn(lab: Lab) -> bool:
    answer = rest(lab, 'GET', '/v1/services')
    services = answer['services']  # type: ignore[index]
    turning = [one for one in services if one['turn_at']]
    return len(turning) == len(lab.engines)


def _agents_report(lab: Lab) -> bool:
    answer = rest(lab, 'GET', '/v1/hosts')
    found = answer['hosts']  # type: ignore[index]
    return all(one['reported_at'] for one in found)


def _await(true: Callable[[], bool], what: str) -> None:
    if not processes.until(true, processes.START_SECONDS, every=0.5):
        raise LabError(f'waited {processes.START_SECONDS} s for {what}')
