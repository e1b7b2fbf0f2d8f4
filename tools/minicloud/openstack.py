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

"""The OpenStack services on the controller."""

from collections.abc import Sequence
import pathlib
import subprocess

from tools.minicloud.lab import CHECKOUT
from tools.minicloud.lab import CONTROLLER
from tools.minicloud.lab import Lab
from tools.minicloud.lab import LabError
from tools.minicloud.lab import PORTS
from tools.minicloud.lab import REGION
from tools.minicloud.lab import secret
from tools.minicloud.lab import url
from tools.minicloud.lab import write
from tools.minicloud import processes

APIS = ('keystone', 'placement', 'cinder', 'glance', 'neutron', 'nova-api')
_MODULES = {
    'keystone': 'keystone.wsgi.api',
    'placement': 'placement.wsgi.api',
    'glance': 'glance.wsgi.api',
    'neutron': 'neutron.wsgi.api',
    'nova-api': 'nova.wsgi.osapi_compute',
    'cinder': 'cinder.wsgi.api',
}
_THREADS = {'nova-api': 16, 'neutron': 8}
_PROCESSES = {'nova-api': 2}
_ENTRY_POINTS = """\
[neutron.ml2.mechanism_drivers]
minicloud = minicloud_parts.binding:BindAnywhere
"""
_METADATA = 'Metadata-Version: 2.1\nName: minicloud-parts\nVersion: 1\n'


def parts(lab: Lab) -> pathlib.Path:
    """A folder for PYTHONPATH with our plugins and the oracle.

    Links and a dist-info by hand: nothing to build, and an edit of the
    checkout is seen by the next start.
    """
    folder = lab.root / 'parts'
    folder.mkdir(parents=True, exist_ok=True)
    here = pathlib.Path(__file__).parent
    ours = here / 'parts/minicloud_parts'
    # Nova looks for drivers in its own package only.
    (virt,) = lab.venv.glob('lib/python3*/site-packages/nova/virt')
    for link, target in (
        (folder / ours.name, ours),
        (folder / 'hass_oracle', CHECKOUT / 'hass_oracle'),
        (virt / 'minicloud.py', ours / 'driver.py'),
        (virt / 'minicloud_libvirt.py', ours / 'libvirt_driver.py'),
    ):
        link.unlink(missing_ok=True)
        link.symlink_to(target)
    info = folder / 'minicloud_parts-1.dist-info'
    write(info / 'METADATA', _METADATA)
    write(info / 'entry_points.txt', _ENTRY_POINTS)
    return folder


def _settings(lab: Lab, name: str) -> dict[str, str]:
    """The environment that tells an API where its files are."""
    etc = lab.etc
    own = {
        'keystone': {
            'OS_KEYSTONE_CONFIG_DIR': f'{etc}/keystone',
            'OS_KEYSTONE_CONFIG_FILES': f'{etc}/keystone/keystone.conf',
        },
        'placement': {'OS_PLACEMENT_CONFIG_DIR': f'{etc}/placement'},
        'glance': {
            'OS_GLANCE_CONFIG_DIR': f'{etc}/glance',
            'OS_GLANCE_CONFIG_FILES': 'glance-api.conf',
        },
        'neutron': {
            'MINICLOUD_VIF': 'tap' if lab.guests else 'ovs',
            'OS_NEUTRON_CONFIG_DIR': f'{etc}/neutron',
            'OS_NEUTRON_CONFIG_FILES': 'neutron.conf',
        },
        # nova-api takes the first file as its paste file.
        'nova-api': {
            'OS_NOVA_CONFIG_DIR': f'{etc}/nova',
            'OS_NOVA_CONFIG_FILES': 'api-paste.ini;nova-api.conf',
        },
        # It is told on its command line.
        'cinder': {},
    }[name]
    return {'PYTHONPATH': str(parts(lab)), **own}


def start_api(lab: Lab, name: str) -> None:
    """Start one API under uwsgi.

    "Connection: close" is needed: uwsgi's HTTP/1.1 has no keep-alive, and
    clients would reuse a connection that is gone.
    """
    argv: list[processes.Argument] = [
        lab.venv / 'bin/uwsgi',
        '--http-socket',
        f'{CONTROLLER}:{PORTS[name]}',
        '--module',
        f'{_MODULES[name]}:application',
        '--master',
        f'--processes={_PROCESSES.get(name, 1)}',
        f'--threads={_THREADS.get(name, 4)}',
        '--enable-threads',
        '--lazy-apps',
        '--die-on-term',
        '--disable-logging',
        '--buffer-size=65535',
        '--need-app',
        '--add-header=Connection: close',
        '--socket-timeout=60',
        '--http-chunked-input',
        # Parts of snapshots are longer than the 1 MiB that it would take.
        '--chunked-input-limit=67108864',
        '--listen=100',
    ]
    if name == 'cinder':
        config = lab.etc / 'cinder/cinder.conf'
        argv.append(f'--pyargv=--config-file {config}')
    processes.start(lab, 'controller', name, argv, _settings(lab, name))


def start_rpc_services(lab: Lab) -> None:
    for name in ('nova-conductor', 'nova-scheduler'):
        config = lab.etc / 'nova' / f'{name}.conf'
        argv: list[processes.Argument] = [lab.venv / 'bin' / name]
        argv += ['--config-file', config]
        processes.start(lab, 'controller', name, argv)


def await_apis(lab: Lab, names: Sequence[str] = APIS) -> None:
    """Wait until the APIs answer HTTP."""
    for name in names:
        processes.await_port(lab, 'controller', CONTROLLER, PORTS[name], name)
        argv = ['curl', '-s', '-o', '/dev/null', '-m', '60', url(name)]
        processes.run(processes.inside('controller', argv))


def client_environment(lab: Lab) -> dict[str, str]:
    """What a client needs to be the cloud's administrator."""
    return {
        'OS_AUTH_TYPE': 'password',
        'OS_AUTH_URL': f'{url("keystone")}/v3',
        'OS_USERNAME': 'admin',
        'OS_PASSWORD': secret(lab, 'services'),
        'OS_PROJECT_NAME': 'admin',
        'OS_USER_DOMAIN_NAME': 'Default',
        'OS_PROJECT_DOMAIN_NAME': 'Default',
        'OS_REGION_NAME': REGION,
        'OS_IDENTITY_API_VERSION': '3',
        # The last one that leaves evacuated servers running.
        'OS_COMPUTE_API_VERSION': '2.94',
    }


def command(
    lab: Lab, argv: Sequence[str], client: processes.Argument | None = None
) -> int:
    """Run the openstack client on the controller; its exit code.

    :param client: another one than the lab's own
    """
    client = client or lab.venv / 'bin/openstack'
    full = processes.inside('controller', [client, *argv])
    env = processes.environment(client_environment(lab))
    return subprocess.run(full, env=env, check=False).returncode


def script(lab: Lab, name: str, *arguments: str) -> str:
    """Run one of our programs for openstacksdk on the controller.

    :raises LabError: it failed
    """
    path = pathlib.Path(__file__).with_name('sdk') / f'{name}.py'
    argv: list[processes.Argument] = [lab.venv / 'bin/python', path]
    argv += arguments
    return processes.run(
        processes.inside('controller', argv), env=client_environment(lab)
    )


def manage(lab: Lab, program: str, config: str, *arguments: str) -> str:
    """Run keystone-manage, nova-manage … with a configuration file."""
    path = lab.etc / config
    if not path.exists():
        raise LabError(f'{path} is not written yet')
    (lab.log).mkdir(parents=True, exist_ok=True)
    argv: list[processes.Argument] = [lab.venv / 'bin' / program]
    argv += ['--config-file', path, *arguments]
    env = {'PYTHONPATH': str(parts(lab))}
    return processes.run(processes.inside('controller', argv), env=env)
