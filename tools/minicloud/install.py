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

"""Packages, the virtualenv and the first data; done once."""

from collections.abc import Callable
from collections.abc import Iterator
import contextlib
import hashlib
import os
import pathlib
import shutil
import tarfile

from tools.minicloud import backends
from tools.minicloud import configs
from tools.minicloud import fabric
from tools.minicloud import hosts
from tools.minicloud.lab import Lab
from tools.minicloud.lab import REGION
from tools.minicloud.lab import secret
from tools.minicloud.lab import url
from tools.minicloud import openstack
from tools.minicloud import processes

Say = Callable[[str], None]

_HERE = pathlib.Path(__file__).parent
REQUIREMENTS = _HERE / 'requirements.txt'
# What a program comes from, for those that a plain Debian lacks.
PACKAGES = {
    'curl': 'curl',
    'etcd': 'etcd-server',
    'fence_kdump_send': 'fence-agents',
    'gcc': 'build-essential',
    'ip': 'iproute2',
    'ipmi_sim': 'openipmi',
    'ipmitool': 'ipmitool',
    'mariadb': 'mariadb-client',
    'mariadbd': 'mariadb-server',
    'memcached': 'memcached',
    'nft': 'nftables',
    'ping': 'iputils-ping',
    'rabbitmq-server': 'rabbitmq-server',
    'sysctl': 'procps',
    'unshare': 'util-linux',
    'zkServer.sh': 'zookeeper',
}
# What else decides what the first data look like.
_DATA_SOURCES = ('sdk/identity.py',)
# Change by hand when the data change in another way.
_DATA_VERSION = b'1'


def install(lab: Lab, say: Say) -> None:
    """Bring everything onto the machine that is not there yet."""
    _apt(say)
    _virtualenv(lab, say)
    if not pristine(lab).exists():
        _first_data(lab, say)


def _apt(say: Say) -> None:
    places = [
        '/usr/sbin',
        '/sbin',
        hosts.KDUMP_SEND.parent,
        '/usr/share/zookeeper/bin',
    ]
    path = ':'.join([os.environ.get('PATH', ''), *map(str, places)])
    missing = [
        package
        for program, package in PACKAGES.items()
        if shutil.which(program, path=path) is None
    ]
    if not (pathlib.Path('/usr/lib/python3') / 'dist-packages').exists() or (
        not list(pathlib.Path('/usr/lib').glob('python3*/ensurepip'))
    ):
        missing.append('python3-venv')
    if not missing:
        return
    say(f'apt-get install {" ".join(missing)}')
    apt = ['apt-get', '-q', '-o', 'DPkg::Lock::Timeout=600']
    env = {'DEBIAN_FRONTEND': 'noninteractive'}
    with _no_services_started():
        processes.run([*apt, 'update'], env=env)
        processes.run(
            [*apt, 'install', '-y', '--no-install-recommends', *missing],
            env=env,
        )


@contextlib.contextmanager
def _no_services_started() -> Iterator[None]:
    """Debian would start MariaDB, RabbitMQ … in the root namespace."""
    policy = pathlib.Path('/usr/sbin/policy-rc.d')
    if policy.exists():
        yield
        return
    policy.write_text('#!/bin/sh\nexit 101\n')
    policy.chmod(0o755)
    try:
        yield
    finally:
        policy.unlink()


def _digest(*texts: bytes) -> str:
    return hashlib.sha256(b'\0'.join(texts)).hexdigest()[:16]


def _virtualenv(lab: Lab, say: Say) -> None:
    wanted = _digest(REQUIREMENTS.read_bytes())
    stamp = lab.venv / 'installed'
    if stamp.exists() and stamp.read_text() == wanted:
        return
    say('pip install the OpenStack services (about two minutes)')
    processes.run(['python3', '-m', 'venv', '--clear', lab.venv])
    pip: list[processes.Argument] = [lab.venv / 'bin/pip', 'install', '-q']
    # uwsgi and two pure packages are built here.
    processes.run([*pip, 'setuptools', 'wheel'])
    processes.run([*pip, '-r', REQUIREMENTS])
    stamp.write_text(wanted)


def pristine(lab: Lab) -> pathlib.Path:
    """The tarball of the data right after the schemas were made."""
    sources = [(_HERE / name).read_bytes() for name in _DATA_SOURCES]
    wanted = _digest(_DATA_VERSION, REQUIREMENTS.read_bytes(), *sources)
    return lab.root / f'pristine-{wanted}.tar.gz'


def unpack(lab: Lab) -> None:
    """Put the first data back."""
    shutil.rmtree(lab.data, ignore_errors=True)
    lab.data.mkdir(parents=True)
    processes.run(['tar', '-C', lab.data, '-xzf', pristine(lab)])


def _first_data(lab: Lab, say: Say) -> None:
    """Create schemas, identity, image and flavour; keep a tarball."""
    for folder in (lab.data, lab.run):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    configs.write_all(lab)
    try:
        fabric.up(lab)
        backends.start(lab)
        backends.create_databases(lab)
        _schemas(lab, say)
        _resources(lab, say)
        backends.stop(lab)
        say('the tarball of the data')
        _pack(lab)
    finally:
        fabric.down()
        for folder in (lab.data, lab.run):
            shutil.rmtree(folder, ignore_errors=True)


def _pack(lab: Lab) -> None:
    for old in lab.root.glob('pristine-*'):
        old.unlink()
    shutil.rmtree(lab.data / 'rabbit', ignore_errors=True)
    shutil.rmtree(lab.data / 'nova', ignore_errors=True)
    part = lab.root / 'pristine.new'
    with tarfile.open(part, 'w:gz', compresslevel=1) as tar:
        tar.add(lab.data, arcname='.')
    part.chmod(0o600)
    part.rename(pristine(lab))


def _schemas(lab: Lab, say: Say) -> None:
    say('the schema of Keystone')
    _keystone(lab)
    say('the schemas of Placement, Glance')
    openstack.manage(
        lab, 'placement-manage', 'placement/placement.conf', 'db', 'sync'
    )
    openstack.manage(lab, 'glance-manage', 'glance/glance-api.conf', 'db_sync')
    say('the schema of Neutron')
    openstack.manage(
        lab, 'neutron-db-manage', 'neutron/neutron.conf', 'upgrade', 'heads'
    )
    say('the schemas of Nova')
    _nova(lab)


def _keystone(lab: Lab) -> None:
    for folder in ('fernet', 'credential'):
        (lab.data / 'keystone' / folder).mkdir(parents=True)
    owner = ('--keystone-user', 'root', '--keystone-group', 'root')
    where = f'{url("keystone")}/v3'
    for arguments in (
        ('db_sync',),
        ('fernet_setup', *owner),
        ('credential_setup', *owner),
        (
            'bootstrap',
            f'--bootstrap-password={secret(lab, "services")}',
            f'--bootstrap-region-id={REGION}',
            f'--bootstrap-public-url={where}',
            f'--bootstrap-internal-url={where}',
            f'--bootstrap-admin-url={where}',
        ),
    ):
        openstack.manage(
            lab, 'keystone-manage', 'keystone/keystone.conf', *arguments
        )


def _nova(lab: Lab) -> None:
    cell0 = backends.database_url(lab, 'nova_cell0')
    for arguments in (
        ('api_db', 'sync'),
        ('cell_v2', 'map_cell0', f'--database_connection={cell0}'),
        ('db', 'sync'),
        (
            'cell_v2',
            'create_cell',
            '--name=cell1',
            f'--transport-url={backends.transport_url(lab)}',
            f'--database_connection={backends.database_url(lab, "nova")}',
        ),
        ('db', 'sync'),
    ):
        openstack.manage(
            lab, 'nova-manage', 'nova/nova-manage.conf', *arguments
        )


def _resources(lab: Lab, say: Say) -> None:
    """Start the APIs once for users, services, an image, a flavour."""
    say('users, services, image, flavour')
    openstack.start_api(lab, 'keystone')
    openstack.await_apis(lab, ['keystone'])
    openstack.script(lab, 'identity', secret(lab, 'services'))
    for name in openstack.APIS[1:]:
        openstack.start_api(lab, name)
    openstack.await_apis(lab)
    openstack.script(lab, 'resources')
