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

"""Compute hosts: power on, power off, hang.

A host is a network namespace that stays, and mount, UTS and PID
namespaces that last from power on to power off. Its folder holds ``on``
(exists while the power is on), ``boot_id``, ``system_uuid``,
``services.json``, with real guests ``mounts.json`` and ``libvirt``, and, when
a fault put them there, ``lie``, ``panicked`` and ``spawn_seconds``.
"""

from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
import contextlib
import fcntl
import json
import pathlib
import signal
import subprocess
import uuid

from hass_oracle.ledger import Kind
from hass_oracle.ledger import Ledger
from tools.minicloud import fabric
from tools.minicloud.lab import Lab
from tools.minicloud.lab import LabError
from tools.minicloud.lab import system_uuid
from tools.minicloud.lab import write
from tools.minicloud import libvirtd
from tools.minicloud import processes

_INIT = pathlib.Path(__file__).with_name('init.py')
KDUMP_SEND = pathlib.Path('/usr/libexec/fence-agents/fence_kdump_send')


def prepare(lab: Lab, host: str) -> None:
    """Make the folder of a host that is off."""
    folder = lab.host(host)
    (folder / 'nova' / 'instances').mkdir(parents=True, exist_ok=True)
    write(folder / 'system_uuid', f'{system_uuid(lab, host)}\n')
    if lab.guests:
        libvirtd.prepare(lab, host)
        mounts = json.dumps(libvirtd.mounts(lab, host))
        write(folder / 'mounts.json', mounts)
    set_services(lab, host, [])


def set_services(lab: Lab, host: str, before: list[dict[str, object]]) -> None:
    """Say what the host runs: libvirtd if it has one, these, nova-compute.

    A running host follows at once.
    """
    nova = {
        'name': 'nova-compute',
        'argv': [
            str(lab.venv / 'bin/nova-compute'),
            '--config-file',
            str(lab.etc / 'nova' / f'{host}.conf'),
        ],
        'env': {
            'PYTHONPATH': f'{lab.root}/parts:{bindings(lab)}',
            'MINICLOUD_HOST': host,
            'MINICLOUD_FOLDER': str(lab.host(host)),
            'MINICLOUD_LEDGER': str(lab.ledger),
        },
        'log': str(lab.log / f'{host}-nova-compute.out'),
    }
    daemons = [libvirtd.service(lab, host)] if lab.guests else []
    services = [*daemons, *before, nova]
    write(_services(lab, host), json.dumps(services, indent=1))


def bindings(lab: Lab) -> pathlib.Path:
    """The folder where libvirt's module for Python is, and nothing else."""
    return lab.root / 'bindings'


def set_environment(
    lab: Lab, host: str, more: Mapping[str, str | None]
) -> None:
    """Restart all services of a running host; None unsets a variable."""
    path = _services(lab, host)
    services = json.loads(path.read_text())
    for service in services:
        wanted = {**service.get('env', {}), **more}
        service['env'] = {k: v for k, v in wanted.items() if v is not None}
    write(path, json.dumps(services, indent=1))


def _services(lab: Lab, host: str) -> pathlib.Path:
    return lab.host(host) / 'services.json'


def is_on(lab: Lab, host: str) -> bool:
    return (lab.host(host) / 'on').exists()


@contextlib.contextmanager
def _switch(lab: Lab, host: str) -> Iterator[None]:
    """One change of power at a time."""
    with open(lab.host(host) / 'lock', 'w') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def power_on(lab: Lab, host: str) -> None:
    """Boot the host; nothing happens when it is on."""
    with _switch(lab, host):
        if is_on(lab, host):
            return
        folder = lab.host(host)
        boot = str(uuid.uuid4())
        write(folder / 'boot_id', f'{boot}\n')
        fabric.set_mute(host, False)
        if lab.guests:
            libvirtd.forget_boot(lab, host)
        Ledger(lab.ledger).append(Kind.ON, host)
        (folder / 'on').touch()
        _boot(lab, host, boot)


def _boot(lab: Lab, host: str, boot: str) -> None:
    argv = processes.inside(
        host,
        [
            'unshare',
            '--mount',
            '--uts',
            '--pid',
            '--fork',
            '--mount-proc',
            'python3',
            '-SE',
            _INIT,
            lab.host(host),
        ],
    )
    lab.log.mkdir(parents=True, exist_ok=True)
    with open(lab.log / f'{host}.out', 'ab') as out:
        process = subprocess.Popen(
            argv,
            env=processes.environment({'MINICLOUD_BOOT': boot}),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            cwd='/',
            start_new_session=True,
        )
    process.returncode = 0


def power_off(lab: Lab, host: str) -> None:
    """Kill everything on the host; nothing happens when it is off.

    The ledger says off, and the BMC reads off, only when the last
    process is gone: a guest's last moment lies before both.

    :raises LabError: something does not die within 20 s
    """
    with _switch(lab, host):
        if not is_on(lab, host):
            return

        def dead() -> bool:
            pids = processes.members(host)
            processes.send(pids, signal.SIGKILL)
            return not pids

        # The namespace outlives its processes, and would answer pings.
        fabric.set_mute(host, True)
        if not processes.until(dead, processes.END_SECONDS, every=0.01):
            raise LabError(f'{host} has processes that do not die')
        Ledger(lab.ledger).append(Kind.OFF, host)
        (lab.host(host) / 'panicked').unlink(missing_ok=True)
        (lab.host(host) / 'on').unlink()


def shut_down(lab: Lab, host: str) -> None:
    """Let the host end its services in good order, then switch off."""
    pid = init_of(host)
    if pid is not None:
        processes.send([pid], signal.SIGTERM)
        processes.until(lambda: not processes.members(host), 15)
    power_off(lab, host)


def init_of(host: str) -> int | None:
    """The host's PID 1 as the machine numbers it."""
    for pid in processes.members(host):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            for line in open(f'/proc/{pid}/status'):
                if line.startswith('NSpid:'):
                    numbers = line.split()[1:]
                    if len(numbers) > 1 and numbers[-1] == '1':
                        return pid
    return None


def enter(host: str) -> list[str]:
    """The command that leads into a host that is on.

    :raises LabError: it is off
    """
    pid = init_of(host)
    if pid is None:
        raise LabError(f'{host} is off')
    return ['nsenter', '-t', str(pid), '-n', '-m', '-u', '-p']


def agents(host: str) -> list[int]:
    """The processes of the host's agent, the oldest first."""
    found = []
    for pid in processes.members(host):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            argv = pathlib.Path(f'/proc/{pid}/cmdline').read_text().split('\0')
            names = [pathlib.Path(word).name for word in argv[:2]]
            if 'hass-agent' in names and 'gate' not in argv:
                found.append(pid)
    return sorted(found)


def freeze(lab: Lab, host: str) -> None:
    """The kernel hangs: no process runs, no packet is answered."""
    fabric.set_mute(host, True)
    _stop_all(host)


def panic(lab: Lab, host: str, tell: Sequence[str]) -> None:
    """No process runs; the kernel that kdump boots tells these addresses.

    That kernel has the host's network, and answers pings, until somebody
    turns the power off.
    """
    _stop_all(host)
    (lab.host(host) / 'panicked').touch()
    # For ever, every ten seconds, as kdump has it started.
    argv: list[processes.Argument] = [KDUMP_SEND, '-c', '0', '-i', '10']
    processes.start(lab, host, f'kdump-{host}', [*argv, *tell])


def has_panicked(lab: Lab, host: str) -> bool:
    return (lab.host(host) / 'panicked').exists()


def _stop_all(host: str) -> None:
    """Stop every process; sweep until none is left that runs."""

    def frozen() -> bool:
        pids = processes.members(host)
        awake = [pid for pid in pids if processes.state(pid) not in 'Tt']
        processes.send(awake, signal.SIGSTOP)
        return not awake

    if not processes.until(frozen, processes.END_SECONDS, every=0.01):
        raise LabError(f'{host} does not freeze')


def thaw(lab: Lab, host: str) -> None:
    """Undo freeze(); nobody comes back from a panic."""
    if has_panicked(lab, host):
        return
    fabric.set_mute(host, False)
    processes.send(processes.members(host), signal.SIGCONT)
