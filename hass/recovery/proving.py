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


"""The one proof that a host is off.

The source of an evacuation, the destination of an attempt and the end of a
migration are proved by the same conditions, and only here.
"""

from collections.abc import Mapping
from concurrent import futures
import dataclasses
import datetime
import enum
from typing import Any

from hass.bmc import identity
from hass.db import fences
from hass.db import hosts as hosts_
from hass.db import models
from hass.db import recoveries
from hass import exception
from hass.fencing import base as fencing
from hass.recovery import hands as hands_
from hass.recovery.workflow import Turn
from hass.until import Kind
from hass.until import Until

FRESH = datetime.timedelta(hours=1)
"""A look that works need not be written down after a test this young."""
LOST = (exception.BmcError, exception.FencingFailed)


class Lacks(enum.Enum):
    """Which part of the proof is missing."""

    ANSWER = 'the device does not answer'
    POWER = 'the device does not read off'
    ORDER = 'no power off was sent'
    TRUST = 'the device, or what it reads, is not to be believed'


@dataclasses.dataclass(frozen=True, slots=True)
class Unproved:
    """Why a host is not proved to be off, in a sentence.

    :ivar until: what would mend it
    """

    lacks: Lacks
    why: str
    until: tuple[Until, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Glance:
    """Pings to a host, since CLOCK_BOOTTIME; which addresses answer."""

    began: float
    answer: futures.Future[frozenset[str]]


class Prover:
    """Proves hosts off, for one kind of story of one engine."""

    def __init__(self, hands: hands_.Hands) -> None:
        self._hands = hands
        self._glances: dict[str, list[Glance]] = {}

    def look(self, turn: Turn, host: models.Host) -> fencing.Look | Unproved:
        """Read the device, and see in the same session that it is its own.

        Nothing is sent to a device without this: a power off would hit
        another host. A fence that was not tried lately is tried by it.

        :raises hass.exception.BmcError: it does not answer
        :raises hass.exception.FencingFailed: there is no device
        """
        doubt = self.doubt(turn, host)
        if doubt is not None:
            return doubt
        look = fencing.look(
            self._hands.fencer, self._hands.target(host), self._hands.clock
        )
        return self._judge(turn, host, look)

    def look_before_order(
        self, turn: Turn, host: models.Host
    ) -> fencing.Look | Unproved:
        """The same, for the first power off that is sent to the device.

        What the search for the fault read of it a moment ago, power and
        identity in one session, is not read again. It proves nothing: only
        what is read after the order does.

        :raises hass.exception.HassError: as look() does
        """
        seen = self._hands.witness.seen(self._hands.target(host))
        now = self._hands.clock.monotonic()
        if seen is None or now - seen.read_at >= fencing.PROOF_SECONDS:
            return self.look(turn, host)
        return self._judge(turn, host, seen)

    def _judge(
        self, turn: Turn, host: models.Host, look: fencing.Look
    ) -> fencing.Look | Unproved:
        doubt = self.doubt(turn, host, look.reading)
        if doubt is not None:
            return doubt
        self._keep(turn, host, look)
        return look

    def doubt(
        self,
        turn: Turn,
        host: models.Host,
        reading: fencing.Reading | None = None,
    ) -> Unproved | None:
        """Why the device is not to be believed; None: nothing is known.

        :param reading: what it says now; None: it is not read
        """
        if host.fence_state is models.FenceState.LYING:
            return _distrust(host.name, host.fence_why)
        with turn.read() as session:
            known = fences.known(session, self._hands.place_of)
        own, others = known[host.name], known.values()
        if reading is None:
            why = identity.foreign(own, others)
        else:
            told = own.saying(reading.guid, reading.mac)
            why = identity.doubt(told, others)
        return _distrust(host.name, why) if why else None

    def prove(
        self, turn: Turn, host: models.Host, was: Mapping[str, Any]
    ) -> fencing.FencedHost | Unproved:
        """Prove a host off that a recovery has told to power off.

        :param was: what that recovery remembers: the order that it sent, and
            when the device read off after it
        :raises hass.exception.BmcError: the device does not answer
        """
        if not was.get('off_sent') or was.get('off_since') is None:
            return Unproved(
                Lacks.ORDER,
                f'{host.name} was not powered off by a recovery of its own',
            )
        since = datetime.datetime.fromisoformat(was['off_since'])
        self._glance(turn, host, since)
        look = self.look(turn, host)
        if isinstance(look, Unproved):
            return look
        proof = look.proof()
        if proof is None:
            return Unproved(
                Lacks.POWER, f'the BMC of {host.name} reads {look.power}'
            )
        place = self._hands.place_of(host)
        if was.get('off_place') not in {None, place}:
            return Unproved(
                Lacks.ORDER,
                f'the BMC that was told to power {host.name} off is at '
                f'{was["off_place"]}, this one is at {place}',
            )
        signs = self._signs(turn, host, since)
        if signs:
            return Unproved(
                Lacks.TRUST,
                f'{signs}: the BMC belongs to another host, or lies',
                (Until(Kind.BMC_READS_ON, host.name),),
            )
        return proof

    def prove_other(
        self, turn: Turn, name: str
    ) -> fencing.FencedHost | Unproved:
        """Prove a host off that has, or had just now, a recovery of its own.

        There is no other way of fencing a host: what nobody has told to
        power off is not proved off, whatever its device reads.
        """
        with turn.read() as session:
            host = hosts_.by_names(session, [name]).get(name)
            was = recoveries.fencing_of(session, name)
        if host is None or was is None:
            return Unproved(
                Lacks.ORDER, f'{name} is not being recovered itself'
            )
        try:
            return self.prove(turn, host, was)
        except LOST as error:
            return Unproved(Lacks.ANSWER, str(error))

    def prove_absent(
        self, turn: Turn, name: str
    ) -> fencing.FencedHost | Unproved:
        """The same, for a host that may have been off for long.

        The order of an ended recovery counts as well: one that an operator
        released while its host stayed off. Nothing has been heard of the
        host since, no later recovery saw it alive, nobody is powering it on,
        and its own device reads off now.

        :raises hass.exception.NovaError: Nova does not tell now
        """
        proof = self.prove_other(turn, name)
        if isinstance(proof, fencing.FencedHost):
            return proof
        if proof.lacks is not Lacks.ORDER:
            return proof
        with turn.read() as session:
            host = hosts_.by_names(session, [name]).get(name)
            story = recoveries.last_fencing_of(session, name)
        if host is None or story is None:
            return proof
        off_since = story.was.get('off_since')
        if off_since is None:
            return proof
        if datetime.datetime.fromisoformat(off_since) > turn.now:
            return proof  # The clock was set back: what came since is unknown.
        if hosts_.is_powering(host, turn.now):
            return Unproved(Lacks.POWER, f'somebody powers {name} on or off')
        service = self._hands.compute.service(name)
        if service is not None and service.usable:
            return Unproved(Lacks.TRUST, f'Nova has {name} up and in service')
        try:
            return self.prove(turn, host, story.was)
        except LOST as error:
            return Unproved(Lacks.ANSWER, str(error))

    def _keep(self, turn: Turn, host: models.Host, look: fencing.Look) -> None:
        """A good answer is a good test, where there was none lately."""
        tested = host.fence_tested_at
        if host.fence_state is models.FenceState.WORKING and tested:
            if turn.now - tested < FRESH:
                return
        reading = look.reading
        with turn.write() as session:
            hosts_.set_fence(
                session,
                host.name,
                models.FenceState.WORKING,
                f'the BMC reads power {look.power}',
                None if reading.guid is None else str(reading.guid),
                reading.power_restore_policy,
                place=self._hands.place_of(host),
                mac=reading.mac,
                seconds=look.seconds,
            )

    def _signs(
        self, turn: Turn, host: models.Host, since: datetime.datetime
    ) -> str:
        """What was heard of the host since it is off; '': nothing."""
        hearers = self._hands.witness.hearers_since(turn, host.name, since)
        if hearers:
            return f'it beats although its BMC reads off (heard by {hearers})'
        networks = self._answering(host)
        if networks:
            return (
                f'it answers pings on {", ".join(networks)} although its BMC '
                'reads off'
            )
        return ''

    def _glance(
        self, turn: Turn, host: models.Host, since: datetime.datetime
    ) -> None:
        """Send pings beside the reading of the device."""
        off_at = self._hands.witness.monotonic_of(turn, since)
        glances = self._glances.setdefault(host.name, [])
        # What was answered before it was off tells nothing now.
        glances[:] = [one for one in glances if one.began >= off_at]
        if all(one.answer.done() for one in glances):
            began = self._hands.clock.monotonic()
            answer = self._hands.glance(frozenset(host.networks.values()))
            glances.append(Glance(began, answer))

    def _answering(self, host: models.Host) -> list[str]:
        """Networks on which it answers.

        Only the first glance is waited for. Later ones tell the next proof:
        each would have to wait for answers that do not come.
        """
        glances = self._glances[host.name]
        ended = [one for one in glances if one.answer.done()] or glances[:1]
        found = frozenset[str]().union(*(one.answer.result() for one in ended))
        glances[:] = ended[-1:] + [one for one in glances if one not in ended]
        return sorted(
            network
            for network, address in host.networks.items()
            if address in found
        )


def _distrust(host: str, why: str) -> Unproved:
    return Unproved(
        Lacks.TRUST,
        f'without a working fence: {why}',
        (Until(Kind.FENCE_WORKS, host), Until(Kind.HOST_HEARD, host)),
    )
