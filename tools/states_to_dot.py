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

"""Draw the machine of recoveries from the tables of installed workflows.

Writes doc/source/contributor/states.rst: each workflow as a table, and as a
picture in graphviz's language (``dot -Tsvg`` draws it; nothing here needs
graphviz). A test compares the committed page with what the tables give.
"""

from collections.abc import Iterator
import datetime
import pathlib
import sys

from hass.recovery import workflow
from hass import workflows

PAGE = pathlib.Path(__file__).parents[1] / 'doc/source/contributor/states.rst'
HEAD = """\
.. Written by tox -e genstates: change the tables in hass/recovery instead.

=======================
The states of a recovery
=======================

Every state that is not the end of a story may also lead to *held*, which the
pictures leave out: that is where deadlines and doubts go. A recovery that
nobody worked on for ``[recovery] stale_seconds`` goes on in its first state.
"""


def page() -> str:
    """The whole page."""
    lines = HEAD.splitlines()
    lines[2] = lines[4] = '=' * len(lines[3])
    for name in workflows.names():
        lines += ['', *_section(workflow.named(name))]
    return '\n'.join(lines) + '\n'


def _section(story: type[workflow.Workflow]) -> Iterator[str]:
    yield story.name
    yield '=' * len(story.name)
    yield ''
    yield _first_line(story)
    yield ''
    yield '.. list-table::'
    yield '   :header-rows: 1'
    yield '   :widths: 18 46 12 24'
    yield ''
    yield from _row('State', 'What is done in it', 'Deadline', 'Next')
    for state in states(story):
        yield from _row(
            f'*{state}*',
            _first_line(getattr(story, state)),
            _deadline(story.deadlines.get(state)),
            ', '.join(after(story, state)),
        )
    yield ''
    yield '.. code-block:: dot'
    yield ''
    yield from (f'   {line}'.rstrip() for line in dot(story))


def dot(story: type[workflow.Workflow]) -> Iterator[str]:
    """The picture of one workflow in graphviz's language."""
    yield f'digraph {story.name} {{'
    yield '  rankdir=TB; node [shape=box, style=rounded];'
    yield f'  start [shape=point]; start -> {story.initial};'
    for state in workflow.State:
        if state in workflow.ENDED and state in _named(story):
            yield f'  {state} [shape=doubleoctagon];'
    for state in states(story):
        for following in after(story, state):
            yield f'  {state} -> {following};'
    yield '}'


def states(story: type[workflow.Workflow]) -> list[workflow.State]:
    """Those that are not ends, in the order of the enumeration."""
    return [state for state in workflow.State if state in story.transitions]


def after(
    story: type[workflow.Workflow], state: workflow.State
) -> list[workflow.State]:
    """What may follow a state, in the order of the enumeration."""
    return [one for one in workflow.State if one in story.transitions[state]]


def _named(story: type[workflow.Workflow]) -> frozenset[workflow.State]:
    return frozenset().union(*story.transitions.values())


def _row(*cells: str) -> Iterator[str]:
    for number, cell in enumerate(cells):
        bullet = '-' if number else '* -'
        yield f'   {bullet:>3} {cell}'


def _deadline(deadline: datetime.timedelta | None) -> str:
    if deadline is None:
        return 'none'
    return f'{deadline.total_seconds() / 60:.0f} min'


def _first_line(documented: object) -> str:
    return (documented.__doc__ or '').strip().splitlines()[0]


def main() -> int:
    """Write the page."""
    PAGE.write_text(page())
    print(f'{PAGE} is written')
    return 0


if __name__ == '__main__':
    sys.exit(main())
