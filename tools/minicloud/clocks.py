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

"""Clocks of their own, for a host or an engine.

The machine has one CLOCK_REALTIME for all namespaces. So a process whose
clock is to jump sees it through a preloaded library (``ahead.c``).
libfaketime is not up to it: under it, Python's time.sleep(0) fails.
"""

import pathlib
import struct

from tools.minicloud.lab import Lab
from tools.minicloud import processes

_SOURCE = pathlib.Path(__file__).with_name('ahead.c')


def give(lab: Lab, name: str) -> None:
    """What is started from now on has a clock of its own, which is right."""
    file = _file(lab, name)
    file.parent.mkdir(parents=True, exist_ok=True)
    if not _library(lab).exists():
        argv: list[processes.Argument] = ['gcc', '-shared', '-fPIC', '-O2']
        processes.run([*argv, '-o', _library(lab), _SOURCE])
    file.write_bytes(struct.pack('q', 0))


def set_ahead(lab: Lab, name: str, seconds: int) -> None:
    """Set a clock that was given so far ahead of the machine's."""
    # In place: the processes have it mapped.
    with open(_file(lab, name), 'r+b') as file:
        file.write(struct.pack('q', seconds))


def take(lab: Lab, name: str) -> None:
    """What is started from now on has the machine's clock."""
    _file(lab, name).unlink(missing_ok=True)


def environment(lab: Lab, name: str) -> dict[str, str]:
    """What a process needs to see that clock; {} if it has none."""
    if not _file(lab, name).exists():
        return {}
    return {
        'LD_PRELOAD': str(_library(lab)),
        'CLOCK_AHEAD': str(_file(lab, name)),
    }


def _library(lab: Lab) -> pathlib.Path:
    return lab.run / 'clocks' / 'ahead.so'


def _file(lab: Lab, name: str) -> pathlib.Path:
    return lab.run / 'clocks' / name
