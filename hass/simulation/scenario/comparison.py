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

"""A scenario's log against the one that is expected of it."""

import difflib
import pathlib
import sys

from hass.simulation.scenario import phrases
from hass.simulation.scenario import play

EQUAL, DIFFERENT, BAD_FILE = 0, 1, 2


def expected_log(scenario: pathlib.Path) -> pathlib.Path:
    """The file beside it that says what HASS should do.

    :raises phrases.BadLine: the scenario has no name
    """
    if not scenario.name:
        raise phrases.BadLine(0, 'it is no file')
    return scenario.with_suffix('.expect')


def difference(scenario: pathlib.Path) -> str:
    """How the log differs from the expected one, '' when it does not.

    :raises phrases.BadLine: the scenario cannot be understood
    :raises OSError: a file cannot be read
    """
    log = play.play(scenario.read_text(encoding='utf-8'))
    expect = expected_log(scenario)
    return ''.join(
        difflib.unified_diff(
            expect.read_text(encoding='utf-8').splitlines(keepends=True),
            log.splitlines(keepends=True),
            str(expect),
            'what happened',
        )
    )


def run(file: str, *, write: bool) -> int:
    """Play one file and tell how it went; the exit code."""
    scenario = pathlib.Path(file)
    try:
        return _run(scenario, write=write)
    except phrases.BadLine as error:
        print(f'{file}: {error}', file=sys.stderr)
    except UnicodeDecodeError:
        print(f'{file}: it is no text in UTF-8', file=sys.stderr)
    except OSError as error:
        print(f'{error.filename or file}: {error.strerror}', file=sys.stderr)
    return BAD_FILE


def _run(scenario: pathlib.Path, *, write: bool) -> int:
    expect = expected_log(scenario)
    if write or not expect.exists():
        log = play.play(scenario.read_text(encoding='utf-8'))
        if write:
            expect.write_text(log, encoding='utf-8')
            print(f'{scenario}: {expect} is written')
        else:
            print(log, end='')
        return EQUAL
    found = difference(scenario)
    if found:
        print(found, end='')
        return DIFFERENT
    print(f'{scenario}: as expected')
    return EQUAL
