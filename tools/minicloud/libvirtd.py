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
"""What a host with real guests needs: libvirtd, its files and its storage.

libvirtd of the host runs on the machine's own paths (/run/libvirt …), which
are the host's folder there. From outside, its socket is in that folder.
"""

import pathlib
import shutil

from tools.minicloud import fabric
from tools.minicloud.lab import address
from tools.minicloud.lab import Lab
from tools.minicloud.lab import system_uuid
from tools.minicloud.lab import write
from tools.minicloud import processes

_SOURCE = pathlib.Path(__file__).with_name('storage.c')
_PLACES = {
    'run': '/run/libvirt',
    'lib': '/var/lib/libvirt',
    'log': '/var/log/libvirt',
    'cache': '/var/cache/libvirt',
    'etc': '/etc/libvirt',
}
_FILES = ('hosts', 'passwd', 'group')
_DAEMON = """\
listen_tls = 0
listen_tcp = 1
listen_addr = "{address}"
auth_tcp = "none"
auth_unix_rw = "none"
auth_unix_ro = "none"
host_uuid = "{uuid}"
log_outputs = "2:file:/var/log/libvirt/libvirtd.log"
"""
_QEMU = """\
user = "root"
group = "root"
security_driver = "none"
dynamic_ownership = 0
remember_owner = 0
stdio_handler = "file"
namespaces = []
cgroup_controllers = []
"""
# Stands for the network agent: Nova makes the tap and leaves it at that.
_HOOK = """\
#!/bin/sh
case $2 in prepare|started|migrate) ;; *) exit 0;; esac
for tap in $(grep -o "dev='tap[^']*'" | cut -d"'" -f2); do
    ip link set $tap master {bridge} up
done
exit 0
"""
# Debian's libvirtd does not start without it, whoever its guests run as.
_USER = 'libvirt-qemu:x:64055:64055::/:/usr/sbin/nologin\n'


def prepare(lab: Lab, host: str) -> None:
    """Write the files of a host that is off."""
    etc = _folder(lab, host) / 'etc'
    lab.instances.mkdir(parents=True, exist_ok=True)
    for name in _PLACES:
        (_folder(lab, host) / name).mkdir(parents=True, exist_ok=True)
    daemon = _DAEMON.format(address=address(host), uuid=system_uuid(lab, host))
    write(etc / 'libvirtd.conf', daemon)
    write(etc / 'qemu.conf', _QEMU)
    hook = _HOOK.format(bridge=fabric.GUEST_BRIDGE)
    write(etc / 'hooks' / 'qemu', hook, 0o755)
    names = [f'{address(each)} {each}' for each in lab.hosts]
    own = {
        'hosts': '\n'.join(['127.0.0.1 localhost', *names, '']),
        'passwd': _with_user('/etc/passwd'),
        'group': _with_user('/etc/group'),
    }
    for name, text in own.items():
        write(_folder(lab, host) / name, text)


def mounts(lab: Lab, host: str) -> list[tuple[str, str]]:
    """What the host sees in other places; see init.py."""
    folder = _folder(lab, host)
    return [
        ('tmpfs', '/run'),
        *((str(folder / name), place) for name, place in _PLACES.items()),
        *(
            (str(folder / n), f'/etc/{n}')
            for n in ('hosts', 'passwd', 'group')
        ),
    ]


def forget_boot(lab: Lab, host: str) -> None:
    """Take away what would not outlive a power off elsewhere."""
    fabric.forget_taps(host)
    run = _folder(lab, host) / 'run'
    shutil.rmtree(run)
    run.mkdir()


def service(lab: Lab, host: str) -> dict[str, object]:
    """How the host's init starts it."""
    return {
        'name': 'libvirtd',
        'argv': ['libvirtd', '--listen'],
        # libvirtd hands it down to QEMU.
        'env': {'LD_PRELOAD': str(_storage(lab))},
        'log': str(lab.log / f'{host}-libvirtd.out'),
    }


def uri(lab: Lab, host: str) -> str:
    """Where to reach the host's libvirtd from outside."""
    socket = _folder(lab, host) / 'run' / 'libvirt-sock'
    return f'qemu+unix:///system?socket={socket}'


def definitions(lab: Lab, host: str) -> list[pathlib.Path]:
    """The files that define the host's guests."""
    return sorted((_folder(lab, host) / 'etc' / 'qemu').glob('*.xml'))


def build_storage(lab: Lab) -> None:
    """Compile what makes the instances' folder a shared storage."""
    argv: list[processes.Argument] = ['gcc', '-shared', '-fPIC', '-O2']
    processes.run([*argv, '-o', _storage(lab), _SOURCE, '-ldl'])


def _storage(lab: Lab) -> pathlib.Path:
    return lab.run / 'storage.so'


def _folder(lab: Lab, host: str) -> pathlib.Path:
    return lab.host(host) / 'libvirt'


def _with_user(path: str) -> str:
    known = pathlib.Path(path).read_text()
    line = _USER if path.endswith('passwd') else 'libvirt-qemu:x:64055:\n'
    return known if 'libvirt-qemu:' in known else known + line
