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

"""Commands and daemons, in namespaces of their own."""

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
import contextlib
import os
import pathlib
import signal
import subprocess
import time
import typing

from tools.minicloud.lab import Lab
from tools.minicloud.lab import LabError
from tools.minicloud.lab import namespace

Argument = str | os.PathLike[str]

# Longer than any command of ours: who hangs is named, and ends.
SECONDS = 1200
# How long a daemon may take to be ready, on a slow and busy machine.
START_SECONDS = 240
# How long what was killed or stopped may take to be so.
END_SECONDS = 60

# Must not leak from the caller's shell into the cloud.
_UNWANTED = (
    'PYTHONDONTWRITEBYTECODE',
    'PYTHONPATH',
    'VIRTUAL_ENV',
    'http_proxy',
    'https_proxy',
    'HTTP_PROXY',
    'HTTPS_PROXY',
    'ALL_PROXY',
    'all_proxy',
)


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment for a program of the lab."""
    kept = {k: v for k, v in os.environ.items() if k not in _UNWANTED}
    kept.setdefault('HOME', '/root')
    return {**kept, **(more or {})}


def run(
    argv: Sequence[Argument],
    *,
    env: Mapping[str, str] | None = None,
    stdin: str | None = None,
    check: bool = True,
) -> str:
    """Run a command to its end and return what it printed.

    :raises LabError: it failed and check is true, or it does not end
    """
    try:
        done = subprocess.run(
            argv,
            env=environment(env),
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
        )
    except subprocess.TimeoutExpired as error:
        raise LabError(str(error)) from error
    if check and done.returncode:
        said = (done.stderr or done.stdout).strip()[-2000:]
        raise LabError(f'{argv[0]} exited {done.returncode}: {said}')
    return done.stdout


def inside(name: str, argv: Sequence[Argument]) -> list[Argument]:
    """The same command in the network namespace of controller, …"""
    return ['ip', 'netns', 'exec', namespace(name), *argv]


def start(
    lab: Lab,
    where: str,
    name: str,
    argv: Sequence[Argument],
    env: Mapping[str, str] | None = None,
) -> int:
    """Start a daemon in a namespace and remember its process id."""
    lab.log.mkdir(parents=True, exist_ok=True)
    with open(lab.log / f'{name}.out', 'ab') as out:
        process = subprocess.Popen(
            inside(where, argv),
            env=environment(env),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            cwd=lab.run,
            start_new_session=True,
        )
    # Python would warn that its child lives on: it is meant to.
    process.returncode = 0
    pid_file(lab, name).write_text(f'{process.pid}\n')
    return process.pid


def pid_file(lab: Lab, name: str) -> pathlib.Path:
    return lab.run / f'{name}.pid'


def pid_of(lab: Lab, name: str) -> int | None:
    """The process id of a daemon that lives, else None."""
    with contextlib.suppress(FileNotFoundError, ValueError):
        pid = int(pid_file(lab, name).read_text())
        if state(pid) not in ('', 'Z'):
            return pid
    return None


def state(pid: int) -> str:
    """The letter of /proc/PID/stat (R, S, T, Z …); '' when gone."""
    return _stat(pid)[0]


def parent(pid: int) -> int:
    return int(_stat(pid)[1] or 0)


def _stat(pid: int) -> tuple[str, str]:
    try:
        text = pathlib.Path(f'/proc/{pid}/stat').read_text()
    except (FileNotFoundError, ProcessLookupError):
        return '', ''
    # The name in parentheses may hold anything.
    fields = text.rpartition(')')[2].split()
    return fields[0], fields[1]


def members(name: str) -> list[int]:
    """The living processes of a network namespace."""
    said = run(['ip', 'netns', 'pids', namespace(name)], check=False)
    pids = [int(word) for word in said.split()]
    return [pid for pid in pids if state(pid) not in ('', 'Z')]


def family(pid: int, among: Iterable[int]) -> list[int]:
    """A process and its descendants, among the given ones."""
    parents = {each: parent(each) for each in among}
    found = [pid]
    for each in found:
        found += [child for child, of in parents.items() if of == each]
    return found


def send(pids: Iterable[int], signum: int) -> None:
    """Send a signal to processes, some of which may be gone."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signum)
        # Reaped when it happens to be a child of this very process.
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)


def stop(lab: Lab, name: str, seconds: float = 20) -> None:
    """Ask a daemon to end; kill it when it does not."""
    if pid := pid_of(lab, name):
        send([pid], signal.SIGTERM)
        if not until(lambda: pid_of(lab, name) is None, seconds):
            send([pid], signal.SIGKILL)
    pid_file(lab, name).unlink(missing_ok=True)


def until(
    true: Callable[[], typing.Any], seconds: float, every: float = 0.05
) -> bool:
    """Wait for a condition; False when it did not come true in time."""
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(every)
    return True


def await_port(
    lab: Lab, where: str, address: str, port: int, daemon: str
) -> None:
    """Wait until a daemon listens.

    :raises LabError: it died, or START_SECONDS went by
    """
    probe = (
        'import socket,sys; '
        'socket.create_connection((sys.argv[1], int(sys.argv[2])), 2)'
    )
    argv = inside(where, ['python3', '-SEc', probe, address, str(port)])

    def answered() -> bool:
        if pid_of(lab, daemon) is None:
            raise LabError(f'{daemon} died; see {lab.log / daemon}.out')
        return subprocess.run(argv, capture_output=True).returncode == 0

    if not until(answered, START_SECONDS, every=0.2):
        raise LabError(f'{daemon} does not listen on {address}:{port}')
