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

"""What agents and the API may ask of an engine."""

import collections
from collections.abc import Callable, Iterator, Mapping
import datetime
import ipaddress
import logging
from typing import Any, Protocol, TypeVar
import uuid

from oslo_utils import uuidutils
from sqlalchemy import orm

from hass import beats
from hass import clock as clocks
from hass.db import evacuations
from hass.db import hosts
from hass.db import instance_observations
from hass.db import models
from hass.db import notifications
from hass.db import observations
from hass.db import orders
from hass.db import recoveries
from hass.db import services
from hass.db import session as db
from hass.db import wirings
from hass.engine import hearing
from hass.engine import keys as keys_
from hass.engine import overview as overview_
from hass.engine import strangers as strangers_
from hass import exception
from hass import faults
from hass import refusals
from hass.rpc import api
from hass.rpc import messages
from hass.rpc import transport
from hass import workflows

LOG = logging.getLogger(__name__)

GOODBYE_SECONDS = 900.0
GUEST_LAYERS = (
    faults.Layer.INSTANCE,
    faults.Layer.GUEST_OS,
    faults.Layer.GUEST_NETWORK,
)
MAX_DETECTOR = 64
STALE_SECONDS = 30.0

CHANNELS: Mapping[type[messages.Message], str] = {
    messages.GateRequest: 'gate',
    messages.Alive: 'alive',
}
"""What keeps its own order on the way; the rest comes as reports do."""

M = TypeVar('M', bound=messages.Message)


class Ears(Protocol):
    """What the endpoint wants of the listener."""

    def heard(self, host: str) -> hearing.Heard | None: ...

    def tell(self, host: str, boot_id: str, uptime: float) -> float:
        """A signed message came over the bus; returns when it was sent."""


class ReportsEndpoint:
    """Serves ``hass.reports``: all that agents may call.

    A message that is not believed is answered with ``refused`` and the
    reason, counted, and changes nothing.

    :param ring: is called when something is to be looked at now
    :param strangers: is told what is refused; None: nobody is
    """

    def __init__(
        self,
        database: db.Database,
        keys: keys_.AgentKeys,
        ears: Ears,
        clock: clocks.Clock,
        overview: overview_.Overview,
        ring: Callable[[], None] = lambda: None,
        strangers: strangers_.Strangers | None = None,
    ) -> None:
        self._ring = ring
        self._strangers = strangers or strangers_.Strangers(clock)
        self._database = database
        self._keys = keys
        self._ears = ears
        self._clock = clock
        self._overview = overview
        self._replays: collections.defaultdict[str, beats.Replay] = (
            collections.defaultdict(beats.Replay)
        )
        self._refusals = refusals.Refusals(clock)
        self._ailments: dict[str, str] = {}

    def refusals(self) -> Mapping[str, int]:
        """How many messages were refused, by reason."""
        return self._refusals.counts()

    @transport.exposed
    def report(self, context: object, envelope: object) -> api.Answer:
        """See rpc/api.py."""
        return self.answer(
            messages.Report,
            envelope,
            lambda report: self._report(report, envelope),
        )

    @transport.exposed
    def goodbye(self, context: object, envelope: object) -> api.Answer:
        """See rpc/api.py."""
        return self.answer(messages.Goodbye, envelope, self._goodbye)

    @transport.exposed
    def gate(self, context: object, envelope: object) -> api.Answer:
        """See rpc/api.py."""
        return self.answer(messages.GateRequest, envelope, self._gate)

    def answer(
        self,
        kind: type[M],
        envelope: object,
        act: Callable[[M], api.Answer],
    ) -> api.Answer:
        """Act on a message that is believed: it is a sign of life as well."""
        try:
            return act(self._believe(kind, envelope))
        except exception.MessageRefused as refused:
            known = refused.reason in list(beats.Refusal)
            self._refusals.note(
                kind.kind.decode(),
                refused,
                # There is no end of what can be wrong with a field.
                counted='' if known else beats.Refusal.UNREADABLE,
            )
            self._strangers.note(refused)
            return {'refused': refused.reason}

    def _believe(self, kind: type[M], envelope: Any) -> M:
        """The message, if it is the host's own and no old one."""
        try:
            message = messages.unseal(kind, envelope, self._keys)
        except exception.MessageRefused:
            # The host may be new, or have got a new key.
            self._keys.refresh()
            message = messages.unseal(kind, envelope, self._keys)
        heard = self._heard(message)
        if heard and heard.uptime - message.uptime > STALE_SECONDS:
            raise exception.MessageRefused(message.host, beats.Refusal.STALE)
        self._replays[message.host].accept(
            message.host,
            message.boot_id,
            message.sequence,
            message.sent_at,
            beats.wall(self._clock),
            CHANNELS.get(kind, 'report'),
        )
        self._sent(message)
        if kind is not messages.GateRequest:
            # The gate reads the file of the key before the agent does.
            self._keys.note_use(
                message.host,
                lambda key: bool(messages.signer(kind, envelope, [key])),
            )
        return message

    def _heard(self, message: messages.Message) -> hearing.Heard | None:
        """Beats of the boot that the message is of."""
        heard = self._ears.heard(message.host)
        return heard if heard and heard.boot_id == message.boot_id else None

    def _report(self, report: messages.Report, envelope: Any) -> api.Answer:
        check_addresses(report)
        check_events(report)
        check_guests(report)
        row = self._database.write(record, report, self._age(report))
        if report.events or report.faults:
            self._ring()
        self._tell_ailments(report)
        answer = {'patrol_seconds': self._patrol_seconds(), 'signs': True}
        return answer | self._orders(report, row, envelope)

    def _patrol_seconds(self) -> float | None:
        """Seconds since any engine finished a turn of its patrol."""
        seen = self._overview.look()
        engines = seen.engines or self._database.read(services.all)
        turns = [engine.turn_at for engine in engines]
        return (seen.now - max(turns)).total_seconds() if turns else None

    def _age(self, report: messages.Report) -> float:
        """Seconds that it was under way, as far as others of it tell."""
        return max(0.0, self._clock.monotonic() - self._sent(report))

    def _sent(self, message: messages.Message) -> float:
        """When it must have been sent, on our CLOCK_BOOTTIME."""
        return self._ears.tell(message.host, message.boot_id, message.uptime)

    def _orders(
        self, report: messages.Report, row: models.Host, envelope: Any
    ) -> dict[str, messages.Envelope]:
        """What the host is to do, signed as the answer to this report."""
        if not (
            wirings.is_under_way(row)
            or self._overview.look().pending.recoveries
        ):
            return {}
        wanted = self._database.read(orders.outstanding, row, report.boot_id)
        key = messages.signer(
            messages.Report, envelope, self._keys(report.host)
        )
        if not wanted or key is None:
            return {}
        answer = messages.Orders(
            host=report.host,
            boot_id=report.boot_id,
            sequence=report.sequence,
            sent_at=report.sent_at,
            uptime=report.uptime,
            orders=[
                messages.Order(one.id, one.kind, one.subject, seconds)
                for one, seconds in wanted
            ],
        )
        return {'orders': messages.seal(answer, key)}

    def _tell_ailments(self, report: messages.Report) -> None:
        """Log what ails an agent, once when it comes or goes."""
        found = ailments(report)
        if found != self._ailments.get(report.host, ''):
            self._ailments[report.host] = found
            LOG.warning('agent of %s: %s', report.host, found or 'well again')

    def _goodbye(self, goodbye: messages.Goodbye) -> api.Answer:
        self._database.write(hosts.plan_stop, goodbye.host, GOODBYE_SECONDS)
        LOG.info('%s says goodbye: %s', goodbye.host, goodbye.why)
        return {}

    def _gate(self, request: messages.GateRequest) -> api.Answer:
        if request.forced:
            LOG.warning('the gate of %s was forced open', request.host)
            self._database.write(record_forced, request.host)
        why = self._database.read(why_closed, request.host)
        return {'open': not why, 'why': why or 'no recovery is open'}


class OperatorEndpoint:
    """Serves ``hass.engine``: what the API may call.

    :param wake: rings the dispatcher's bell
    :param test_fence: see OperatorAPI.test_fence
    """

    def __init__(
        self,
        wake: Callable[[], None],
        test_fence: Callable[[str], Mapping[str, str | None]],
    ) -> None:
        self._wake = wake
        self._test_fence = test_fence

    @transport.exposed
    def wake(self, context: object) -> None:
        """See rpc/api.py."""
        self._wake()

    @transport.exposed
    def test_fence(self, context: object, host: str) -> dict[str, Any]:
        """See rpc/api.py."""
        return dict(self._test_fence(host))


def check_addresses(report: messages.Report) -> None:
    """Only what can be pinged gets into the rows.

    :raises MessageRefused: an address is none, or there are too many
    """
    if len(report.addresses) > beats.MAX_CHANNELS:
        raise exception.MessageRefused(
            report.host,
            f'report.addresses: {beats.MAX_CHANNELS} networks at most',
        )
    for network, address in report.addresses.items():
        try:
            ipaddress.ip_address(address)
        except ValueError:
            raise exception.MessageRefused(
                report.host,
                f'report.addresses: {network[:64]!r} has no IP address',
            ) from None


def check_events(report: messages.Report) -> None:
    """Only what names an instance gets into the rows.

    :raises MessageRefused: an id is no UUID
    """
    for event in report.events:
        for field in ('id', 'instance'):
            if not uuidutils.is_uuid_like(getattr(event, field)):
                raise exception.MessageRefused(
                    report.host, f'report.events.{field}: a UUID is wanted'
                )


def check_guests(report: messages.Report) -> None:
    """Only what fits gets into the rows.

    :raises MessageRefused: a look names no instance, no detector, or a layer
        of the host
    """
    for look in report.guests:
        if not uuidutils.is_uuid_like(look.instance):
            field, wanted = 'instance', 'a UUID is wanted'
        elif look.layer not in GUEST_LAYERS:
            field = 'layer'
            wanted = f'one of {", ".join(GUEST_LAYERS)} is wanted'
        elif not 0 < len(look.detector) <= MAX_DETECTOR:
            field = 'detector'
            wanted = f'1 to {MAX_DETECTOR} characters are wanted'
        else:
            continue
        raise exception.MessageRefused(
            report.host, f'report.guests.{field}: {wanted}'
        )


def ailments(report: messages.Report) -> str:
    """What is wrong with the agent by its own account; '': nothing."""
    found = [
        f'its loop {name} is late' if how == 'late' else f'{name}: {how}'
        for name, how in sorted(report.health.items())
        if how != 'ok'
    ]
    if report.watchdog not in ('off', 'feeding'):
        found.append(f'the watchdog is not fed: {report.watchdog}')
    return '; '.join(found)


def record(
    session: orm.Session, report: messages.Report, age: float = 0.0
) -> models.Host:
    """Write a report down; returns the row of its host.

    :param age: seconds that it was under way
    """
    # What is so old in it was so old when it was sent.
    row, sent_at = hosts.record_report(
        session,
        report.host,
        boot_id=report.boot_id,
        addresses=report.addresses,
        domains=report.domains,
        system_uuid=report.system_uuid,
        resume_guests=report.resume_guests,
        clock_at=beats.moment(report.sent_at),
        age=age,
    )
    now = sent_at + datetime.timedelta(seconds=age)
    observations.put(
        session,
        *(
            _observation(report.host, sight, sent_at)
            for sight in report.observations
        ),
    )
    for alleged in report.faults:
        notifications.add(
            session,
            source='agent',
            host=report.host,
            layer=alleged.layer,
            payload=alleged.payload,
            generated_at=_ago(sent_at, alleged.age),
        )
    for result in report.results:
        orders.answer(
            session, report.host, result.id, result.done, result.detail
        )
    notifications.add_new(
        session,
        (
            _notification(report.host, one, sent_at, now)
            for one in report.events
        ),
    )
    instance_observations.put(session, report.host, _seen(report, sent_at))
    return row


def record_forced(session: orm.Session, host: str) -> None:
    """Root opened the gate: told to operators, no fault to recover."""
    told = notifications.add(
        session,
        source='agent',
        host=host,
        layer=faults.Layer.OS,
        payload={'event': 'the gate was forced open'},
    )
    notifications.settle(
        session,
        told.id,
        models.NotificationState.IGNORED,
        'told, not a fault',
    )


def why_closed(session: orm.Session, host: str) -> str:
    """Why compute services of the host must not start; '': they may."""
    if evacuations.open_from(session, host):
        return 'evacuations of its instances have not ended'
    recovery = recoveries.rescue_of_host(session, host)
    if recovery is None:
        return ''
    traits = workflows.traits_of(recovery.workflow)
    if recovery.state in traits.services_run_in:
        return ''
    return (
        f'recovery {recovery.uuid} ({recovery.workflow}) is '
        f'{recovery.state}: {recovery.why}'
    )


def _notification(
    host: str,
    event: messages.InstanceEvent,
    sent_at: datetime.datetime,
    now: datetime.datetime,
) -> models.Notification:
    return models.Notification(
        uuid=str(uuid.UUID(event.id)),
        source='agent',
        host=host,
        layer=event.incident.layer,
        payload={
            'instance': str(uuid.UUID(event.instance)),
            'event': event.incident,
            'detail': event.detail,
        },
        generated_at=_ago(sent_at, event.age),
        received_at=now,
    )


def _seen(
    report: messages.Report, sent_at: datetime.datetime
) -> Iterator[instance_observations.Seen]:
    """Looks at what is defined there: of others a host has no say."""
    here = {one.lower() for one in report.domains or ()}
    for look in report.guests:
        instance = str(uuid.UUID(look.instance))
        if instance in here:
            yield instance_observations.Seen(
                instance,
                look.detector,
                look.layer,
                look.verdict,
                _ago(sent_at, look.age),
                look.detail,
            )


def _observation(
    host: str, sight: messages.Sight, sent_at: datetime.datetime
) -> faults.Observation:
    """An agent's word, and never to be taken for a look from outside."""
    return faults.Observation(
        subject=host,
        layer=sight.layer,
        detector=f'agent:{sight.detector}'[:64],
        verdict=sight.verdict,
        seen_at=_ago(sent_at, sight.age),
        network=sight.network[:64],
        detail=sight.detail,
        seen_by=host,
        certainty=faults.Certainty.ALLEGED,
    )


def _ago(now: datetime.datetime, seconds: float) -> datetime.datetime:
    """Never in the future, and never out of what a date can hold."""
    return now - datetime.timedelta(seconds=min(max(seconds, 0.0), 1e8))
