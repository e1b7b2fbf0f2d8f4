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

"""Types commands of ``openstack``, each in a process of its own.

Each is forked off one that has loaded the client and its plugins already.
Loading takes two seconds of the processor, the command a few hundredths.
"""

import contextlib
import functools
import io
import multiprocessing
from multiprocessing import forkserver
import os
import subprocess
import sys
import tempfile

import fixtures
from openstackclient import shell

LOADED = f'{__package__}.loaded'


class Reader(shell.OpenStackShell):
    """Understands a command, and asks nobody for anything."""

    def run_subcommand(self, argv):
        make, name, rest = self.command_manager.find_command(argv)
        make(self, self.options).get_parser(name).parse_args(rest)
        return 0


def type_one(words, *, env, cwd, seconds, stdin='', kind=shell.OpenStackShell):
    """A CompletedProcess, as subprocess.run would give.

    :param kind: Reader, if the command shall be understood only
    :raises subprocess.TimeoutExpired: it was killed after so many seconds
    """
    with contextlib.ExitStack() as stack:
        files = [
            stack.enter_context(tempfile.NamedTemporaryFile('w+'))
            for _ in range(3)
        ]
        files[0].write(stdin)
        files[0].flush()
        names = [file.name for file in files]
        process = _context().Process(
            target=_type, args=(kind, words, env, str(cwd), names)
        )
        process.start()
        process.join(seconds)
        if process.exitcode is None:
            process.kill()
            process.join()
            raise subprocess.TimeoutExpired(words, seconds)
        return subprocess.CompletedProcess(
            words,
            process.exitcode,
            *(file.read() for file in files[1:]),
        )


@functools.cache
def _context():
    made = multiprocessing.get_context('forkserver')
    made.set_forkserver_preload([LOADED, __name__])
    # Nothing of this machine's own configuration comes in.
    with fixtures.EnvironmentVariable('HOME', '/nonexistent'):
        forkserver.ensure_running()
    return made


def _type(kind, words, env, cwd, names):
    os.environ.clear()
    os.environ.update(env)
    os.chdir(cwd)
    for number, name in enumerate(names):
        os.dup2(os.open(name, os.O_RDWR | os.O_APPEND), number)
    sys.stdin, sys.stdout, sys.stderr = (
        io.TextIOWrapper(open(number, mode, buffering=0), write_through=True)
        for number, mode in enumerate(('rb', 'wb', 'wb'))
    )
    sys.argv = ['openstack', *words]
    sys.exit(kind().run(words))
