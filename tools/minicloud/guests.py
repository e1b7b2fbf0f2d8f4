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
"""Real guests, asked and broken without HASS and without Nova.

What a guest writes on its disk and its console is told in image.py.
"""

from collections.abc import Iterator
import contextlib
import dataclasses
import pathlib
import re
import signal
import time

from hass_oracle.ledger import Kind
from hass_oracle.ledger import Ledger
from tools.minicloud import ceph
from tools.minicloud import fabric
from tools.minicloud import hosts
from tools.minicloud.lab import Lab
from tools.minicloud.lab import LabError
from tools.minicloud import libvirtd
from tools.minicloud import processes

_SECTOR = 512
# As much as guests write to.
_BYTES = 1 << 20
_TICK, _TWICE, _BOOTS = 1, 2, 16
_VOLUME = re.compile(rf"name='{ceph.POOL}/([^']+)'")
_TAP = re.compile(r"dev='(tap[^']+)'")
_UP = re.compile(r'GUEST-UP boot=(\d+) id=(\w+) address=(\S+)')


@dataclasses.dataclass(frozen=True, slots=True)
class Boot:
    """What a guest says of itself."""

    number: int
    id: str
    address: str


@dataclasses.dataclass(frozen=True, slots=True)
class Process:
    """A QEMU; one that receives a migration does not run yet."""

    host: str
    pid: int
    receives: bool


# Asking.


def console(lab: Lab, uuid: str) -> Boot | None:
    """What its console tells of the boot that runs, or ran last."""
    with contextlib.suppress(FileNotFoundError):
        path = lab.instances / uuid / 'console.log'
        told = _UP.findall(path.read_text(errors='replace'))
        if told:
            number, name, where = told[-1]
            return Boot(int(number), name, where)
    return None


def boots(lab: Lab, uuid: str) -> list[str]:
    """The id of each boot that ever wrote to its disk, the first one first.

    An oracle: who runs twice, or is started without need, is in here.
    """
    disk = _disk(lab, uuid)
    return [
        _sector(disk, _BOOTS + number)
        for number in range(1, int(_sector(disk, 0) or 0) + 1)
    ]


def tick(lab: Lab, uuid: str) -> tuple[str, int]:
    """Which boot wrote to its disk last, and the number of its second."""
    name, number = (_sector(_disk(lab, uuid), _TICK) or '- 0').split()
    return name, int(number)


def twice(lab: Lab, uuid: str) -> str:
    """The boot that wrote to its disk beside another one; '' if none."""
    return _sector(_disk(lab, uuid), _TWICE)


def _sector(disk: bytes, number: int) -> str:
    found = disk[number * _SECTOR : (number + 1) * _SECTOR]
    return found.rstrip(b'\0').decode().strip()


def _disk(lab: Lab, uuid: str) -> bytes:
    """What a guest has written, on a volume or in a file."""
    file = lab.instances / uuid / 'disk'
    if not file.exists():
        return ceph.read(lab, _volume(lab, uuid), _BYTES)
    with open(file, 'rb') as disk:
        return disk.read(_BYTES)


def _volume(lab: Lab, uuid: str) -> str:
    """The image in Ceph that is its disk."""
    for host in lab.hosts:
        if found := _defined(lab, host, uuid, _VOLUME):
            return found
    raise LabError(f'{uuid} has neither a file nor a volume')


def running(lab: Lab) -> dict[str, list[Process]]:
    """Every QEMU of the lab, by the instance that it runs."""
    found: dict[str, list[Process]] = {}
    for host in lab.hosts:
        for uuid, process in _on(host):
            found.setdefault(uuid, []).append(process)
    return found


def _on(host: str) -> Iterator[tuple[str, Process]]:
    for pid in processes.members(host):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            argv = pathlib.Path(f'/proc/{pid}/cmdline').read_text().split('\0')
            if 'qemu-system' in argv[0] and '-uuid' in argv:
                uuid = argv[argv.index('-uuid') + 1]
                yield uuid, Process(host, pid, '-incoming' in argv)


def process_of(lab: Lab, uuid: str) -> Process:
    """Its only QEMU.

    :raises LabError: it has none, or several
    """
    match running(lab).get(uuid, []):
        case [process]:
            return process
        case found:
            raise LabError(f'{uuid} has {len(found)} processes: {found}')


def ask(lab: Lab, uuid: str) -> Boot:
    """What it answers through its agent.

    :raises LabError: it does not answer
    """
    number, name, where = _act(lab, uuid, 'self')[1].split()
    return Boot(int(number), name, where)


def answers_pings(boot: Boot) -> bool:
    """Whether it answers the controller."""
    argv = ['ping', '-c', '1', '-W', '1', boot.address]
    said = processes.run(processes.inside('controller', argv), check=False)
    return ' 0% packet loss' in said


def _act(lab: Lab, uuid: str, word: str) -> tuple[float, str]:
    uri = libvirtd.uri(lab, process_of(lab, uuid).host)
    script = pathlib.Path(__file__).with_name('sdk') / 'act.py'
    said = processes.run(
        [lab.venv / 'bin/python', script, uri, uuid, word],
        env={'PYTHONPATH': str(hosts.bindings(lab))},
    )
    moment, _, rest = said.partition(' ')
    return float(moment), rest.strip()


# Breaking. Each tells the ledger, does not wait for what follows, and
# returns the moment right before, in seconds since the epoch.


def kill(lab: Lab, uuid: str) -> float:
    """kill -9 of its QEMU."""
    process = process_of(lab, uuid)
    _tell(lab, 'kill', uuid, process.host)
    moment = time.time()
    processes.send([process.pid], signal.SIGKILL)
    return moment


def panic(lab: Lab, uuid: str) -> float:
    """Its kernel panics."""
    return _do(lab, uuid, 'panic')


def hang(lab: Lab, uuid: str) -> float:
    """Everything in it stops, but for its kernel; its watchdog fires."""
    return _do(lab, uuid, 'hang')


def fill(lab: Lab, uuid: str) -> float:
    """Its storage has no room: QEMU pauses it when it writes next."""
    _tell(lab, 'fill', uuid, process_of(lab, uuid).host)
    moment = time.time()
    _full(lab, uuid).touch()
    return moment


def make_room(lab: Lab, uuid: str) -> None:
    """Its storage works again."""
    _full(lab, uuid).unlink(missing_ok=True)


def unplug(lab: Lab, uuid: str) -> float:
    """Nothing goes through its network any more."""
    host = process_of(lab, uuid).host
    tap = _tap(lab, host, uuid)
    _tell(lab, 'unplug', uuid, host)
    moment = time.time()
    fabric.set_link_of(host, tap, 'down')
    return moment


def end_all(lab: Lab) -> None:
    """End what runs, Nova may know of it or not.

    Who was deleted while Nova had it on another host runs on; its address is
    given to the next guest, and it would answer for that one.
    """
    for uuid, found in running(lab).items():
        for process in found:
            virsh = ['virsh', '-c', libvirtd.uri(lab, process.host)]
            for word in ('destroy', 'undefine'):
                processes.run([*virsh, word, uuid], check=False)


def _do(lab: Lab, uuid: str, word: str) -> float:
    _tell(lab, word, uuid, process_of(lab, uuid).host)
    return _act(lab, uuid, word)[0]


def _tell(lab: Lab, kind: str, uuid: str, host: str) -> None:
    Ledger(lab.ledger).append(Kind.FAULT, host, uuid, kind)


def _full(lab: Lab, uuid: str) -> pathlib.Path:
    return lab.instances / uuid / 'disk.full'


def _tap(lab: Lab, host: str, uuid: str) -> str:
    """The host's end of its network."""
    if found := _defined(lab, host, uuid, _TAP):
        return found
    raise LabError(f'{uuid} has no tap on {host}')


def _defined(
    lab: Lab, host: str, uuid: str, wanted: re.Pattern[str]
) -> str | None:
    """What is told of it where the host defines it."""
    for path in libvirtd.definitions(lab, host):
        text = path.read_text()
        if uuid in text and (found := wanted.search(text)):
            return found[1]
    return None
