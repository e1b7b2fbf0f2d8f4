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

"""What HASS does about a healthy host that it highly suspects by mistake.

The decision is the real one: hass.diagnosis.diagnose, on the evidence that
pings, other hosts and a second engine give under the same noise, until the
host is heard again or condemned. Its power reads on, and nothing else speaks
for or against it.
"""

from collections.abc import Iterable
import dataclasses
import datetime
import enum
import itertools

import numpy as np

from hass.db import models
from hass.diagnosis import diagnose
from hass.diagnosis import quality
from hass.engine import own_row
from hass import faults
from hass.recovery import host_failure
from hass.recovery import witness
from tools.noise import model as noise_model

EPOCH = datetime.datetime(2000, 1, 1)
TURN_SECONDS = 0.25
"""[engine] turn_seconds: suspicion waits for the next turn of the patrol."""
LOOK_SECONDS = 1.0
"""[detection] icmp_seconds, and how long other hosts are waited for."""
PINGS = (0.0, 0.5)
REACH_SECONDS = 0.6
REACH_PINGS = (0.0, 0.3)
ASKED = (0.0, 0.4, 0.8)
"""hass.agent.answers, hass.engine.peers: an agent's pings, our questions."""
BEFORE, AFTER = 60, 60
"""Beats around the suspicion that the second engine hears."""


class End(enum.StrEnum):
    """What came of a high suspicion."""

    UNSEEN = 'heard before the next turn of the patrol'
    DISMISSED = 'dismissed'
    HELD = 'held'
    FENCED = 'fenced'


class _Line:
    """One path on one network, both ways, used at moments that grow.

    :param known: its state at each beat; None: a state of its own
    """

    def __init__(
        self,
        noise: noise_model.Noise,
        dice: np.random.Generator,
        known: noise_model.Bools | None = None,
    ) -> None:
        self._noise = noise
        self._dice = dice
        self._known = known
        self._bad = bool(dice.random() < noise.often_bad())
        self._at = 0.0

    def carry(self, at: float) -> float:
        """When what leaves at a moment arrives; infinite: never."""
        noise = self._noise
        loss = noise.loss_in_bad if self._is_bad(at) else noise.loss_in_good
        if self._dice.random() < loss:
            return np.inf
        delay = self._dice.lognormal(noise.delay_mu, noise.delay_sigma)
        return at + float(delay)

    def pinged(self, moments: Iterable[float]) -> float:
        """When the first answer to pings is there; infinite: never."""
        came = [self.carry(moment) for moment in moments]
        return min(
            self.carry(moment) if np.isfinite(moment) else moment
            for moment in came
        )

    def _is_bad(self, at: float) -> bool:
        if self._known is not None:
            beat = int(at / self._noise.beat_seconds)
            return bool(self._known[min(beat, len(self._known) - 1)])
        if at > self._at:
            worse, better = self._noise.turns(at - self._at)
            draw = self._dice.random()
            self._bad = draw >= better if self._bad else draw < worse
            self._at = at
        return self._bad


@dataclasses.dataclass(frozen=True, slots=True)
class Cast:
    """Who else hears the host.

    :ivar engines: beside this one, 0 or 1
    :ivar helpers: hosts that are asked whether they reach it
    """

    engines: int = 1
    helpers: int = witness.HELPERS


class Chase:
    """One high suspicion of one host.

    :param suspected_at: when its silence became high suspicion, in seconds
    :param network: what was measured until then
    """

    def __init__(
        self,
        noise: noise_model.Noise,
        life: noise_model.Life,
        heard: noise_model.Heard,
        suspected_at: float,
        network: quality.Network,
        dice: np.random.Generator,
        cast: Cast,
    ) -> None:
        self._noise = noise
        self._life = life
        self._heard = heard
        self._dice = dice
        self._suspected = suspected_at
        self._network = network
        self._opened = suspected_at + dice.uniform(0, TURN_SECONDS)
        self._turns = dice.uniform(0, TURN_SECONDS)
        self._ours = [
            _Line(noise, dice, life.bad[network])
            for network in range(noise.networks)
        ]
        self._helpers = {
            f'helper-{number}': (
                [_Line(noise, dice) for _each in range(noise.networks)],
                self._lines(),
            )
            for number in range(cast.helpers)
        }
        self._second = (
            np.sort(list(self._heard_by_second()))
            if cast.engines
            else np.empty(0)
        )
        self._cast = cast

    def _lines(self) -> list[_Line]:
        """From somebody else to the host, network by network."""
        return [
            _Line(
                self._noise,
                self._dice,
                self._life.bad[network] if self._noise.one_cable else None,
            )
            for network in range(self._noise.networks)
        ]

    def end(self) -> End:
        """Take turns as hass.recovery.host_failure.confirming does."""
        if self._newest(self._opened) > self._suspected:
            return End.UNSEEN
        at = self._opened
        while at - self._opened <= host_failure.UNCLEAR_SECONDS:
            match diagnose.diagnose(self._evidence(at)):
                case diagnose.Alive():
                    return End.DISMISSED
                case diagnose.Doubt():
                    return End.HELD
                case faults.Fault():
                    return End.FENCED
            at += LOOK_SECONDS + host_failure.LOOK_SECONDS
        return End.HELD

    def _evidence(self, at: float) -> diagnose.Evidence:
        """What hass.recovery.witness gathers in a second from a moment on.

        Beats and voices come last. A network counts as beating only while
        not one beat is missed, which is less than the real code grants.
        """
        least = quality.LOW_BEATS * self._noise.beat_seconds
        done = at + LOOK_SECONDS
        networks = {
            str(network): faults.Verdict.HEALTHY
            if at - self._newest(at, network) < least
            or line.pinged(at + ping for ping in PINGS) <= done
            else faults.Verdict.FAILED
            for network, line in enumerate(self._ours)
        }
        reached: dict[str, list[str]] = {}
        for name in sorted(self._helpers):
            for network in self._reached(name, at):
                reached.setdefault(str(network), []).append(name)
        newest = np.searchsorted(self._heard.arrivals, done, 'right')
        sent = self._heard.sent[:newest].max(initial=0)
        return diagnose.Evidence(
            host='healthy',
            suspected_at=_moment(self._opened),
            heard=bool(sent > self._opened),
            silent=done - self._newest(done) >= least,
            lasting=self._network.phi(done - self._opened)
            >= witness.LASTING_PHI,
            voices=self._voices(done, least),
            power=diagnose.Power.ON,
            networks=networks,
            reached=reached,
            compute_down=False,
        )

    def _newest(self, at: float, network: int | None = None) -> float:
        """When the newest beat came until a moment."""
        until = np.searchsorted(self._heard.arrivals, at, 'right')
        came = self._heard.arrivals[:until]
        if network is not None:
            came = came[self._heard.networks[:until] == network]
        return float(came[-1]) if len(came) else 0.0

    def _reached(self, name: str, at: float) -> list[int]:
        """Networks on which a helper says that the host answers it."""
        ways, lines = self._helpers[name]
        asked = sorted(
            (way.carry(at + again), number)
            for again in ASKED
            for number, way in enumerate(ways)
        )
        while asked and np.isfinite(asked[0][0]):
            until = asked[0][0] + REACH_SECONDS
            answers = [
                each.pinged(asked[0][0] + ping for ping in REACH_PINGS)
                for each in lines
            ]
            ended = min(until, max(answers))
            # It answers on each network that it was asked on meanwhile.
            waiting = {number for came, number in asked if came <= ended}
            asked = [one for one in asked if one[0] > ended]
            told = min(ways[number].carry(ended) for number in waiting)
            if told <= at + LOOK_SECONDS:
                return [
                    network
                    for network, came in enumerate(answers)
                    if came <= until
                ]
        return []

    def _heard_by_second(self) -> Iterable[float]:
        """Arrivals of the host's beats at the second engine."""
        beat = int(self._opened / self._noise.beat_seconds)
        around = self._life.sent[max(0, beat - BEFORE) : beat + AFTER]
        for line, sent in itertools.product(self._lines(), around.tolist()):
            came = line.carry(sent)
            if np.isfinite(came):
                yield came

    def _voices(self, at: float, least: float) -> dict[str, diagnose.Voice]:
        """What the row of the second engine says."""
        if not self._cast.engines:
            return {}
        turn = at - (at - self._turns) % TURN_SECONDS
        known = self._second[: np.searchsorted(self._second, turn, 'right')]
        last = float(known[-1]) if len(known) else 0.0
        silent = {}
        if turn - last >= own_row.NAMED_AFTER_SECONDS:
            silent['healthy'] = _moment(last).isoformat()
        row = models.Service(
            name='engine-2',
            started_at=EPOCH - datetime.timedelta(days=1),
            turn_at=_moment(turn),
            deaf=False,
            silent=silent,
            mute=[],
        )
        since = _moment(self._opened)
        picture = witness.Witness.PICTURE_SECONDS
        return {row.name: witness.voice(row, 'healthy', since, picture, least)}


def _moment(seconds: float) -> datetime.datetime:
    return EPOCH + datetime.timedelta(seconds=seconds)
