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

"""What our commands have in common."""

import argparse
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
import math
import pathlib
import re
import shutil
import sys
import textwrap
from typing import Any

from cliff import columns
from osc_lib.cli import format_columns
from osc_lib.command import command
from osc_lib import exceptions
from osc_lib import utils
import yaml

from hassclient import errors
from hassclient.v1 import proxy

NAMED = ('cluster', 'host', 'instance', 'project', 'recovery', 'loss')
"""Arguments that are names or ids of something."""
SENTENCES = frozenset(
    {
        'doubts',
        'ended_why',
        'explanation',
        'guest_layers_why',
        'maintenance_why',
        'unprotected_why',
        'warnings',
        'why',
    }
)
"""Fields that hold a sentence, or several."""
LAYERS = (
    'power',
    'hardware',
    'os',
    'network',
    'instance',
    'guest_os',
    'guest_network',
)
RANKS = {
    'Layer': (*LAYERS, 'storage', 'compute', 'libvirt', 'membership'),
    'Health': ('unknown', 'ok', 'warning', 'critical', 'failed'),
}
"""Words that are sorted as they stand here, by the column they are in."""
NO_END = 100_000
NAMES, LEAST = 24, 40
"""Columns for the names and the lines of a table; the values have more."""

Row = tuple[Any, ...]
Table = tuple[Sequence[str], Iterable[Row]]


class Nested(columns.FormattableColumn[Any]):
    """What is neither a list of words nor words by name."""

    def human_readable(self) -> str:
        return yaml.safe_dump(self._value, sort_keys=False).rstrip()

    def machine_readable(self) -> Any:
        return self._value


class Listed(columns.FormattableColumn[Any]):
    """Words in the order that they have: layers begin with the lowest."""

    def human_readable(self) -> str:
        return ', '.join(map(str, self._value))


class Ranked(columns.FormattableColumn[str]):
    """A word that --sort-column puts at its rank and not by its letters.

    :param ranks: all such words, the lowest first
    """

    def __init__(self, value: str, ranks: Sequence[str]) -> None:
        super().__init__(value)
        self._ranks = ranks

    def __lt__(self, other: object) -> bool:
        return isinstance(other, Ranked) and self._key() < other._key()

    def human_readable(self) -> str:
        return self._value

    def _key(self) -> tuple[bool, int, str]:
        known = self._value in self._ranks
        rank = self._ranks.index(self._value) if known else 0
        return not known, rank, self._value


class Told(columns.FormattableColumn[Any]):
    """What tables show in lines of its own, and JSON and YAML as it is.

    Lines break where the terminal ends, less the column of field names.
    """

    def __init__(self, value: Any, lines: Iterable[str]) -> None:
        super().__init__(value)
        self._lines = list(lines)

    def human_readable(self) -> str:
        # What is no terminal breaks no lines.
        columns = shutil.get_terminal_size((NO_END, 0)).columns
        width = max(columns - NAMES, LEAST)
        return '\n'.join(
            part
            for line in self._lines
            for part in textwrap.wrap(line, width, subsequent_indent='  ')
        )

    def machine_readable(self) -> Any:
        return self._value


class Client:
    """For commands: the proxy, as this user."""

    app: Any

    @property
    def client(self) -> proxy.Proxy:
        """:raises osc_lib.exceptions.CommandError: the cloud has no HASS"""
        found: proxy.Proxy = self.app.client_manager.hass
        return found


class Command(Client, command.Command):
    """Does something and shows nothing."""

    def take_action(self, parsed_args: Any) -> None:
        check_names(parsed_args)
        with errors.told():
            self.act(parsed_args)

    def act(self, args: Any) -> None:
        raise NotImplementedError


class ShowOne(Client, command.ShowOne):
    """Shows fields of one thing."""

    def take_action(self, parsed_args: Any) -> Any:
        check_names(parsed_args)
        with errors.told():
            fields = self.act(parsed_args)
        return tuple(fields), tuple(map(column, fields.values()))

    def act(self, args: Any) -> dict[str, Any]:
        """The fields, in their order."""
        raise NotImplementedError


class Lister(Client, command.Lister):
    """Shows a table."""

    def take_action(self, parsed_args: Any) -> Any:
        check_names(parsed_args)
        with errors.told():
            heads, rows = self.act(parsed_args)
            # Pages are asked for here, where errors are told.
            return heads, [
                tuple(map(column, row, map(RANKS.get, heads))) for row in rows
            ]

    def act(self, args: Any) -> Table:
        raise NotImplementedError


def check_names(args: argparse.Namespace) -> None:
    """Whether each argument that is a name can be one.

    :raises osc_lib.exceptions.CommandError: one cannot; it says which
    """
    for name in NAMED:
        value = getattr(args, name, None)
        if isinstance(value, str) and value in proxy.NO_NAMES:
            raise exceptions.CommandError(f'{name}: {proxy.no_name(value)}')


def check_change(args: argparse.Namespace, fields: Mapping[str, Any]) -> None:
    """Whether there is anything to change.

    :raises osc_lib.exceptions.CommandError: no option says what
    """
    if not fields:
        raise exceptions.CommandError(
            'nothing is to be changed: --help tells the options, of which '
            'one must be given'
        )


def column(value: Any, ranks: Sequence[str] | None = None) -> Any:
    """A value as tables show it and as JSON and YAML have it."""
    match value:
        case str() if ranks:
            return Ranked(value, ranks)
        case dict() if _plain(value.values()):
            return format_columns.DictColumn(value)
        case list() if _plain(value):
            return Listed(value)
        case dict() | list():
            return Nested(value)
    return value


def _plain(values: Iterable[Any]) -> bool:
    return not any(isinstance(value, dict | list) for value in values)


def fields(thing: Any, names: Iterable[str]) -> dict[str, Any]:
    """These attributes of a resource."""
    return sentences({name: getattr(thing, name) for name in names})


def sentences(found: Mapping[str, Any]) -> dict[str, Any]:
    """The same fields; tables have a line for each sentence."""
    return {
        name: Told(value, [value] if isinstance(value, str) else value)
        if value is not None and name in SENTENCES
        else value
        for name, value in found.items()
    }


def rows(things: Iterable[Any], names: Sequence[str]) -> list[Row]:
    """These attributes of each resource."""
    return [tuple(fields(thing, names).values()) for thing in things]


def heads(names: Iterable[str]) -> list[str]:
    """``state_since``: State Since."""
    known = {'uuid': 'UUID', 'project_id': 'Project ID', 'bmc': 'BMC'}
    return [known.get(n, n.replace('_', ' ').title()) for n in names]


def each(
    names: Iterable[str], what: str, act: Callable[[str], object]
) -> None:
    """Do it to each, the others also when it fails for one.

    :param what: it was to be done, as in ``delete cluster``
    :raises osc_lib.exceptions.CommandError: naming those it failed for
    """
    failed = []
    for name in names:
        try:
            with errors.told():
                act(name)
        except exceptions.CommandError as error:
            failed.append(f'could not {what} {name or repr(name)}: {error}')
    if failed:
        raise exceptions.CommandError('\n'.join(failed))


def pair(text: str) -> tuple[str, str]:
    """``name=value``; as an argparse type."""
    name, equals, value = text.partition('=')
    if not name or not equals:
        raise argparse.ArgumentTypeError(f'{text!r} is not NAME=VALUE')
    return name, value


def number(least: int, most: int | None = None) -> Callable[[str], int]:
    """A whole number; as an argparse type."""
    end = 'on' if most is None else f'to {most}'

    def read(text: str) -> int:
        found = int(text) if re.fullmatch('-?[0-9]{1,18}', text) else None
        if found is None or found < least or (most and found > most):
            raise argparse.ArgumentTypeError(
                f'{text!r}: wanted is a whole number from {least} {end}'
            )
        return found

    return read


def seconds(least: float, most: float | None = None) -> Callable[[str], float]:
    """A time; as an argparse type."""
    end = 'or more' if most is None else f'to {most:g}'

    def read(text: str) -> float:
        try:
            found = float(text)
        except ValueError:
            found = math.nan
        if not least <= found <= (most or sys.float_info.max):
            raise argparse.ArgumentTypeError(
                f'{text!r}: wanted are seconds, {least:g} {end}'
            )
        return found

    return read


def order(text: str) -> tuple[str, str | None]:
    """``key``, ``key:asc`` or ``key:desc``; as an argparse type."""
    key, colon, direction = text.partition(':')
    if not key or (colon and direction not in ('asc', 'desc')):
        raise argparse.ArgumentTypeError(
            f'{text!r}: wanted is KEY, KEY:asc or KEY:desc'
        )
    return key, direction or None


def document(text: str) -> Any:
    """JSON or YAML, of which JSON is a part; as an argparse type.

    ``@FILE`` is read.
    """
    try:
        if text.startswith('@'):
            text = pathlib.Path(text[1:]).read_text(encoding='utf-8')
        return yaml.safe_load(text)
    except (OSError, UnicodeError, yaml.YAMLError) as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def add_long(parser: Any) -> None:
    """For lists that have more to tell than fits."""
    parser.add_argument(
        '--long', action='store_true', help='Show more columns.'
    )


def add_pages(parser: Any) -> None:
    """The options of long lists."""
    parser.add_argument(
        '--limit',
        metavar='<number>',
        type=number(1),
        help='Show so many at most (default: all).',
    )
    parser.add_argument(
        '--marker',
        metavar='<uuid>',
        help='Begin after this one, the last of the list before.',
    )
    parser.add_argument(
        '--since',
        metavar='<moment>',
        help='Only those of then and later, in ISO 8601 (UTC without an '
        'offset).',
    )
    parser.add_argument(
        '--sort',
        metavar='<key>[:<direction>]',
        type=order,
        default=(None, None),
        help='Sort by a field of the API, as name:desc; one that is unknown '
        'is answered with those that there are.',
    )


def pages(args: argparse.Namespace) -> dict[str, Any]:
    """What these options say, as the lists of the proxy take it."""
    key, direction = args.sort
    return {
        'limit': args.limit,
        'marker': args.marker,
        'since': args.since,
        'sort_key': key,
        'sort_dir': direction,
    }


def add_history(parser: Any) -> None:
    """The options of long lists of what ends some day."""
    parser.add_argument(
        '--open',
        action=argparse.BooleanOptionalAction,
        help='Only those that have not ended, or that have.',
    )
    add_long(parser)
    add_pages(parser)


is_uuid = utils.is_uuid_like
