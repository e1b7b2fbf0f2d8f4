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

"""Debian packages that the functional tests start programs of."""

from collections.abc import Iterator
import contextlib
import fcntl
import os
import pathlib
import subprocess
import sys
import tempfile

APT = ('apt-get', '-q', '-o', 'DPkg::Lock::Timeout=600')
LOCK = pathlib.Path('/run/lock/hass-tests-apt')
POLICY = pathlib.Path('/usr/sbin/policy-rc.d')
CACHE = pathlib.Path('/var/cache/hass-tests')


class LeftOut(Exception):
    """A real part cannot be had here; the sentence says why."""


def ensure(*packages: str) -> None:
    """Install what is missing, without starting any service.

    :raises LeftOut: we are not root, or apt-get cannot install it
    """
    if not missing(packages):
        return
    if os.geteuid() != 0:
        raise LeftOut(
            f'{", ".join(missing(packages))} must be installed: run as root'
        )
    with _alone():
        wanted = missing(packages)
        if not wanted:
            return
        sys.stderr.write(f'apt-get install {" ".join(wanted)}\n')
        with _no_services_started():
            _apt('update')
            _apt('install', '-y', '--no-install-recommends', *wanted)


def kernel() -> pathlib.Path:
    """Debian's newest kernel with its modules, unpacked and not installed.

    :raises LeftOut: it cannot be had
    """
    if os.geteuid() != 0:
        raise LeftOut('a kernel must be downloaded: run as root')
    with _alone():
        done = CACHE / 'kernel'
        if not done.exists():
            with tempfile.TemporaryDirectory(dir=_cache()) as folder:
                _unpack_kernel(pathlib.Path(folder))
                (pathlib.Path(folder) / 'root').rename(done)
        return done


def _cache() -> pathlib.Path:
    CACHE.mkdir(parents=True, exist_ok=True)
    return CACHE


def _unpack_kernel(folder: pathlib.Path) -> None:
    _apt('update')
    depends = _said('apt-cache', 'depends', 'linux-image-amd64')
    wanted = [word for word in depends.split() if word.startswith('linux-')]
    _apt('download', wanted[-1], cwd=folder)
    (package,) = folder.glob('*.deb')
    _said('dpkg-deb', '--extract', str(package), str(folder / 'root'))


def _said(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise LeftOut(f'{" ".join(command)} failed: {done.stderr[-500:]}')
    return done.stdout


def missing(packages: tuple[str, ...]) -> list[str]:
    """Which of them are not installed."""
    return [package for package in packages if not _installed(package)]


def _installed(package: str) -> bool:
    try:
        state = subprocess.run(
            ['dpkg-query', '-W', '-f', '${db:Status-Status}', package],
            capture_output=True,
            text=True,
        )
    except FileNotFoundError:
        raise LeftOut('this is not a Debian system') from None
    return state.stdout == 'installed'


def _apt(*command: str, cwd: pathlib.Path | None = None) -> None:
    done = subprocess.run(
        [*APT, *command],
        cwd=cwd,
        env=os.environ | {'DEBIAN_FRONTEND': 'noninteractive'},
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        raise LeftOut(f'apt-get {command[0]} failed: {done.stderr[-500:]}')


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    with LOCK.open('w') as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def _no_services_started() -> Iterator[None]:
    """Debian starts what it installs; a test starts its own."""
    if POLICY.exists():
        yield
        return
    POLICY.write_text('#!/bin/sh\nexit 101\n')
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        POLICY.unlink()
