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

"""What the demo shows: a moving picture on a terminal, else lines."""

from typing import Self

from rich import console as rich_console
from rich import live
from rich import table

from hass.simulation.demo import news as news_
from hass.simulation.demo import picture
from hass.simulation.demo import score as score_
from hass.simulation.demo import world as world_

COLUMNS = {
    'fault': 'fault',
    'decided_s': 'decided',
    'fenced_s': 'proved off',
    'first_evacuate_s': 'first evacuate',
    'all_active_s': 'all run again',
    'returned_s': 'back in service',
}


class Screen:
    """Lines, one for each thing that happens; a context manager."""

    def __init__(self, console: rich_console.Console) -> None:
        self._console = console

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing more is drawn."""

    def say(self, what: str) -> None:
        """Something that was prepared."""
        self._print(f'· {what}', 'dim')

    def scene(self, title: str) -> None:
        """Something begins."""
        self._console.print(f'\n{title}', style='bold', highlight=False)

    def line(self, line: news_.Line) -> None:
        """HASS did something."""
        self._print(
            f'+{line.seconds:5.1f} s  {line.host}  {line.state}: {line.text}'
        )

    def draw(self, world: world_.World, news: news_.News) -> None:
        """How things stand now."""

    def _print(self, text: str, style: str = '') -> None:
        """A terminal gets whole words, a file gets whole lines."""
        self._console.print(
            text,
            style=style,
            highlight=False,
            soft_wrap=not self._console.is_terminal,
        )

    def summary(self, score: score_.Score) -> None:
        """The table at the end."""
        self._console.print()
        self._console.print(_summary(score))
        count = score.instances
        self._console.print(
            f'the oracle: {count.protected} instances protected, '
            f'{count.recovered} recovered, {count.lost} lost, '
            f'{count.started_twice} started twice',
            highlight=False,
        )
        for breach in score.breaches:
            self._console.print(f'  {breach}', style='red', highlight=False)
        word = 'pass' if score.passed else 'FAIL'
        style = 'bold green' if score.passed else 'bold red'
        self._console.print(word, style=style)


class LiveScreen(Screen):
    """The same, with a picture of the hosts that moves below the lines."""

    def __init__(self, console: rich_console.Console) -> None:
        super().__init__(console)
        self._live = live.Live(
            console=console, auto_refresh=False, transient=True
        )

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def line(self, line: news_.Line) -> None:
        self._console.print(picture.timeline(line))

    def draw(self, world: world_.World, news: news_.News) -> None:
        self._live.update(picture.picture(world, news), refresh=True)


def _summary(score: score_.Score) -> table.Table:
    shown = table.Table(title='seconds since the fault')
    shown.add_column('host')
    for name, heading in COLUMNS.items():
        shown.add_column(
            heading, justify='left' if name == 'fault' else 'right'
        )
    for host in score.hosts:
        cells = [getattr(host, name) for name in COLUMNS]
        shown.add_row(
            host.name, *('-' if one is None else str(one) for one in cells)
        )
    return shown


def choose(console: rich_console.Console, plain: bool) -> Screen:
    """The moving one where it can move."""
    if plain or not console.is_terminal:
        return Screen(console)
    return LiveScreen(console)
