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

"""The hosts and the evacuations, drawn for a terminal."""

from collections.abc import Iterable

from rich import columns
from rich import console as rich_console
from rich import panel
from rich import progress_bar
from rich import table
from rich import text

from hass.simulation.demo import machine
from hass.simulation.demo import news as news_
from hass.simulation.demo import world as world_
from hass.simulation import nova_rows

PANEL_COLUMNS = 20
HOST_COLUMNS = 10
STATE_COLUMNS = 15
BAR_COLUMNS = 30
LEGEND = 'guests: 01 runs, ~01 is being moved, !01 does not run'
GOOD, BUSY, BAD, DULL = 'green', 'yellow', 'red', 'dim'
STATE_STYLES = {
    'fencing': BAD,
    'held': BAD,
    news_.RUNNING: GOOD,
    'finished': GOOD,
    'returned': GOOD,
}
STAGES = {'rebuilding': 1, 'rebuild_spawning': 2}
"""Of three: asked for, being built, running."""


def timeline(line: news_.Line) -> table.Table:
    """One line of the story: when, who, what, and why."""
    grid = _grid(9, HOST_COLUMNS, STATE_COLUMNS)
    grid.add_row(
        f'+{line.seconds:5.1f} s',
        line.host,
        text.Text(line.state, STATE_STYLES.get(line.state, BUSY)),
        line.text,
    )
    return grid


def picture(
    world: world_.World, news: news_.News
) -> rich_console.RenderableType:
    """All hosts side by side, and a bar for each evacuation under way."""
    services = world.services()
    servers = world.instances()
    hosts = columns.Columns(
        [
            _host(one, services[name], [s for s in servers if s.host == name])
            for name, one in world.machines.items()
        ],
        padding=(0, 0),
    )
    legend = text.Text(LEGEND, DULL)
    return rich_console.Group('', hosts, legend, *_bars(world, news, servers))


def _host(
    one: machine.Machine, service: str, servers: Iterable[nova_rows.Server]
) -> panel.Panel:
    power = text.Text('on', GOOD) if one.host.is_on else text.Text('OFF', BAD)
    agent = one.agent_state
    grid = _grid(7)
    grid.add_row('power', power)
    grid.add_row('agent', text.Text(agent, _style(agent, 'beats', 'starts')))
    grid.add_row('nova', text.Text(service, _style(service, 'up')))
    grid.add_row('guests', _guests(one, servers))
    healthy = one.host.is_on and agent == 'beats' and service == 'up'
    return panel.Panel(
        grid,
        title=one.name,
        width=PANEL_COLUMNS,
        height=8,
        padding=0,
        border_style=GOOD if healthy else BAD,
    )


def _guests(
    one: machine.Machine, servers: Iterable[nova_rows.Server]
) -> text.Text:
    """Their numbers, as the legend says."""
    shown = text.Text()
    for server in servers:
        number = server.name.removeprefix('vm-')
        if server.task_state:
            shown.append(f'~{number} ', BUSY)
        elif server.uuid in one.host.guests:
            shown.append(f'{number} ', GOOD)
        else:
            shown.append(f'!{number} ', BAD)
    return shown


def _bars(
    world: world_.World, news: news_.News, servers: list[nova_rows.Server]
) -> Iterable[rich_console.RenderableType]:
    for name in world.machines:
        wanted = set(news.evacuating(name))
        moving = [server for server in servers if server.uuid in wanted]
        if not moving:
            continue
        stages = [_stage(server, name) for server in moving]
        grid = _grid(HOST_COLUMNS, BAR_COLUMNS)
        grid.add_row(
            name,
            progress_bar.ProgressBar(
                3 * len(stages), sum(stages), width=BAR_COLUMNS - 1
            ),
            f'{stages.count(3)} of {len(stages)} run elsewhere',
        )
        yield grid


def _stage(server: nova_rows.Server, source: str) -> int:
    if server.task_state is None and server.host != source:
        return 3
    return STAGES.get(server.task_state or '', 0)


def _style(word: str, good: str, busy: str = '') -> str:
    if word == good:
        return GOOD
    return BUSY if word == busy else BAD


def _grid(*widths: int) -> table.Table:
    """Columns of these widths, and one more that takes the rest."""
    grid = table.Table.grid()
    for width in widths:
        grid.add_column(width=width)
    grid.add_column()
    return grid
