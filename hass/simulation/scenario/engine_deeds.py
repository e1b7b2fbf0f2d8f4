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

"""What may happen to an engine."""

from hass.simulation.scenario.phrases import Phrase
from hass.simulation.scenario.stage import Stage
from hass.simulation.virtual import engines

Engine = engines.Engine
RESTS = 4
"""Turns that a slow engine leaves out after each one."""


def pause(stage: Stage, engine: Engine, seconds: float) -> None:
    engine.paused_until = engine.clock.monotonic() + seconds


def kill(stage: Stage, engine: Engine) -> None:
    engine.alive = False


def start(stage: Stage, engine: Engine) -> None:
    stage.cloud.start_engine(engine.name)


def slow_down(stage: Stage, engine: Engine) -> None:
    engine.rests = RESTS


def speed_up(stage: Stage, engine: Engine) -> None:
    engine.rests = 0


def cut_off(stage: Stage, engine: Engine) -> None:
    """From hosts and BMCs; the database is still there."""
    engine.view.apart = set(stage.cloud.hosts)
    engine.view.no_bmcs = True


def part(stage: Stage, engine: Engine, hosts: list[str]) -> None:
    engine.view.apart |= set(hosts)


def join(stage: Stage, engine: Engine) -> None:
    engine.view.apart.clear()
    engine.view.cut.clear()
    engine.view.no_bmcs = False


def lose_networks(stage: Stage, engine: Engine, networks: list[str]) -> None:
    engine.view.cut |= set(networks)


def lose_bmcs(stage: Stage, engine: Engine) -> None:
    engine.view.no_bmcs = True


def lose_database(stage: Stage, engine: Engine) -> None:
    engine.no_database = True


def get_database_back(stage: Stage, engine: Engine) -> None:
    engine.no_database = False


def set_clock_ahead(stage: Stage, engine: Engine, seconds: float) -> None:
    engine.clock.jump(seconds)


def set_clock_back(stage: Stage, engine: Engine, seconds: float) -> None:
    engine.clock.jump(-seconds)


PHRASES = (
    Phrase('is|are paused for SECONDS', pause),
    Phrase('is|are killed', kill),
    Phrase('starts|start', start),
    Phrase('is|are slow', slow_down),
    Phrase('is|are quick', speed_up),
    Phrase('is|are cut off', cut_off),
    Phrase('is|are cut off from HOSTS', part),
    Phrase('is|are joined again', join),
    Phrase('loses|lose network|networks NETWORKS', lose_networks),
    Phrase('loses|lose the BMCs', lose_bmcs),
    Phrase('loses|lose the database', lose_database),
    Phrase('gets|get the database back', get_database_back),
    Phrase('sets|set its|their clock|clocks SECONDS ahead', set_clock_ahead),
    Phrase('sets|set its|their clock|clocks SECONDS back', set_clock_back),
)
