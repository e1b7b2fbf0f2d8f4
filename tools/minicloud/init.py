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

"""PID 1 of a compute host: agent, gate, then nova-compute.

init.py FOLDER: the folder of the host. It holds ``services.json``, a list
of services in their order of start::

    {"name": …, "argv": […], "env": {…}, "once": bool}

A service is started anew when it ends, one that runs ``once`` has to
succeed before the later ones start. The list is read again whenever it
changes: a service that is new in it is started, one that left it is asked
to end, one that became another is started anew.

It may hold ``mounts.json`` too, a list of what the host sees in other
places, ``["tmpfs", target]`` or ``[source, target]``.

Runs on the system's Python, without any other package.
"""

import contextlib
import json
import os
import pathlib
import select
import signal
import subprocess
import sys
import time

TICK_SECONDS = 0.1
RESTART_SECONDS = 1.0
STOP_SECONDS = 10.0


class Init:
    """Keeps the services of the list alive."""

    def __init__(self, folder: pathlib.Path) -> None:
        self._folder = folder
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._started: dict[str, dict[str, object]] = {}
        self._done: set[str] = set()
        self._not_before: dict[str, float] = {}
        self.leaving = False
        self._ended, bell = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(bell, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda signum, frame: None)

    def serve(self) -> None:
        """Look after the services until asked to leave."""
        while not self.leaving:
            services = self._services()
            self._reap()
            self._end_unlisted({each['name']: each for each in services})
            self._start(services)
            self._sleep()
        self._end(list(self._running))

    def _sleep(self) -> None:
        """Until the next tick, or until a process has ended.

        Who waits for an orphan to be gone, as libvirt does for a guest that
        was killed, waits for us to bury it.
        """
        if select.select([self._ended], [], [], TICK_SECONDS)[0]:
            os.read(self._ended, 4096)

    def _services(self) -> list[dict]:  # type: ignore[type-arg]
        try:
            text = (self._folder / 'services.json').read_text()
        except FileNotFoundError:
            return []
        return list(json.loads(text))

    def _reap(self) -> None:
        """Collect the services that ended, and everybody's orphans."""
        for name, process in list(self._running.items()):
            code = process.poll()
            if code is None:
                continue
            del self._running[name]
            self._not_before[name] = time.monotonic() + RESTART_SECONDS
            self._say(f'{name} ended: {code}')
            if code == 0:
                self._done.add(name)
        known = {process.pid for process in self._running.values()}
        with contextlib.suppress(ChildProcessError):
            while True:
                info = os.waitid(
                    os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT
                )
                if info is None or info.si_pid in known:
                    return
                os.waitpid(info.si_pid, 0)

    def _start(self, services: list[dict]) -> None:  # type: ignore[type-arg]
        for service in services:
            name, once = service['name'], service.get('once', False)
            if once and name in self._done:
                continue
            if name not in self._running:
                self._start_one(service)
            if once:
                return

    def _start_one(self, service: dict) -> None:  # type: ignore[type-arg]
        name = service['name']
        if time.monotonic() < self._not_before.get(name, 0):
            return
        self._say(f'starting {name}')
        self._started[name] = service
        with open(service['log'], 'ab') as out:
            self._running[name] = subprocess.Popen(
                service['argv'],
                env={**os.environ, **service.get('env', {})},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
            )

    def _end_unlisted(self, listed: dict[str, dict[str, object]]) -> None:
        self._done &= listed.keys()
        self._end(
            [
                name
                for name in self._running
                if listed.get(name) != self._started[name]
            ]
        )

    def _end(self, names: list[str]) -> None:
        for name in names:
            self._running[name].terminate()
        deadline = time.monotonic() + STOP_SECONDS
        for name in names:
            process = self._running.pop(name)
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            self._not_before.pop(name, None)
            self._say(f'{name} was ended')

    def _say(self, text: str) -> None:
        print(f'{time.clock_gettime(time.CLOCK_BOOTTIME):.3f} {text}')
        sys.stdout.flush()


def set_up(folder: pathlib.Path, name: str) -> None:
    """Give the host a name and a boot of its own."""
    subprocess.run(['hostname', name], check=True)
    boot = '/proc/sys/kernel/random/boot_id'
    subprocess.run(
        ['mount', '--bind', str(folder / 'boot_id'), boot], check=True
    )
    with contextlib.suppress(FileNotFoundError):
        for source, target in json.loads((folder / 'mounts.json').read_text()):
            _mount(source, target)


def _mount(source: str, target: str) -> None:
    how = ['-t', 'tmpfs'] if source == 'tmpfs' else ['--bind']
    if not os.path.isfile(source):
        os.makedirs(target, exist_ok=True)
    subprocess.run(['mount', *how, source, target], check=True)


if __name__ == '__main__':
    home = pathlib.Path(sys.argv[1])
    set_up(home, home.name)
    init = Init(home)

    def leave(signum: int, frame: object) -> None:
        init.leaving = True

    signal.signal(signal.SIGTERM, leave)
    init.serve()
