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

"""The rules of the house that a machine can see, for flake8.

A rule is a code, a sentence and a question about one node of the syntax
tree. HACKING.rst lists the rules; test_hacking.py holds them to it.
"""

import ast
from collections.abc import Callable
from collections.abc import Iterator
import dataclasses
import pathlib

CATCH_ALLS = ('Exception', 'BaseException')
CLOCK_READERS = (
    'clock_gettime',
    'clock_gettime_ns',
    'monotonic',
    'monotonic_ns',
    'perf_counter',
    'perf_counter_ns',
    'time',
    'time_ns',
)
NAMELESS = frozenset({'common', 'helpers', 'misc', 'util', 'utils'})
TESTS = 'hass/tests'
TOOLS = 'tools'


@dataclasses.dataclass(frozen=True, slots=True)
class Rule:
    """What is wrong, and the paths where it is right."""

    code: str
    sentence: str
    breaks: Callable[[ast.AST], bool]
    free: tuple[str, ...] = ()

    def holds_in(self, path: pathlib.PurePath) -> bool:
        return not any(path.is_relative_to(free) for free in self.free)


def imports_eventlet(node: ast.AST) -> bool:
    if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom):
        names = [node.module or '']
    else:
        return False
    return any(name.split('.')[0] == 'eventlet' for name in names)


def catches_everything(node: ast.AST) -> bool:
    """Whether it is a catch-all that keeps what it caught.

    Cleaning up and raising on is no answer, so it is allowed.
    """
    if not isinstance(node, ast.ExceptHandler):
        return False
    last = node.body[-1]
    if isinstance(last, ast.Raise) and last.exc is None:
        return False
    caught = node.type
    kinds = caught.elts if isinstance(caught, ast.Tuple) else [caught]
    return any(
        kind is None or ast.unparse(kind) in CATCH_ALLS for kind in kinds
    )


def uses_global_conf(node: ast.AST) -> bool:
    return _takes(node, ('cfg', 'oslo_config.cfg'), ('CONF',))


def reads_a_clock(node: ast.AST) -> bool:
    return (
        _takes(node, ('time',), CLOCK_READERS)
        or _takes(node, ('datetime', 'datetime.datetime'), ('now', 'utcnow'))
        or _takes(
            node,
            ('date', 'datetime', 'datetime.date', 'datetime.datetime'),
            ('today',),
        )
        or _takes(node, ('timeutils', 'oslo_utils.timeutils'), ('utcnow',))
    )


def sleeps(node: ast.AST) -> bool:
    return _takes(node, ('time',), ('sleep',))


def makes_a_proof(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and (
        ast.unparse(node.func).rpartition('.')[2] == 'FencedHost'
    )


def _takes(
    node: ast.AST, owners: tuple[str, ...], names: tuple[str, ...]
) -> bool:
    """Whether the node is owner.name, or imports name from owner."""
    if isinstance(node, ast.Attribute):
        return node.attr in names and ast.unparse(node.value) in owners
    return (
        isinstance(node, ast.ImportFrom)
        and node.module in owners
        and any(alias.name in names for alias in node.names)
    )


RULES = (
    Rule('HS101', 'eventlet is not used here: use threads', imports_eventlet),
    Rule(
        'HS102',
        'catch the class that you can answer, not everything',
        catches_everything,
        free=(
            'hass/agent/service.py',
            'hass/detection/panel.py',  # Plug-ins may raise anything.
            'hass/engine/dispatcher.py',
            'hass/recovery/runner.py',
            TESTS,
            TOOLS,
        ),
    ),
    Rule(
        'HS103',
        'no global configuration: take the group in the constructor',
        uses_global_conf,
    ),
    Rule(
        'HS104',
        'only hass/clock.py reads the time: take a Clock',
        reads_a_clock,
        free=('hass/clock.py', 'hassclient/clock.py', 'hass_oracle', TOOLS),
    ),
    Rule(
        'HS105',
        'wait for a condition with a deadline, do not sleep',
        sleeps,
        free=(TESTS, 'hass/simulation', 'hass_oracle', TOOLS),
    ),
    Rule(
        'HS106',
        'only hass/fencing/base.py makes a FencedHost: ask a Prover',
        makes_a_proof,
        free=('hass/fencing/base.py',),
    ),
)


class HouseRules:
    """A flake8 plugin: one walk through the tree of one file."""

    name = 'hass-house-rules'
    version = '1.0'

    def __init__(self, tree: ast.AST, filename: str) -> None:
        self._tree = tree
        path = pathlib.Path(filename)
        if path.is_absolute() and path.is_relative_to(pathlib.Path.cwd()):
            path = path.relative_to(pathlib.Path.cwd())
        self._path = path

    def run(self) -> Iterator[tuple[int, int, str, type]]:
        """Yield line, column, sentence and plugin for each breach."""
        if NAMELESS.intersection(self._path.with_suffix('').parts):
            yield 1, 0, 'HS107 name the module after what it holds', type(self)
        rules = [rule for rule in RULES if rule.holds_in(self._path)]
        for node in ast.walk(self._tree):
            for rule in rules:
                if rule.breaks(node):
                    line = getattr(node, 'lineno', 1)
                    column = getattr(node, 'col_offset', 0)
                    yield (
                        line,
                        column,
                        f'{rule.code} {rule.sentence}',
                        type(self),
                    )
