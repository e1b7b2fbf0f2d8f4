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

"""Puts the demo up, plays it, tells the result, and leaves nothing behind."""

import argparse
import contextlib
import json
import pathlib
import signal
import sys
import tempfile
from typing import Any

from rich import console as rich_console

from hass import clock as clock_
from hass import exception
from hass.simulation.demo import control
from hass.simulation.demo import operator
from hass.simulation.demo import score as score_
from hass.simulation.demo import screen as screen_
from hass.simulation.demo import story as story_
from hass.simulation.demo import world as world_

LOG_LINES = 20
INTERRUPTED = 128 + signal.SIGINT
KEEP = """
All of it stays up until Ctrl-C. Logs are in {log}. Look around:

  curl -s -H 'X-Auth-Token: {admin}' {url}/v1/hosts
  curl -s -H 'X-Auth-Token: {admin}' {url}/v1/recoveries
  curl -s -H 'X-Auth-Token: {member}' {url}/v1/instances

Or with the client, which make venv installs:

  export OS_AUTH_TYPE=admin_token OS_TOKEN={admin} OS_ENDPOINT={url}/v1
  .venv/bin/openstack ha host list
  .venv/bin/openstack ha recovery list
  .venv/bin/openstack ha recovery show {host}
"""


def play(arguments: argparse.Namespace) -> int:
    """The whole demo; returns the exit status.

    :param arguments: json, keep and timeout of the command line
    """
    signal.signal(signal.SIGTERM, _leave)
    # Ignored by what a script starts in its background.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # A terminal that cannot show a character shows another one.
    sys.stdout.reconfigure(errors='replace')  # type: ignore[union-attr]
    console = rich_console.Console()
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(
            tempfile.TemporaryDirectory(
                prefix='hass-demo-', ignore_cleanup_errors=True
            )
        )
        stage = Stage(pathlib.Path(folder), stack)
        screen = screen_.choose(console, plain=arguments.json)
        try:
            score = stage.play(screen, arguments.timeout)
        except exception.HassError as error:
            console.print(f'\nhass-demo: {error}', style='red', markup=False)
            score = stage.score()
        except KeyboardInterrupt:
            return INTERRUPTED
        log = pathlib.Path(folder, 'hass.log')
        _show_trouble(console, log, score.passed)
        screen.summary(score)
        if arguments.json:
            print(json.dumps(score.to_dict()), flush=True)
        if arguments.keep:
            stage.keep(console)
    return 0 if score.passed else 1


class Stage:
    """What stands on it is taken down when the stack is closed."""

    def __init__(
        self, folder: pathlib.Path, stack: contextlib.ExitStack
    ) -> None:
        self._clock = clock_.SystemClock()
        self._folder = folder
        self._world = world_.World(folder, self._clock)
        self._hass = control.Control(
            folder, self._world.nova, self._world, self._clock
        )
        self._stack = stack
        self._story: story_.Story | None = None

    def play(self, screen: screen_.Screen, seconds: float) -> score_.Score:
        """:raises hass.exception.HassError: something did not happen"""
        self._stack.callback(self._world.stop)
        self._world.start()
        self._stack.callback(self._hass.stop)
        self._hass.start()
        self._story = story_.Story(
            self._world, self._hass, screen, self._clock, seconds
        )
        with screen:
            self._story.begin()
            self._story.play()
        return self.score()

    def score(self) -> score_.Score:
        """As far as it came."""
        return score_.score(
            self._world.ledger,
            self._story.news if self._story else None,
            [server.uuid for server in self._world.instances()],
            list(self._world.machines),
        )

    def keep(self, console: rich_console.Console) -> None:
        """Stay up until Ctrl-C."""
        if not self._hass.url:
            return
        console.print(
            KEEP.format(
                log=self._folder / 'hass.log',
                url=self._hass.url,
                admin=operator.ADMIN,
                member=operator.MEMBER,
                host=next(iter(world_.INSTANCES)),
            ),
            highlight=False,
            soft_wrap=True,
        )
        with contextlib.suppress(KeyboardInterrupt):
            clock_.wait_for_ever()


def _show_trouble(
    console: rich_console.Console, log: pathlib.Path, passed: bool
) -> None:
    """What the log complains of, when it failed or code did."""
    with contextlib.suppress(FileNotFoundError):
        lines = log.read_text(errors='replace').splitlines()
        if passed and not any('Traceback' in line for line in lines):
            return
        told = [one for one in lines if ' WARNING ' in one or ' ERROR ' in one]
        for line in told[-LOG_LINES:]:
            console.print(line, highlight=False, markup=False, soft_wrap=True)


def _leave(number: int, frame: Any) -> None:
    raise SystemExit(128 + number)
