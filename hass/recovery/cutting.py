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


"""Cuts the power of a host, and believes only its own device."""

import datetime

from hass.db import fences
from hass.db import models
from hass.db import moments
from hass import exception
from hass.fencing import base as fencing
from hass.recovery import hands as hands_
from hass.recovery import proving
from hass.recovery.workflow import hold
from hass.recovery.workflow import Hop
from hass.recovery.workflow import State
from hass.recovery.workflow import Step
from hass.recovery.workflow import Turn
from hass.recovery.workflow import Wait
from hass.until import Kind
from hass.until import Until

AGAIN_SECONDS = 3.0
"""An order may be lost: it is repeated."""
LOOK_SECONDS = 0.15
QUICK_SECONDS = 3.0
CALM_SECONDS = 0.5
"""Between two looks at a chassis that was not quick."""
MARGIN = 2.0
MOST_SECONDS = 300.0
"""No host gets more time, whatever it once took."""


class Cutter:
    """Works on the state fencing, a turn at a time.

    :param off_seconds: the least time that a chassis gets
    """

    def __init__(
        self,
        hands: hands_.Hands,
        prover: proving.Prover,
        off_seconds: float,
    ) -> None:
        self._hands = hands
        self._prover = prover
        self._off_seconds = off_seconds

    def turn(self, turn: Turn, host: models.Host) -> Step:
        """Order the power off once at least, then read it back.

        What read off before anybody told it to may be a device that lies,
        or the one of another host: the order is sent all the same.
        """
        was = turn.recovery.was
        ordered = was.get('off_ordered_at')
        there = was.get('off_place') in {None, self._hands.place_of(host)}
        if was.get('off_since') or not there:
            ordered = None
        waited = _ago(turn, ordered)
        try:
            first = waited is None
            see = (
                self._prover.look_before_order if first else self._prover.look
            )
            look = see(turn, host)
            if isinstance(look, proving.Unproved):
                return hold(models.HeldKind.SAFETY, look.why, look.until)
            if waited is not None and look.power is fencing.PowerState.OFF:
                return self._off(turn, host, waited)
            last = _ago(turn, was.get('off_repeated_at'))
            if waited is None or last is None or last >= AGAIN_SECONDS:
                self._order(turn, host, look.target, ordered)
            if waited is None and look.power is fencing.PowerState.OFF:
                # It need not be waited for.
                return Wait(0, 'told the BMC to power off what it reads off')
        except (exception.BmcError, exception.FencingFailed) as error:
            if waited is None:
                raise
            if not was.get('off_unread'):
                turn.remember(off_unread=True)
            if turn.seconds_in_state() < self._patience(host):
                raise
            return _never_off(host, waited, f'does not answer: {error}')
        if waited and turn.seconds_in_state() >= self._patience(host):
            return _never_off(host, waited, f'reads power {look.power}')
        quick = waited is None or waited < QUICK_SECONDS
        return Wait(
            LOOK_SECONDS if quick else CALM_SECONDS,
            'told the BMC to power off',
        )

    def _order(
        self,
        turn: Turn,
        host: models.Host,
        target: fencing.Target,
        ordered: str | None,
    ) -> None:
        now = turn.now.isoformat()
        turn.remember(
            off_sent=True,
            off_since=None,
            off_place=self._hands.place_of(host),
            off_ordered_at=ordered or now,
            off_repeated_at=now,
            off_unread=bool(ordered and turn.recovery.was.get('off_unread')),
        )
        self._hands.fencer.off(target, turn.deadline)

    def _off(self, turn: Turn, host: models.Host, waited: float) -> Hop:
        with turn.write() as session:
            if not turn.recovery.was.get('off_unread'):
                fences.learn_off(session, host.name, waited)
            off_since = moments.read_now(session)
        turn.remember(off_since=off_since.isoformat())
        return Hop(State.FORCING_DOWN, 'the BMC reads off')

    def _patience(self, host: models.Host) -> float:
        """Seconds that this chassis gets; what it once took, and more."""
        learnt = MARGIN * (host.fence_off_seconds or 0.0)
        return min(max(self._off_seconds, learnt), MOST_SECONDS)


def _never_off(host: models.Host, waited: float, says: str) -> Hop:
    return hold(
        models.HeldKind.SAFETY,
        f'its BMC was told to power off {waited:.0f} s ago and {says}',
        [
            Until(Kind.BMC_READS_OFF, host.name),
            Until(Kind.HOST_HEARD, host.name),
        ],
    )


def _ago(turn: Turn, moment: str | None) -> float | None:
    if moment is None:
        return None
    then = datetime.datetime.fromisoformat(moment)
    return (turn.now - then).total_seconds()
