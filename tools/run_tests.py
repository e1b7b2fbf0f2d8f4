#!/usr/bin/env python3
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

"""Run the checks, the tests, and say in one line how it went.

Everything runs even when something fails before it, so that one turn shows
all there is to mend, and is told once more at the end: nobody has to look
for it among thousands of lines. TEST_COUNTS names a file that collects counts
and failures of several runs; without it this one's are printed.
"""

import argparse
import dataclasses
import os
import pathlib
import re
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
BIN = pathlib.Path(sys.executable).parent
SCRIPTS = [
    'devstack/lib/hass',
    'devstack/plugin.sh',
    'devstack/settings',
    *map(str, sorted(ROOT.glob('devstack/tools/*.sh'))),
]
CHECKS = (
    ('ruff check', ['ruff', 'check', '--quiet']),
    ('ruff format', ['ruff', 'format', '--check']),
    ('hacking', ['flake8']),
    ('bashate', ['bashate', '-i', 'E006', *SCRIPTS]),
    ('mypy --strict', ['mypy']),
    ('lint-imports', ['lint-imports', '--no-logo']),
    ('doc8', ['doc8', '--quiet', '.']),
    ('codespell', ['codespell']),
    ('reno', ['reno', 'lint']),
    (
        'docs',
        ['sphinx-build', '-W', '--keep-going', '-q', '-b', 'html']
        + ['doc/source', 'doc/build/html'],
    ),
)
ENDED = re.compile(r'^\{\d+\} (\S+) .*\.\.\. (?:ok|SKIPPED.*|(FAILED))$')
# Each of what a failed test tells begins so: its traceback, logs, timeline.
DETAIL = 'Captured '
DETAIL_LINES = 25
TRACEBACK = 'Captured traceback:\n'
WHY_LETTERS = 300
# Frames of a browser's machine code, without a name.
NOISE = re.compile(r'^#\d+ 0x[0-9a-f]+ <unknown>$')
TOTAL = re.compile(
    r'^ - (Passed|Skipped|Expected Fail|Unexpected Success|Failed): (\d+)$'
)


@dataclasses.dataclass
class Counts:
    """Numbers of tests, as stestr counted them, and who failed.

    :ivar details: lines about tests that failed: who, its traceback, logs …
    """

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    details: list[list[str]] = dataclasses.field(default_factory=list)
    _of_failure: bool = False

    def __str__(self) -> str:
        return (
            f'{self.passed} passed, {self.failed} failed, '
            f'{self.skipped} skipped'
        )

    def read(self, line: str) -> None:
        """Take in one line of what stestr says."""
        ended = ENDED.match(line)
        if ended:
            self._of_failure = bool(ended[2])
            if self._of_failure:
                self.details.append([f'failed: {ended[1]}\n'])
        elif line.startswith('======'):
            self._of_failure = False
        elif self._of_failure and line.startswith(DETAIL):
            self.details.append([line])
        elif self._of_failure and not NOISE.match(line):
            self.details[-1].append(line)
        found = TOTAL.match(line)
        if not found:
            return
        number = int(found[2])
        if found[1] in ('Passed', 'Expected Fail'):
            self.passed += number
        elif found[1] == 'Skipped':
            self.skipped += number
        else:
            self.failed += number

    def told_again(self) -> str:
        """Who failed and why, with the last lines of each of its details."""
        told: list[str] = []
        for first, *rest in self.details:
            if first.startswith('failed: '):
                name = len(told)
            elif first == TRACEBACK:
                # CI shows the lines with names, and may show no others.
                why = next(filter(None, map(str.strip, reversed(rest))), '')
                told[name] = f'{told[name].rstrip()} ({why[:WHY_LETTERS]})\n'
            told += first, *rest[-DETAIL_LINES:]
        return ''.join(told)


def check(name: str, command: list[str]) -> bool:
    """Run one check; show what it says only when it fails."""
    started = time.monotonic()
    done = subprocess.run(
        [str(BIN / command[0]), *command[1:]],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    good = done.returncode == 0
    if not good:
        sys.stdout.write(done.stdout)
    seconds = time.monotonic() - started
    print(
        f'{"ok" if good else "FAILED":8}{name} ({seconds:.0f} s)', flush=True
    )
    return good


def run_tests(groups: list[str], concurrency: int) -> tuple[Counts, bool]:
    """Run the groups' tests, showing each as it ends."""
    regex = rf'^hass\.tests\.({"|".join(groups)})\.'
    counts = Counts()
    command = [
        str(BIN / 'stestr'),
        'run',
        f'--concurrency={concurrency}',
        regex,
    ]
    if len(groups) == 1:
        command[1:1] = ['--test-path', f'./hass/tests/{groups[0]}']
    with subprocess.Popen(
        command,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors='replace',
    ) as running:
        assert running.stdout is not None
        for line in running.stdout:
            sys.stdout.write(line)
            sys.stdout.flush()
            counts.read(line)
    return counts, running.returncode == 0


def tell(counts: Counts, rest: str) -> None:
    collected = os.environ.get('TEST_COUNTS')
    if collected:
        with open(collected, 'a') as file:
            file.write(
                f'{counts.told_again()}{rest}'
                f'{counts.passed} {counts.failed} {counts.skipped}\n'
            )
    else:
        print(f'{counts.told_again()}{rest}{counts}')


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--checks', action='store_true', help='checks first')
    parser.add_argument('--concurrency', type=int, default=2)
    parser.add_argument('groups', nargs='*', help='folders of hass/tests')
    wanted = parser.parse_args()
    bad = []
    if wanted.checks:
        bad = [name for name, command in CHECKS if not check(name, command)]
    counts, good = Counts(), True
    if wanted.groups:
        counts, good = run_tests(wanted.groups, wanted.concurrency)
    rest = ''
    if bad:
        rest = f'checks that failed: {", ".join(bad)}\n'
    if not good and not counts.failed:
        rest += 'the tests could not be run to their end: see above\n'
    tell(counts, rest)
    return 0 if good and not bad else 1


if __name__ == '__main__':
    sys.exit(main())
