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

"""A host of tiny guests: a libvirtd in namespaces of its own."""

import contextlib
import os
import pathlib
import signal
import subprocess
from typing import Any
import uuid as uuids

from hass.tests.functional.agent import tiny_guest
from hass.tests.functional import servers

DAEMON = 1
"""The user that libvirtd and its guests are."""
INIT = """
mount -t tmpfs -o size=1m,uid=1,gid=1 disks "$1"
# libvirtd is no root here, and its guests open their devices themselves.
mknod -m 666 "$3" c 10 200
mount --bind "$3" /dev/net/tun
touch "$2"
# It buries what is killed, as the init of a host does.
while :; do sleep 1000 & wait; done
"""
QEMU_CONF = """
stdio_handler = "file"
security_driver = "none"
cgroup_controllers = []
namespaces = []
"""


class LibvirtHost(servers.Server):
    """Its guests go on when libvirtd ends, and end with it.

    A session's libvirtd: it touches nothing of the machine's.

    :ivar libvirt: the module
    :ivar uri: where the agent connects
    """

    _process: Any
    needs = (
        'iproute2',
        'libvirt-daemon',
        'libvirt-daemon-driver-qemu',
        'util-linux',
    )

    def __init__(self, libvirt: Any) -> None:
        self.libvirt = libvirt
        self._libvirtd: Any = None
        super().__init__()
        self.start_libvirtd()

    def prepare(self) -> None:
        self.home = self.folder / 'home'
        self.disks = self.folder / 'disks'
        settings = self.home / 'libvirt'
        for folder in (self.disks, self.home, settings):
            folder.mkdir()
            os.chown(folder, DAEMON, DAEMON)
        (settings / 'qemu.conf').write_text(QEMU_CONF)
        tiny_guest.prepare(self.folder)

    @property
    def socket(self) -> pathlib.Path:
        return self.home / 'libvirt' / 'libvirt-sock'

    @property
    def uri(self) -> str:
        return f'qemu+unix:///session?socket={self.socket}'

    def command(self) -> list[str]:
        unshare = ['unshare', '--mount', '--net', '--pid', '--fork']
        unshare += ['--kill-child', '--mount-proc', 'sh', '-c', INIT, 'sh']
        paths = [self.disks, self.folder / 'ready', self.folder / 'tun']
        return [*unshare, *map(str, paths)]

    def ready(self) -> bool:
        return (self.folder / 'ready').exists()

    def start_libvirtd(self) -> None:
        """Start it, or start it again; the guests are found again."""
        names = ['HOME', 'XDG_RUNTIME_DIR', 'XDG_CONFIG_HOME']
        names += ['XDG_CACHE_HOME', 'XDG_DATA_HOME']
        self._libvirtd = subprocess.Popen(
            [*self._inside(), *servers.become('daemon'), 'libvirtd'],
            env=os.environ | dict.fromkeys(names, str(self.home)),
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=(self.folder / 'output').open('ab'),
            start_new_session=True,
        )
        self.wait_until(self._answers, self._libvirtd)

    def end_libvirtd(self) -> None:
        """Kill it, and nothing else."""
        # Its parent, nsenter, stays to bury it.
        os.kill(_only_child(self._libvirtd.pid), signal.SIGKILL)

        def buried() -> bool:
            # nsenter stops when it sees that its child was stopped, which
            # on a busy machine is after both were told to go on.
            self._libvirtd.send_signal(signal.SIGCONT)
            return self._libvirtd.poll() is not None

        self.wait_until(buried, self._process)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to libvirtd."""
        os.killpg(self._libvirtd.pid, number)

    def kill(self) -> None:
        if self._libvirtd is not None and self._libvirtd.poll() is None:
            self.signal(signal.SIGCONT)
            self.end_libvirtd()
        super().kill()

    def connect(self) -> Any:
        return self.libvirt.open(self.uri)

    def boot(self, name: str, **described: Any) -> str:
        """Define and start a guest; its UUID."""
        uuid = str(uuids.uuid4())
        log = self.folder / f'{name}.log'
        log.touch()
        os.chown(log, DAEMON, DAEMON)
        xml = tiny_guest.describe(self.folder, name, uuid, **described)
        with contextlib.closing(self.connect()) as connection:
            connection.defineXML(xml).create()
        return uuid

    def wire(self, wire: tiny_guest.Wire) -> None:
        """Make the device of a guest that is to be booted."""
        for command in (
            f'tuntap add {wire.device} mode tap user {DAEMON}',
            f'link set {wire.device} up',
        ):
            self.run_inside('ip', *command.split())

    @property
    def network(self) -> str:
        """Path of its network namespace."""
        return f'/proc/{_only_child(self._process.pid)}/ns/net'

    def run_inside(self, *command: str) -> None:
        subprocess.run([*self._inside(), *command], check=True)

    def is_up(self, name: str) -> bool:
        """Whether it has booted."""
        return 'UP' in self.said(name)

    def said(self, name: str) -> str:
        """What it has written to its console."""
        return (self.folder / f'{name}.log').read_text()

    def kill_guest(self, name: str) -> None:
        """kill -9 of its process."""
        (file,) = self.home.rglob(f'run/{name}.pid')
        self.run_inside('kill', '-9', file.read_text().strip())

    def make_disk(self, name: str) -> pathlib.Path:
        """A disk of 8 MiB where there is 1 MiB of room."""
        path = self.disks / name
        command = ['truncate', '--size=8M', str(path)]
        self.run_inside(*servers.become('daemon'), *command)
        return path

    def set_room(self, size: str) -> None:
        """So much, as 1m, is there for all disks together."""
        self.run_inside('mount', '-o', f'remount,size={size}', str(self.disks))

    def _inside(self) -> list[str]:
        init = str(_only_child(self._process.pid))
        return ['nsenter', '-t', init, '--mount', '--net', '--pid']

    def _answers(self) -> bool:
        try:
            self.connect().close()
        except self.libvirt.libvirtError:
            return False
        return True


def _only_child(pid: int) -> int:
    children = pathlib.Path(f'/proc/{pid}/task/{pid}/children')
    (child,) = children.read_text().split()
    return int(child)
