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

"""What can be seen of a host without its help: BMC, pings, other hosts."""

from collections.abc import Collection
from collections.abc import Iterable
from collections.abc import Mapping
from concurrent import futures
import dataclasses
import datetime
from typing import Any
from typing import Protocol

from hass import bmc
from hass import clock as clock_
from hass.db import models
from hass.detection import base
from hass.detection import panel as panel_
from hass.diagnosis import diagnose
from hass import exception
from hass import faults
from hass.fencing import base as fencing
from hass.recovery import looking

Layer = faults.Layer
Verdict = faults.Verdict
SEARCHED = (Layer.POWER, Layer.HARDWARE, Layer.OS, Layer.NETWORK)
NEEDED = frozenset({Layer.POWER, Layer.NETWORK})
"""No host is condemned without these, whatever its cluster protects."""
BY_PANEL = (Layer.HARDWARE, Layer.OS)
BEATS = 'os_beat'
PINGER = 'network_icmp'
REACH_SECONDS = 1.0
GLANCE_SECONDS = 0.3
YOUNG = datetime.timedelta(seconds=10)
"""An answer that came between two searches tells the second."""
POWERS = {
    diagnose.Power.ON: Verdict.HEALTHY,
    diagnose.Power.OFF: Verdict.FAILED,
    diagnose.Power.UNKNOWN: Verdict.UNKNOWN,
}


class Peers(Protocol):
    """The agents of other hosts, as far as they can be asked."""

    def reach(
        self,
        host: str,
        addresses: Mapping[str, str],
        of: Collection[str],
        seconds: float,
    ) -> Mapping[str, Mapping[str, bool]]:
        """Let other hosts ping a host.

        :param addresses: network to the host's address there
        :param of: names of the hosts that are asked
        :param seconds: how long to wait for their answers
        :returns: each that answered, to network and whether it got an answer
        """


def subject_of(host: models.Host, address: bmc.Address | None) -> base.Subject:
    """The host as detectors know it.

    :param address: of its BMC
    """
    watched = host.watched_sensors
    return base.Subject(
        host.name,
        address,
        host.networks,
        None if watched is None else tuple(watched),
    )


@dataclasses.dataclass(frozen=True, slots=True)
class Suspect:
    """A suspected host, with what is known of it so far.

    :ivar protected: layers that its cluster protects
    :ivar beating: networks on which its beats are not missed
    :ivar pingable: networks on which it is known to answer pings
    :ivar helpers: hosts that may be asked whether they reach it
    :ivar now: the database's time
    """

    subject: base.Subject
    target: fencing.Target
    protected: frozenset[Layer]
    beating: frozenset[str]
    pingable: frozenset[str]
    helpers: tuple[str, ...]
    now: datetime.datetime


@dataclasses.dataclass(slots=True)
class View:
    """What was seen: the fields of diagnose.Evidence by the same names."""

    power: diagnose.Power = diagnose.Power.UNKNOWN
    power_why: str = ''
    networks: Mapping[str, Verdict] = dataclasses.field(default_factory=dict)
    answering: tuple[str, ...] = ()
    reached: Mapping[str, list[str]] = dataclasses.field(default_factory=dict)
    layers: Mapping[Layer, Verdict] = dataclasses.field(default_factory=dict)
    seen: tuple[faults.Observation, ...] = ()

    @property
    def is_on(self) -> bool:
        """Powered on, and its system is not known to have died."""
        died = self.layers.get(Layer.OS) is Verdict.FAILED
        return self.power is diagnose.Power.ON and not died


@dataclasses.dataclass(frozen=True, slots=True)
class Reading:
    """Power that is read from a BMC.

    :ivar began: by the database's clock
    """

    target: fencing.Target
    began: datetime.datetime
    answer: futures.Future[fencing.Look]

    def serves(self, target: fencing.Target, now: datetime.datetime) -> bool:
        """Whether it is under way, or has just ended and nobody took it."""
        if target != self.target:
            return False
        return not self.answer.done() or abs(now - self.began) <= YOUNG


class Outside:
    """Looks at suspects, several layers at a time.

    :param engine: who looks
    :param spawn: starts what runs beside
    """

    def __init__(
        self,
        fencer: fencing.Fencer,
        pinger: base.Pinger,
        peers: Peers,
        panel: panel_.Panel,
        search: looking.Search,
        engine: str,
        clock: clock_.Clock,
        spawn: panel_.Spawn[Any] = panel_.in_thread,
    ) -> None:
        self._fencer = fencer
        self._pinger = pinger
        self._peers = peers
        self._panel = panel
        self._engine = engine
        self._spawn = spawn
        self._clock = clock
        self._readings: dict[str, Reading] = {}
        self._seen: dict[str, fencing.Look] = {}
        self.search = search

    def look(self, suspect: Suspect) -> View:
        """Search for the lowest failed layer.

        When the power is off the networks get a moment; when it is on, what
        they tell is waited for, whatever else was found.
        """
        view = View()
        networks = self._spawn(lambda: self._look_at_networks(suspect, view))
        looks = {
            Layer.POWER: lambda: self._look_at_power(suspect, view)
        } | self._looks_of_panel(suspect)
        protected = (suspect.protected & frozenset(SEARCHED)) | NEEDED
        for layer in looks.keys() - protected:
            del looks[layer]
        outcome = self.search.run(protected, looks, _enough)
        if view.power is not diagnose.Power.UNKNOWN or view.power_why:
            self._readings.pop(suspect.target.name, None)
        view.layers = {
            layer: verdict
            for layer, verdict in outcome.verdicts.items()
            if layer in BY_PANEL
        }
        view.seen = outcome.evidence
        if view.power is diagnose.Power.OFF:
            # Who is off answers nothing: this tells a BMC that lies.
            futures.wait([networks], timeout=GLANCE_SECONDS)
        if view.power is diagnose.Power.ON or networks.done():
            view.seen += networks.result()
        return view

    def _look_at_power(self, suspect: Suspect, view: View) -> looking.Seen:
        try:
            state = self._read_power(suspect)
            view.power = diagnose.Power(state.value)
            view.power_why = 'the BMC does not know'
        except (exception.BmcError, exception.FencingFailed) as error:
            view.power_why = str(error)
        unknown = view.power is diagnose.Power.UNKNOWN
        verdict = POWERS[view.power]
        detail = view.power_why if unknown else f'power {view.power}'
        return looking.Seen(
            verdict,
            (self._saw(suspect, Layer.POWER, 'power_ipmi', verdict, detail),),
        )

    def seen(self, target: fencing.Target) -> fencing.Look | None:
        """The last look at its device that a search got; None: none."""
        found = self._seen.get(target.name)
        return found if found and found.target == target else None

    def _read_power(self, suspect: Suspect) -> fencing.PowerState:
        """Power and identity in one session: the power off may follow.

        A slow BMC may outlast a search: the next one gets its answer.
        """
        target, now = suspect.target, suspect.now
        reading = self._readings.get(target.name)
        if reading is None or not reading.serves(target, now):
            answer = self._spawn(
                lambda: fencing.look(self._fencer, target, self._clock)
            )
            reading = self._readings[target.name] = Reading(
                target, now, answer
            )
        found: fencing.Look = reading.answer.result()
        self._seen[target.name] = found
        return found.power

    def _look_at_networks(
        self, suspect: Suspect, view: View
    ) -> tuple[faults.Observation, ...]:
        """Pings from here, and from other hosts at the same time.

        The alarm itself says that the network failed, so that the search
        does not ask for this look; the decision does.
        """
        addresses = suspect.subject.networks
        asked = self._spawn(
            lambda: self._peers.reach(
                suspect.subject.host,
                addresses,
                suspect.helpers,
                REACH_SECONDS,
            )
        )
        answering = self._pinger.answering(list(addresses.values()))
        told = asked.result()
        networks = {
            network: self._verdict(suspect, network, answering)
            for network in sorted(suspect.beating | addresses.keys())
        }
        reached: dict[str, list[str]] = {}
        for helper, answers in sorted(told.items()):
            for network, arrived in answers.items():
                if arrived:
                    reached.setdefault(network, []).append(helper)
        view.answering = tuple(
            network
            for network, address in sorted(addresses.items())
            if address in answering
        )
        view.networks, view.reached = networks, reached
        return (
            *self._by_pings(suspect, networks, view.answering),
            *self._by_peers(suspect, told),
        )

    @staticmethod
    def _verdict(
        suspect: Suspect, network: str, answering: Collection[str]
    ) -> Verdict:
        address = suspect.subject.networks.get(network)
        if network in suspect.beating or address in answering:
            return Verdict.HEALTHY
        if network in suspect.pingable:
            return Verdict.FAILED
        return Verdict.UNKNOWN

    def _looks_of_panel(self, suspect: Suspect) -> dict[Layer, looking.Look]:
        """One look for each layer that has a working detector."""
        working = self._panel.working(suspect.subject)
        looks: dict[Layer, looking.Look] = {}
        for layer in BY_PANEL:
            names = [
                name
                for name, detector in sorted(working.items())
                if detector.layer is layer and detector.searched
            ]
            if names:
                looks[layer] = self._asking(suspect, layer, names)
        return looks

    def _asking(
        self, suspect: Suspect, layer: Layer, names: list[str]
    ) -> looking.Look:
        def look() -> looking.Seen:
            seen = [
                self._saw(suspect, layer, name, found.verdict, found.detail)
                for name in names
                for found in self._findings(name, suspect.subject)
            ]
            return looking.Seen(
                _joint([one.verdict for one in seen]), tuple(seen)
            )

        return look

    def _findings(
        self, name: str, subject: base.Subject
    ) -> tuple[base.Finding, ...]:
        try:
            return self._panel.probe(name, subject)
        except exception.DetectorFailed as failed:
            return (base.Finding(Verdict.UNKNOWN, failed.reason),)

    def _by_pings(
        self,
        suspect: Suspect,
        networks: Mapping[str, Verdict],
        answering: Collection[str],
    ) -> Iterable[faults.Observation]:
        """A word on each network; that of beats is not said to be a ping's."""
        for network, verdict in networks.items():
            detail = suspect.subject.networks.get(network, '')
            detector, certainty = PINGER, faults.Certainty.INFERRED
            if network in answering:
                certainty = faults.Certainty.READ
            elif verdict is Verdict.HEALTHY:
                detector, detail = BEATS, 'its beats are not missed there yet'
            yield dataclasses.replace(
                self._saw(suspect, Layer.NETWORK, detector, verdict, detail),
                network=network,
                certainty=certainty,
            )

    def _by_peers(
        self, suspect: Suspect, told: Mapping[str, Mapping[str, bool]]
    ) -> Iterable[faults.Observation]:
        for helper, answers in sorted(told.items()):
            for network, arrived in sorted(answers.items()):
                yield dataclasses.replace(
                    self._saw(
                        suspect,
                        Layer.NETWORK,
                        f'reach:{helper}',
                        Verdict.HEALTHY if arrived else Verdict.FAILED,
                        'it answers' if arrived else 'no answer',
                    ),
                    network=network,
                    seen_by=helper,
                    certainty=faults.Certainty.ALLEGED,
                )

    def _saw(
        self,
        suspect: Suspect,
        layer: Layer,
        detector: str,
        verdict: Verdict,
        detail: str,
    ) -> faults.Observation:
        return faults.Observation(
            suspect.subject.host,
            layer,
            detector[:64],
            verdict,
            suspect.now,
            detail=detail,
            seen_by=self._engine,
        )


def _enough(verdicts: Mapping[Layer, Verdict]) -> bool:
    """A host that is on and whose operating system died is lost."""
    on = verdicts.get(Layer.POWER) is Verdict.HEALTHY
    return on and verdicts.get(Layer.OS) is Verdict.FAILED


def _joint(verdicts: Iterable[Verdict]) -> Verdict:
    """One verdict of several: who sees life is right."""
    seen = set(verdicts)
    if Verdict.HEALTHY in seen:
        return Verdict.HEALTHY
    return Verdict.FAILED if Verdict.FAILED in seen else Verdict.UNKNOWN
