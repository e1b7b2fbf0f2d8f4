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

"""Gathers what can be known of one host now: beats, voices, looks."""

import bisect
from collections.abc import Callable
from collections.abc import Collection
from collections.abc import Iterable
from collections.abc import Mapping
import datetime
import threading
from typing import Protocol

from sqlalchemy import orm

from hass import clock as clock_
from hass.db import hosts as hosts_
from hass.db import models
from hass.db import moments as moments_
from hass.db import observations
from hass.db import services
from hass.diagnosis import accrual
from hass.diagnosis import diagnose
from hass.diagnosis import health as health_
from hass.diagnosis import isolation
from hass.diagnosis import liveness
from hass.diagnosis import quality
from hass import faults
from hass.fencing import base as fencing
from hass.recovery import outside as outside_
from hass.recovery import workflow


BUS = 'the message bus'
BESIDE_SECONDS = 1.5
"""What the agent sent so long after its last beat, it sent without beats."""
VERDICTS = {
    diagnose.Voice.HEARD: faults.Verdict.HEALTHY,
    diagnose.Voice.SILENT: faults.Verdict.FAILED,
    diagnose.Voice.NOT_YET: faults.Verdict.UNKNOWN,
}
WORDS = {
    diagnose.Voice.HEARD: 'it has spoken since it was suspected',
    diagnose.Voice.NOT_YET: 'that engine has not told yet',
}
HELPERS = 3
"""Hosts that are asked whether they reach a suspect."""
LASTING_PHI = 1.5
"""One chance in thirty that a living host goes on to be silent."""
LONGEST_SECONDS = 60.0
PATIENT_SECONDS = 0.6
"""What is missing for that is waited for; else it is looked again."""
BOOT_SECONDS = 2.0
"""No host goes off, boots and starts its nova-compute in so short a time."""
LATE_SECONDS = 2.0
"""An engine whose patrol is so late may have been paused."""

LATE_BEAT_SECONDS = 5.0
"""A beat may have been sent so long before the power of its host was cut."""


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
    def uptime(self) -> float:
        """Of its host, in seconds, when it sent its newest beat."""

    @property
    def sent(self) -> float:
        """When the newest beat must have been sent, on our clock."""

    @property
    def since(self) -> float:
        """Arrival of the first beat of this boot."""


class Ears(Protocol):
    """The beats that this engine hears."""

    def heard(self, host: str) -> Heard | None: ...

    def liveness(self, host: str) -> accrual.Host:
        """What its silence gives reason for."""

    def ears(self) -> float:
        """When the listening thread last finished a turn."""

    def learn(self, hosts: Iterable[str]) -> None:
        """See now and then which agents answer when they are asked."""

    def probe(self, host: str) -> bool:
        """Whether a host should answer and does not; takes half a second."""

    def told(self, host: str) -> float | None:
        """When the newest message that is no beat must have been sent."""

    def mute(self) -> list[str]:
        """Hosts that should have answered a direct question and did not."""


class Witness:
    """What this engine and its peers can say of a host.

    :param hosts: those that this engine should hear, and whether their
        silence is excused
    :param bus_seconds: so long a host is silent on the bus until that counts
    :param listen_seconds: an engine that listened less may not judge
    :param turn_seconds: pause between two turns of the patrol
    :param alive_seconds: engines without a turn for this long have no voice
    :param wait: a pause in a step, a real sleep
    :ivar health: how far this engine trusts itself
    :ivar clock_trouble: how its wall clock is wrong; then it refuses beats
        of new boots, which are no silence
    :ivar doubts: what deaf() said in the last turn of the patrol
    :ivar off: hosts that are off or in maintenance: silent, no wonder
    """

    PICTURE_SECONDS = 1.5
    """An engine's row does not name hosts heard within this time."""

    def __init__(
        self,
        ears: Ears,
        outside: outside_.Outside,
        clock: clock_.Clock,
        engine: str,
        hosts: Callable[[], Mapping[str, bool]],
        *,
        bus_seconds: float,
        listen_seconds: float,
        turn_seconds: float,
        alive_seconds: float,
        wait: Callable[[float], object] | None = None,
    ) -> None:
        self._wait = wait or threading.Event().wait
        self._ears = ears
        self._outside = outside
        self._clock = clock
        self._engine = engine
        self._hosts = hosts
        self._alive_seconds = alive_seconds
        self._bus_seconds = bus_seconds
        self.almanac = clock_.Almanac()
        self.off: frozenset[str] = frozenset()
        self._turned_at = clock.monotonic()
        self.doubts = 'it has not looked at itself yet'
        self.clock_trouble = ''
        self._picture = liveness.Ears(self._turned_at, self._turned_at, {}, {})
        self.health = health_.Health(
            self._turned_at,
            turn_seconds=turn_seconds,
            listen_seconds=listen_seconds,
        )

    def turn(self) -> liveness.Ears:
        """The patrol begins a turn: look at oneself before at hosts."""
        now = self._clock.monotonic()
        ears = self._listening(self.health.slowness())
        fallen, expected = len(ears.fallen()), len(ears.expected())
        self.health.turn(now, self._ears.ears(), fallen, expected)
        self._turned_at = now
        self.doubts = self.deaf()
        self._picture = self.ears()
        return self._picture

    def ears(self) -> liveness.Ears:
        """What this engine hears now, and what it thinks of it."""
        return self._listening(self.health.patience())

    def _listening(self, patience: float) -> liveness.Ears:
        now = self._clock.monotonic()
        since = self.health.since()
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
        enough to make it doubt itself, without the patience that such a
        doubt gives to the hosts: it would end it.
        """
        now = self._clock.monotonic()
        late = now - self._turned_at
        if late > LATE_SECONDS:
            return f'it has not looked at itself for {late:.1f} s'
        return (
            self.clock_trouble
            or self.health.distrust(now)
            or self._listening(self.health.slowness()).deaf()
        )

    def testify(
        self,
        turn: workflow.Turn,
        host: models.Host,
        target: fencing.Target,
    ) -> diagnose.Evidence:
        """All evidence about a suspected host, as of now.

        Beats and voices come last: one of them outweighs all that was seen.
        """
        since = turn.recovery.opened_at
        view = self._look(turn, host, target)
        mute = host.name in self._ears.mute()
        if view.is_on and not mute:
            # The look took most of this time.
            missing = self._until_lasting(turn, host.name)
            self._wait(missing if missing <= PATIENT_SECONDS else 0.0)
        least = self._least_silence(host.name)
        with turn.read() as session:
            shared = _shared(turn, since)
            voices = self._voices(session, host.name, shared, least)
            if self._told_since(session, turn, host.name, shared):
                voices[BUS] = diagnose.Voice.HEARD
            told = self.told(session, host.name)
        heard = self.heard_since(turn, host.name, since)
        lasting = mute or self._until_lasting(turn, host.name) <= 0
        return diagnose.Evidence(
            host=host.name,
            suspected_at=since,
            heard=heard,
            silent=mute or self.ears().silence(host.name) >= least,
            lasting=lasting,
            told=told,
            voices=voices,
            power=view.power,
            power_why=view.power_why,
            lying=host.fence_state is models.FenceState.LYING,
            networks=view.networks,
            answering=view.answering,
            reached=view.reached,
            layers=view.layers,
            rules=isolation.read(host.cluster.isolation),
            seen=view.seen,
            spoken=self._spoken(turn, host.name, heard, voices),
        )

    def _spoken(
        self,
        turn: workflow.Turn,
        host: str,
        heard: bool,
        voices: Mapping[str, diagnose.Voice],
    ) -> tuple[faults.Observation, ...]:
        """What this engine and the others hear, as observations."""
        silence = f'silent for {self.ears().silence(host):.1f} s'
        own = diagnose.Voice.HEARD if heard else diagnose.Voice.SILENT
        told = [(self._engine, own, WORDS.get(own, silence))] + [
            (name, said, WORDS.get(said, 'silent for it as well'))
            for name, said in sorted(voices.items())
        ]
        return tuple(
            faults.Observation(
                host,
                faults.Layer.OS,
                outside_.BEATS,
                VERDICTS[said],
                turn.now,
                detail=detail,
                seen_by=name,
                certainty=faults.Certainty.INFERRED,
            )
            for name, said, detail in told
        )

    def _look(
        self, turn: workflow.Turn, host: models.Host, target: fencing.Target
    ) -> outside_.View:
        with turn.read() as session:
            pingable = self._pingable(session, host)
            neighbours = hosts_.of_cluster(session, host.cluster_id)
        return self._outside.look(
            outside_.Suspect(
                subject=outside_.subject_of(host, target.bmc),
                target=target,
                protected=frozenset(map(faults.Layer, host.cluster.layers)),
                beating=self._beating(host.name),
                pingable=pingable,
                helpers=self._helpers(host, neighbours),
                now=turn.now,
            )
        )

    def seen(self, target: fencing.Target) -> fencing.Look | None:
        """What was read last of a host's device as evidence; None: nothing."""
        return self._outside.seen(target)

    def silence(self, host: str) -> tuple[float, bool] | None:
        """Seconds since its newest beat, and whether they are too many.

        None: it may be silent, or this engine may not judge.
        """
        ears = self._picture
        if self._clock.monotonic() - ears.now > LATE_SECONDS:
            return None
        last = ears.last.get(host)
        if last is None or host in ears.excused or self.doubts:
            return None
        high = ears.suspicion(host) is accrual.Suspicion.HIGH
        return max(0.0, ears.now - last), high

    def _beating(self, host: str) -> frozenset[str]:
        """Networks on which the host's beats are not missed."""
        now = self._clock.monotonic()
        since, patience = self.health.since(), self.health.patience()
        return frozenset(
            network
            for network, path in self._ears.liveness(host).paths.items()
            if path.suspicion(now, since, patience) is accrual.Suspicion.NONE
        )

    def networks_of(self, host: str) -> frozenset[str]:
        """Networks on which the present boot of a host beats."""
        heard = self._ears.heard(host)
        if heard is None:
            return frozenset()
        return frozenset(
            network
            for network in self._beating(host)
            if heard.by_network.get(network, 0.0) >= heard.since
        )

    def _until_lasting(self, turn: workflow.Turn, host: str) -> float:
        """Seconds until what is missing since the suspicion is a surprise."""
        self.almanac.note(turn.began, turn.now)
        network = self._ears.liveness(host).any.network()
        needed = network.silence(LASTING_PHI, LONGEST_SECONDS)
        opened = self.almanac.monotonic_of(turn.recovery.opened_at)
        since = self._clock.monotonic() - opened
        return max(0.0, needed * self.health.patience() - since)

    def _least_silence(self, host: str) -> float:
        """No beat is missed before so many seconds have passed."""
        network = self._ears.liveness(host).any.network()
        return quality.LOW_BEATS * network.beat_seconds

    def _helpers(
        self, host: models.Host, neighbours: Collection[models.Host]
    ) -> tuple[str, ...]:
        """A few hosts of the cluster that are well, and not always the same.

        Those that follow it in the order of names, in a ring.
        """
        suspected = self.ears().suspected()
        well = sorted(
            one.name
            for one in neighbours
            if one.name not in suspected and one.name != host.name
        )
        at = bisect.bisect(well, host.name)
        return tuple((well[at:] + well[:at])[:HELPERS])

    def monotonic_of(
        self, turn: workflow.Turn, moment: datetime.datetime
    ) -> float:
        """CLOCK_BOOTTIME of a moment of the database, in seconds."""
        self.almanac.note(turn.began, turn.now)
        return self.almanac.monotonic_of(moment)

    def seconds_since(
        self, turn: workflow.Turn, moment: datetime.datetime
    ) -> float:
        """How long ago a moment of the database was.

        Setting its clock does not change that. Negative: it was set back, and
        nothing was noted before.
        """
        return turn.began - self.monotonic_of(turn, moment)

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
            shared = _shared(turn, moment)
            voices = self._voices(session, host, shared, 0)
            told = self._told_since(session, turn, host, shared)
        hearers = [
            name
            for name, voice in sorted(voices.items())
            if voice is diagnose.Voice.HEARD
        ] + [BUS] * told
        if self.heard_since(turn, host, moment):
            hearers.insert(0, 'this engine')
        return ', '.join(hearers)

    def _told_since(
        self,
        session: orm.Session,
        turn: workflow.Turn,
        host: str,
        moment: datetime.datetime,
    ) -> bool:
        """Whether a message over the bus was sent after a moment.

        What another engine took is in that engine's row, see _voices(), but
        reports are in the database, whatever became of the engine.
        """
        self.almanac.note(turn.began, turn.now)
        sent = self._ears.told(host)
        if sent is not None and sent > self.almanac.monotonic_of(moment):
            return True
        reported = hosts_.reported_at(session, host)
        if reported is None:
            return False
        # What lies in the future came before the clock was set back.
        ahead = (reported - turn.now).total_seconds()
        return reported > moment and ahead < moments_.SKEW_SECONDS

    def told(self, session: orm.Session, host: str) -> str:
        """How a host lives that has ceased to beat; '' when nothing tells it.

        A host that died ceased to beat and to speak over the bus at once. One
        whose beats are filtered goes on to speak.
        """
        heard, sent = self._ears.heard(host), self._ears.told(host)
        moments = [
            datetime.datetime.fromisoformat(text)
            for peer in services.alive(session, self._alive_seconds)
            if peer.name != self._engine and (text := peer.silent.get(host))
        ]
        reported = hosts_.reported_at(session, host)
        if reported is not None:
            moments.append(reported)
        signs = [self.almanac.monotonic_of(moment) for moment in moments]
        newest = max(signs + ([] if sent is None else [sent]), default=0.0)
        ago = self._clock.monotonic() - newest
        if heard is not None and newest - heard.sent < BESIDE_SECONDS:
            return ''
        if ago >= self._bus_seconds:
            return ''
        return (
            f'no beat of it arrives, but {ago:.1f} s ago its agent spoke over '
            f'{BUS}'
        )

    def unheard(self, session: orm.Session) -> dict[str, str]:
        """Hosts that neither beat nor speak, and the sentence for each."""
        return {
            name: f'{name} is silent'
            for name in sorted(self.ears().suspected())
            if not self.told(session, name)
        }

    def lives(self, session: orm.Session, host: str, seconds: float) -> bool:
        """Whether it beats, or goes on to speak though its beats are missing.

        :param seconds: how old its newest beat may be
        """
        heard = self._ears.heard(host)
        if heard is not None:
            if self._clock.monotonic() - heard.last <= seconds:
                return True
        return bool(self.told(session, host))

    def is_heard_elsewhere(self, session: orm.Session, host: str) -> bool:
        """Whether another living engine hears the host all the time."""
        return any(
            peer.name != self._engine
            and peer.turn_at > peer.started_at
            and host not in peer.silent
            for peer in services.alive(session, self._alive_seconds)
        )

    def boot_id(self, host: str) -> str | None:
        """The boot that the host's newest beat came from."""
        heard = self._ears.heard(host)
        return None if heard is None else heard.boot_id

    def present(self, host: str) -> Heard | None:
        """What beats tell of the host now; None: no new one does."""
        heard = self._ears.heard(host)
        if heard is None:
            return None
        age = self._clock.monotonic() - heard.sent
        return heard if age < BOOT_SECONDS else None

    def uptime(self, heard: Heard) -> float:
        """Seconds since the boot that is heard began."""
        return heard.uptime + self._clock.monotonic() - heard.sent

    def ran_through(self, host: str, seconds: float) -> bool:
        """Whether one boot beats now that had begun so long ago."""
        heard = self.present(host)
        if heard is None or self.uptime(heard) < seconds:
            return False
        age = self._clock.monotonic() - heard.sent
        return age < seconds - LATE_BEAT_SECONDS

    def _voices(
        self,
        session: orm.Session,
        host: str,
        since: datetime.datetime,
        least: float,
    ) -> dict[str, diagnose.Voice]:
        """What each living peer says; a deaf one can only say *heard*."""
        voices = {
            peer: voice(peer, host, since, self.PICTURE_SECONDS, least)
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
            if row.detector == outside_.PINGER
            # Failed is only what has answered before.
            and row.verdict is not faults.Verdict.UNKNOWN
        )


def _shared(
    turn: workflow.Turn, moment: datetime.datetime
) -> datetime.datetime:
    """The moment to compare rows with that others write.

    One in the future is from before the clock was set back: the state began
    anew when that was seen.
    """
    ahead = (moment - turn.now).total_seconds()
    late = ahead > moments_.SKEW_SECONDS
    return min(turn.recovery.state_since, turn.now) if late else moment


def voice(
    peer: models.Service,
    host: str,
    since: datetime.datetime,
    picture_seconds: float,
    least_seconds: float,
) -> diagnose.Voice:
    """What a peer's row says of a host since a moment. Pure.

    The row names only hosts that were not heard for over a beat. So a host
    that is not named was heard at most ``picture_seconds`` before the row
    was written: it tells something only if that is after the moment. A
    silence of less than ``least_seconds`` misses no beat yet, unless the host
    was asked to beat at once.
    """
    if peer.turn_at <= peer.started_at:
        return diagnose.Voice.NOT_YET
    if host not in peer.silent:
        heard_at = peer.turn_at - datetime.timedelta(seconds=picture_seconds)
        if heard_at > since:
            return diagnose.Voice.HEARD
        return diagnose.Voice.NOT_YET
    text = peer.silent[host]
    last = None if text is None else datetime.datetime.fromisoformat(text)
    skew = datetime.timedelta(seconds=moments_.SKEW_SECONDS)
    if last is not None and last > peer.turn_at + skew:
        last = None  # That was before the clock was set back.
    if last is not None and last > since:
        return diagnose.Voice.HEARD
    if host in (peer.mute or ()) and peer.turn_at > since:
        return diagnose.Voice.SILENT
    least = datetime.timedelta(seconds=least_seconds)
    if peer.turn_at <= since or (last and peer.turn_at - last < least):
        return diagnose.Voice.NOT_YET
    return diagnose.Voice.SILENT
