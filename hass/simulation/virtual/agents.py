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

"""The agents: what they beat and report, and what the networks make of it."""

from collections.abc import Iterable
import random

from hass import beats
from hass import clock as clock_
from hass.simulation.virtual import ears as ears_
from hass.simulation.virtual import hosts as hosts_
from hass.simulation.virtual import units
from hass.simulation.virtual import views

BEAT_SECONDS = 1.0
REPORT_SECONDS = 10.0
SIGN_SECONDS = 3.0
"""From one sign of life over the bus to the next."""
LIST_SECONDS = 1.0
PHASE_SECONDS = 0.07
"""Agents were not all started at the same moment."""
BOTTOM_SECONDS = 0.0005
"""No beat is quicker."""


class Agent:
    """Beats once a second on each network while its host runs."""

    def __init__(self, host: hosts_.Host, number: int) -> None:
        self._host = host
        self._phase = number * PHASE_SECONDS % BEAT_SECONDS
        self._sequence = 0
        self._boots = host.host.boots
        self._booted_at = 0.0
        self._runs = False
        self._looked_at = 0.0
        self._domains: frozenset[str] | None = None
        self._reported: tuple[float, object] = (float('-inf'), ())

    def starts(self, now: float) -> bool:
        """Whether it has started since this was last asked."""
        host = self._host
        if not host.host.os_running:
            self._runs = False
            return False
        if host.host.boots != self._boots:
            self._boots, self._booted_at = host.host.boots, now
            host.agent_killed = host.planned = self._runs = False
        ran, self._runs = self._runs, not host.agent_killed
        return self._runs and not ran

    def reports(self, now: float) -> bool:
        """Whether it has to report now.

        Everything each ten seconds, at once what has changed, and each
        second while a service has failed. Domains are listed each second.
        """
        if not self._runs:
            return False
        own = self._host.units
        at, told = self._reported
        pause = REPORT_SECONDS
        if own.failing() or own.results:
            pause = BEAT_SECONDS
        return now - at >= pause or told != self._facts(now)

    def reported(self, now: float) -> None:
        """An engine has taken its report."""
        self._reported = (now, self._facts(now))

    def domains(self) -> list[str] | None:
        """What it saw when it last listed them; None: libvirt is mute."""
        return None if self._domains is None else sorted(self._domains)

    def _facts(self, now: float) -> object:
        if now - self._looked_at >= LIST_SECONDS:
            self._looked_at = now - (now - self._phase) % LIST_SECONDS
            lists = self._host.units.runs(units.LIBVIRT)
            domains = frozenset(self._host.host.domains)
            self._domains = domains if lists else None
        return self._host.units.sights(), self._domains

    def shows_life(self, begin: float, end: float) -> list[float]:
        """Its uptime at each sign of life over the bus in that time."""
        host = self._host
        if not self._runs or host.agent_killed or not host.host.os_running:
            return []
        sign = (begin - self._phase) // SIGN_SECONDS + 1
        moment = sign * SIGN_SECONDS + self._phase
        return [moment - self._booted_at] if moment <= end else []

    def beats_between(
        self, begin: float, end: float, wall: float
    ) -> list[tuple[float, beats.Beat]]:
        """What it sends after one moment and until another.

        :param wall: the right wall clock at the end
        :returns: moment of sending and beat, in order
        """
        beat = (begin - self._phase) // BEAT_SECONDS + 1
        moment = beat * BEAT_SECONDS + self._phase
        sent = []
        while moment <= end:
            sent += self.beats_now(moment, wall - (end - moment))
            moment += BEAT_SECONDS
        return sent

    def beats_now(
        self, moment: float, wall: float
    ) -> list[tuple[float, beats.Beat]]:
        """One beat on each network, if its host lets it."""
        host = self._host
        if host.agent_killed or not host.host.os_running:
            return []
        self._sequence += 1
        return [
            (
                moment,
                beats.Beat(
                    host=host.name,
                    boot_id=host.boot_id(),
                    sequence=self._sequence,
                    sent_at=wall + host.clock_jump,
                    uptime=moment - self._booted_at,
                    network=network,
                    planned=host.planned,
                ),
            )
            for network in host.networks
        ]


class Air:
    """Carries beats from hosts to engines, and may lose or delay them.

    :param seed: of all chances: the same one, the same losses
    """

    def __init__(self, clock: clock_.Clock, seed: int) -> None:
        self._clock = clock
        self._random = random.Random(seed)

    def carry(
        self,
        host: hosts_.Host,
        sent: Iterable[tuple[float, beats.Beat]],
        engines: Iterable[tuple[ears_.Ears, views.View]],
    ) -> None:
        """Each engine gets its own copy, or does not."""
        receivers = list(engines)
        for moment, beat in sent:
            if host.beats_filtered or beat.network in host.cut:
                continue
            noise = host.noise[beat.network]
            for ears, view in receivers:
                if not view.reaches(host.name, beat.network):
                    continue
                if noise.loss and self._random.random() < noise.loss:
                    continue
                ears.hear(beat, moment + self._delay(noise))

    def _delay(self, noise: hosts_.Noise) -> float:
        if not noise.delay:
            return BOTTOM_SECONDS
        spread = self._random.uniform(-noise.spread, noise.spread)
        return max(BOTTOM_SECONDS, noise.delay + spread)
