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

"""The commands that the documentation tells readers to type.

In a literal block a line that begins with ``$ `` is typed by anybody, one
that begins with ``# `` by root; what follows without a prompt is what the
command says. Lines that end in a backslash, or within quotes, go on.
"""

from collections.abc import Iterator
import dataclasses
import pathlib
import re
import shlex

ROOT = pathlib.Path(__file__).parents[2]
OTHERS = ('README.rst', 'CONTRIBUTING.rst', 'HACKING.rst')
FOLDERS = ('doc/source', 'devstack', 'tools/minicloud')
TYPED = frozenset({'bash', 'console', 'shell'})
"""Languages of code blocks in which commands are looked for."""


@dataclasses.dataclass(frozen=True)
class Command:
    """One command: of which page, as text, and in words."""

    page: str
    text: str

    @property
    def words(self) -> list[str]:
        return shlex.split(self.text)

    def __str__(self) -> str:
        return f'{self.page}: {self.text}'


def pages() -> list[pathlib.Path]:
    """All that readers are given but the notes of releases."""
    found = [ROOT / name for name in OTHERS]
    for folder in FOLDERS:
        found += sorted((ROOT / folder).rglob('*.rst'))
    return found


def blocks(page: pathlib.Path) -> Iterator[list[str]]:
    """The lines of each literal block, without its indent."""
    lines = page.read_text().splitlines()
    for number, line in enumerate(lines):
        if not _opens(line):
            continue
        indent = len(line) - len(line.lstrip())
        block = []
        for inner in lines[number + 1 :]:
            depth = len(inner) - len(inner.lstrip())
            if inner.strip() and depth <= indent:
                break
            block.append(inner)
        yield _shifted(block)


def _opens(line: str) -> bool:
    directive = re.match(r' *\.\. ([\w-]+):: *(\S*)$', line)
    if directive:
        return directive[1] == 'code-block' and directive[2] in TYPED
    is_comment = line.lstrip().startswith('.. ')
    return line.rstrip().endswith('::') and not is_comment


def _shifted(block: list[str]) -> list[str]:
    depths = [len(one) - len(one.lstrip()) for one in block if one.strip()]
    return [one[min(depths, default=0) :] for one in block if one.strip()]


def commands() -> list[Command]:
    """Every command of every page, in their order."""
    found = []
    for page in pages():
        name = str(page.relative_to(ROOT))
        for block in blocks(page):
            found += [Command(name, text) for text in typed(block)]
    return found


def typed(block: list[str]) -> list[str]:
    """What is to be typed in a block, each command on one line or more."""
    found = []
    lines = iter(block)
    for line in lines:
        if line[:2] not in {'$ ', '# '} or not _is_typed(block):
            continue
        text = line[2:]
        while _goes_on(text):
            text += '\n' + next(lines)
        found.append(text.replace('\\\n', ''))
    return found


def _is_typed(block: list[str]) -> bool:
    """A file of options may have comments; it begins with a section."""
    return block[0][:2] in {'$ ', '# '}


def _goes_on(text: str) -> bool:
    if text.endswith('\\'):
        return True
    try:
        shlex.split(text)
    except ValueError:
        return True
    return False


def literals() -> Iterator[Command]:
    """What stands in the text between double backquotes."""
    for page in pages():
        name = str(page.relative_to(ROOT))
        text = page.read_text()
        for found in re.findall('``(.+?)``', text, re.DOTALL):
            yield Command(name, ' '.join(found.split()))
