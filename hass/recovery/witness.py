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

"""Gathers what can be known of one host now: beats, voices, BMC, pings."""

from collections.abc import Callable
from collections.abc import Collection
from collections.abc import Mapping
import datetime
from typing import Protocol

from sqlalchemy import orm

from hass import clock as clock_
from hass.db import models
from hass.db import observations
from hass.db import services
from hass.diagnosis import accrual
from hass.diagnosis import diagnose
from hass.diagnosis import health as health_
from hass.diagnosis import liveness
from hass import exception
from hass import faults
from hass.fencing import base as fencing
from hass.recovery import workflow


LATE_SECONDS = 2.0
"""An engine whose patrol is so late may have been paused."""


class Heard(Protocol):
    """The newest beats of one host; moments are CLOCK_BOOTTIME seconds."""

    @property
    def boot_id(self) -> str: ...

    @property
    def by_network(self) -> Mapping[str, float]:
        """Arrival of the newest beat on each network."""

    @property
    def last(self) -> float:
        """Arrival of the newest beat on any network."""

    @property
    def planned(self) -> bool:
        """Whether it said that the agent is being stopped."""

    @property
    def sent(self) -> float:
        """When the newest beat must have been sent, on our clock."""


class Ears(Protocol):
    """The beats that this engine hears."""

    def heard(self, host: str) -> Heard | None: ...

    def liveness(self, host: str) -> accrual.Host:
        """What its silence gives reason for."""

    def ears(self) -> float:
        """When the listening thread last finished a turn."""


class Pinger(Protocol):
    """Looks at addresses from outside."""

    def answering(self, addresses: Collection[str]) -> frozenset[str]:
        """Those addresses that answer a ping in time."""


class Witness:
    """What this engine and its peers can say of a host.

    :param hosts: those that this engine should hear, and whether their
        silence is excused
    :param listen_seconds: an engine that listened less may not judge
    :param turn_seconds: pause between two turns of the patrol
    :param alive_seconds: engines without a turn for this long have no voice
    :ivar health: how far this engine trusts itself
    :ivar off: hosts whose BMC reads off: their silence is no wonder
    """

    PICTURE_SECONDS = 1.5
    """An engine's row does not name hosts heard within this time."""

    def __init__(
        self,
        ears: Ears,
        fencer: fencing.Fencer,
        pinger: Pinger,
        clock: clock_.Clock,
        engine: str,
        hosts: Callable[[], Mapping[str, bool]],
        *,
        listen_seconds: float,
        turn_seconds: float,
        alive_seconds: float,
    ) -> None:
        self._ears = ears
        self._fencer = fencer
        self._pinger = pinger
        self._clock = clock
        self._engine = engine
        self._hosts = hosts
        self._alive_seconds = alive_seconds
        self.almanac = clock_.Almanac()
        self.off: frozenset[str] = frozenset()
        self._turned_at = clock.monotonic()
        self.health = health_.Health(
            self._turned_at,
            turn_seconds=turn_seconds,
            listen_seconds=listen_seconds,
        )

    def turn(self) -> liveness.Ears:
        """The patrol begins a turn: look at oneself before at hosts."""
        now = self._clock.monotonic()
        ears = self.ears()
        fallen, expected = len(ears.fallen()), len(ears.expected())
        self.health.turn(now, self._ears.ears(), fallen, expected)
        self._turned_at = now
        return self.ears()

    def ears(self) -> liveness.Ears:
        """What this engine hears now."""
        now = self._clock.monotonic()
        since, patience = self.health.since(), self.health.patience()
        last: dict[str, float | None] = {}
        suspicions = {}
        excused = set(self.off)
        for name, may_be_silent in self._hosts().items():
            heard = self._ears.heard(name)
            last[name] = None if heard is None else heard.last
            suspicions[name] = self._ears.liveness(name).suspicion(
                now, since, patience
            )
            if may_be_silent and (heard is None or heard.planned):
                excused.add(name)
        return liveness.Ears(now, since, last, suspicions, frozenset(excused))

    def deaf(self) -> str:
        """Why this engine may judge nobody, '' when it may.

        When the wire of all hosts is cut, one of them is silent for long
        enough a little before the others are. So low suspicion of most is
        enough to make it doubt itself.
        """
        now = self._clock.monotonic()
        late = now - self._turned_at
        if late > LATE_SECONDS:
            return f'it has not looked at itself for {late:.1f} s'
        return self.health.distrust(now) or self.ears().deaf()

    def testify(
        self,
        turn: workflow.Turn,
        host: models.Host,
        target: fencing.Target,
        compute_down: bool,
    ) -> diagnose.Evidence:
        """All evidence about a suspected host, as of now.

        The power is read first: when it is off, nobody waits for pings.
        """
        since = turn.recovery.opened_at
        power, power_why = self._power(target)
        networks: Mapping[str, faults.Verdict] = {}
        with turn.read() as session:
            voices = self._voices(session, host.name, since)
            pingable = self._pingable(session, host)
        if power is not diagnose.Power.OFF:
            networks = self._networks(host, pingable)
        return diagnose.Evidence(
            host=host.name,
            suspected_at=since,
            heard=self.heard_since(turn, host.name, since),
            voices=voices,
            power=power,
            power_why=power_why,
            networks=networks,
            compute_down=compute_down,
            seen=self._observations(turn, host, power, power_why, networks),
        )

    def heard_since(
        self, turn: workflow.Turn, host: str, moment: datetime.datetime
    ) -> bool:
        """Whether we have a beat that was sent after a database moment."""
        self.almanac.note(turn.began, turn.now)
        heard = self._ears.heard(host)
        return heard is not None and (
            heard.sent > self.almanac.monotonic_of(moment)
        )

    def hearers_since(
        self, turn: workflow.Turn, host: str, moment: datetime.datetime
    ) -> str:
        """Who heard the host after that moment; '' when nobody did."""
        with turn.read() as session:
            voices = self._voices(session, host, moment)
        hearers = [
            name
            for name, voice in sorted(voices.items())
            if voice is diagnose.Voice.HEARD
        ]
        if self.heard_since(turn, host, moment):
            hearers.insert(0, 'this engine')
        return ', '.join(hearers)

    def boot_id(self, host: str) -> str | None:
        """The boot that the host's newest beat came from."""
        heard = self._ears.heard(host)
        return None if heard is None else heard.boot_id

    def _power(self, target: fencing.Target) -> tuple[diagnose.Power, str]:
        try:
            state = self._fencer.status(target)
        except (exception.BmcError, exception.FencingFailed) as error:
            return diagnose.Power.UNKNOWN, str(error)
        return diagnose.Power(state.value), 'the BMC does not know'

    def _voices(
        self, session: orm.Session, host: str, since: datetime.datetime
    ) -> dict[str, diagnose.Voice]:
        """What each living peer says; a deaf one can only say *heard*."""
        voices = {
            peer: voice(peer, host, since, self.PICTURE_SECONDS)
            for peer in services.alive(session, self._alive_seconds)
            if peer.name != self._engine
        }
        return {
            peer.name: said
            for peer, said in voices.items()
            if said is diagnose.Voice.HEARD or not peer.deaf
        }

    def _pingable(
        self, session: orm.Session, host: models.Host
    ) -> frozenset[str]:
        """Networks on which the host is known to answer pings."""
        return frozenset(
            row.network
            for row in observations.of_host(session, host.name)
            if row.detector == 'network_icmp'
            and row.verdict is faults.Verdict.HEALTHY
        )

    def _networks(
        self, host: models.Host, pingable: frozenset[str]
    ) -> dict[str, faults.Verdict]:
        now = self._clock.monotonic()
        since, patience = self.health.since(), self.health.patience()
        paths = self._ears.liveness(host.name).paths
        fresh = {
            network
            for network, path in paths.items()
            if path.suspicion(now, since, patience) is accrual.Suspicion.NONE
        }
        answering = self._pinger.answering(list(host.networks.values()))
        verdicts: dict[str, faults.Verdict] = {}
        for network in sorted(paths.keys() | host.networks.keys()):
            if network in fresh or host.networks.get(network) in answering:
                verdicts[network] = faults.Verdict.HEALTHY
            elif network in pingable:
                verdicts[network] = faults.Verdict.FAILED
            else:
                verdicts[network] = faults.Verdict.UNKNOWN
        return verdicts

    def _observations(
        self,
        turn: workflow.Turn,
        host: models.Host,
        power: diagnose.Power,
        power_why: str,
        networks: Mapping[str, faults.Verdict],
    ) -> tuple[faults.Observation, ...]:
        verdicts = {
            diagnose.Power.ON: faults.Verdict.HEALTHY,
            diagnose.Power.OFF: faults.Verdict.FAILED,
            diagnose.Power.UNKNOWN: faults.Verdict.UNKNOWN,
        }
        unknown = power is diagnose.Power.UNKNOWN
        by_power = faults.Observation(
            host.name,
            faults.Layer.POWER,
            'power_ipmi',
            verdicts[power],
            turn.now,
            detail=power_why if unknown else f'power {power}',
        )
        by_network = (
            faults.Observation(
                host.name,
                faults.Layer.NETWORK,
                'beats and pings',
                verdict,
                turn.now,
                network=network,
            )
            for network, verdict in networks.items()
        )
        return (by_power, *by_network)


def voice(
    peer: models.Service,
    host: str,
    since: datetime.datetime,
    picture_seconds: float,
) -> diagnose.Voice:
    """What a peer's row says of a host since a moment. Pure.

    The row names only hosts that were not heard for over a beat. So a host
    that is not named was heard at most ``picture_seconds`` before the row
    was written: it tells something only if that is after the moment.
    """
    if peer.turn_at <= peer.started_at:
        return diagnose.Voice.NOT_YET
    if host not in peer.silent:
        heard_at = peer.turn_at - datetime.timedelta(seconds=picture_seconds)
        if heard_at > since:
            return diagnose.Voice.HEARD
        return diagnose.Voice.NOT_YET
    last = peer.silent[host]
    if last is not None and datetime.datetime.fromisoformat(last) > since:
        return diagnose.Voice.HEARD
    if peer.turn_at <= since:
        return diagnose.Voice.NOT_YET
    return diagnose.Voice.SILENT
