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
from collections.abc import Mapping
import glob
import hashlib
import os
import pathlib
import shutil
import tarfile

from tools.minicloud import backends
from tools.minicloud import ceph
from tools.minicloud import configs
from tools.minicloud import fabric
from tools.minicloud import hass_services
from tools.minicloud import hosts
from tools.minicloud.lab import CHECKOUT
from tools.minicloud.lab import Lab
from tools.minicloud.lab import LabError
from tools.minicloud.lab import REGION
from tools.minicloud.lab import secret
from tools.minicloud.lab import url
from tools.minicloud import openstack
from tools.minicloud import processes
from tools import packages

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
GUEST_PACKAGES = {
    'busybox': 'busybox-static',
    'libvirtd': 'libvirt-daemon',
    'qemu-ga': 'qemu-guest-agent',
    'qemu-img': 'qemu-utils',
    'qemu-system-x86_64': 'qemu-system-x86',
    'virsh': 'libvirt-clients',
}
_DEBIAN_PYTHON = '/usr/lib/python3/dist-packages'
# The same for files that are no programs.
GUEST_FILES = {
    '/usr/lib/*/libvirt/connection-driver/libvirt_driver_qemu.so': (
        'libvirt-daemon-driver-qemu'
    ),
    f'{_DEBIAN_PYTHON}/libvirtmod.*.so': 'python3-libvirt',
}
CEPH_PACKAGES = {name: name for name in ('ceph-mgr', 'ceph-mon', 'ceph-osd')}
CEPH_FILES = {
    '/usr/lib/*/qemu/block-rbd.so': 'qemu-block-extra',
    f'{_DEBIAN_PYTHON}/rados.*.so': 'python3-rados',
    f'{_DEBIAN_PYTHON}/rbd.*.so': 'python3-rbd',
}
_BUILD = (
    'import pathlib, sys; from tools.minicloud import image; '
    'image.build(pathlib.Path(sys.argv[1]))'
)
_TESTS = CHECKOUT / 'hass/tests/functional'
# What decides what an image is like.
_IMAGE_SOURCES = (
    _HERE / 'image.py',
    _TESTS / 'ramdisk.py',
    _TESTS / 'agent/tiny_guest.py',
)
# What else decides what the first data look like.
_DATA_SOURCES = ('sdk/identity.py',)
# Change by hand when the data change in another way.
_DATA_VERSION = b'1'


def install(lab: Lab, say: Say) -> None:
    """Bring everything onto the machine that is not there yet."""
    if lab.guests:
        _apt(say, PACKAGES | GUEST_PACKAGES, GUEST_FILES)
    else:
        _apt(say, PACKAGES, {})
    _virtualenv(lab, say)
    if lab.guests:
        _lend(lab, hosts.bindings(lab), 'libvirt')
        _image(lab, say)
    if not pristine(lab).exists():
        _first_data(lab, say)


def volumes(lab: Lab, say: Say) -> None:
    """Bring Ceph onto the machine; Cinder is there with the others."""
    _apt(say, CEPH_PACKAGES, CEPH_FILES)
    _lend(lab, ceph.bindings(lab), 'rados', 'rbd')


def _apt(
    say: Say, programs: Mapping[str, str], files: Mapping[str, str]
) -> None:
    places = [
        '/usr/sbin',
        '/sbin',
        hosts.KDUMP_SEND.parent,
        '/usr/share/zookeeper/bin',
    ]
    path = ':'.join([os.environ.get('PATH', ''), *map(str, places)])
    missing = [
        package
        for program, package in programs.items()
        if shutil.which(program, path=path) is None
    ]
    missing += [of for file, of in files.items() if not glob.glob(file)]
    if not (pathlib.Path('/usr/lib/python3') / 'dist-packages').exists() or (
        not list(pathlib.Path('/usr/lib').glob('python3*/ensurepip'))
    ):
        missing.append('python3-venv')
    if not missing:
        return
    say(f'apt-get install {" ".join(missing)}')
    try:
        packages.ensure(*missing)
    except packages.LeftOut as error:
        raise LabError(str(error)) from error


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


def _lend(lab: Lab, folder: pathlib.Path, *modules: str) -> None:
    """Lend Python modules of Debian, and nothing beside them.

    :raises LabError: they are of another Python than ours
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for module in modules:
        for path in glob.glob(f'{_DEBIAN_PYTHON}/{module}*'):
            (folder / pathlib.Path(path).name).symlink_to(path)
    processes.run(
        [lab.venv / 'bin/python', '-c', f'import {",".join(modules)}'],
        env={'PYTHONPATH': str(folder)},
    )


def _image(lab: Lab, say: Say) -> None:
    """The kernel is fetched by what the tests of HASS have."""
    wanted = _digest(*(source.read_bytes() for source in _IMAGE_SOURCES))
    stamp = lab.image / 'built'
    if stamp.exists() and stamp.read_text() == wanted:
        return
    say('the image of the guests')
    processes.run(
        [hass_services.program('python'), '-c', _BUILD, lab.image],
        env={'PYTHONPATH': str(CHECKOUT)},
    )
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
    say('the schemas of Placement, Glance, Cinder')
    openstack.manage(
        lab, 'placement-manage', 'placement/placement.conf', 'db', 'sync'
    )
    openstack.manage(lab, 'glance-manage', 'glance/glance-api.conf', 'db_sync')
    openstack.manage(lab, 'cinder-manage', 'cinder/cinder.conf', 'db', 'sync')
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
