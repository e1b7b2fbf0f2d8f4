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

"""Reports over RPC, and keeps what could not be told yet."""

from collections.abc import Callable, Mapping
import dataclasses
import logging
from typing import Any

from hass.agent import backlog as backlogs
from hass.agent import facts as facts_
from hass.agent.guests import sights as sights_
from hass.agent import identity as identities
from hass.agent.instances import teller
from hass.agent import orders as orders_
from hass import clock as clocks
from hass import exception
from hass import faults
from hass import origin
from hass.rpc import api
from hass.rpc import messages

LOG = logging.getLogger(__name__)

AT_ONCE = 50
EVENTS_AT_ONCE = 500
LOOKS_AT_ONCE = 200
MAX_DETAIL = 120
PATROL_SECONDS = 30.0
EAGER_SECONDS = 180.0
"""So long after a service has failed an order may come at any moment."""
PLAIN_SECONDS = 60.0
"""An engine that does not know the newest messages is asked again after it:
it may have been upgraded, and another may answer."""
SERVICES = frozenset({faults.SidePath.COMPUTE, faults.SidePath.LIBVIRT})


@dataclasses.dataclass(frozen=True, slots=True)
class _Alleged:
    at: float
    layer: faults.Layer
    payload: Mapping[str, str]


class Reporter:
    """Tells the engines what is, at once when it has changed.

    Alleged faults and events of instances wait in line until an engine has
    taken them; each goes out at least once, in order. The lines are bounded:
    the oldest gives way. Looks at instances go out when they are news. While a
    service of this host has failed, an engine may have an order in its answer:
    then it reports more often.

    :param sights: of the instances that are defined here
    :param orders: takes what engines order; None: they may order nothing
    """

    def __init__(
        self,
        identity: identities.Identity,
        engine: api.Engine,
        clock: clocks.Clock,
        look: Callable[[], facts_.Facts],
        *,
        report_seconds: float,
        backlog: int,
        sights: sights_.Sights,
        orders: orders_.Orders | None = None,
    ) -> None:
        self._orders = orders
        self._failed_at: float | None = None
        self._identity = identity
        self._engine = engine
        self._clock = clock
        self._look = look
        self._report_seconds = report_seconds
        self._alleged: backlogs.Backlog[_Alleged] = backlogs.Backlog(
            'alleged faults', backlog
        )
        self._events: backlogs.Backlog[teller.Event] = backlogs.Backlog(
            'events of instances', backlog
        )
        self._sights = sights
        self._told: facts_.Facts | None = None
        self._told_at = 0.0
        self._began = clock.monotonic()
        self._trouble = ''
        self._wanted = False
        self._plain_until = 0.0

    @property
    def dropped(self) -> int:
        """Alleged faults and events that gave way since the start."""
        return self._alleged.dropped + self._events.dropped

    def backlogs(self) -> Mapping[str, backlogs.Backlog[Any]]:
        """What waits for an engine, by its kind."""
        found: dict[str, backlogs.Backlog[Any]] = {
            'faults': self._alleged,
            'events': self._events,
        }
        if self._orders is not None:
            found['results'] = self._orders.results
        return found

    def age_seconds(self) -> float:
        """Since an engine took a report, or since the start."""
        return self._clock.monotonic() - (self._told_at or self._began)

    def allege(self, layer: faults.Layer, payload: Mapping[str, str]) -> None:
        """A fault that the engines should hear of; never blocks."""
        self._alleged.add(_Alleged(self._clock.monotonic(), layer, payload))

    def tell(self, event: teller.Event) -> None:
        """What happened to an instance; never blocks."""
        self._events.add(event)

    def show_life(self) -> None:
        """Tell over the bus that this host lives, if engines want that.

        Nothing is left in the broker's queue while no engine takes reports.
        """
        if not self._wanted or self._trouble:
            return
        try:
            self._engine.alive(self._identity.seal(messages.Alive))
        except exception.EngineUnreachable as error:
            LOG.debug('no sign of life over the bus: %s', error)

    def turn(self) -> bool:
        """Report if something has changed or it is time.

        :returns: whether an engine takes it and more waits
        """
        found = self._look()
        now = self._clock.monotonic()
        due = now - self._told_at >= self._report_seconds
        due = due or self._is_eager(found, now)
        if due or self._waiting(found) or found != self._told:
            return self._report(found, now) and self._waiting(found)
        return False

    def _is_eager(self, found: facts_.Facts, now: float) -> bool:
        """Whether a service has failed, and not too long ago."""
        if not any(
            one.layer in SERVICES and one.verdict is faults.Verdict.FAILED
            for one in found.sights
        ):
            self._failed_at = None
            return False
        if self._failed_at is None:
            self._failed_at = now
        return (
            self._orders is not None and now - self._failed_at < EAGER_SECONDS
        )

    def _waiting(self, found: facts_.Facts) -> bool:
        if self._clock.monotonic() < self._plain_until:
            _mark, events = self._events.first(EVENTS_AT_ONCE)
            return bool(self._alleged) or not all(
                map(messages.is_news, events)
            )
        if self._alleged or self._events:
            return True
        _marks, news = self._sights.news(1, found.domains or ())
        results = self._orders.results if self._orders else ()
        return bool(news) or bool(results)

    def _report(self, found: facts_.Facts, now: float) -> bool:
        origin.begin_request()
        plain = now < self._plain_until
        most = 0 if plain else LOOKS_AT_ONCE
        marks, looks = self._sights.news(most, found.domains or ())
        alleged_mark, alleged = self._alleged.first(AT_ONCE)
        events_mark, events = self._events.first(EVENTS_AT_ONCE)
        kept = [one for one in events if plain and messages.is_news(one)]
        events = [one for one in events if one not in kept]
        results_mark, results = orders_.waiting(
            self._orders, min(most, AT_ONCE)
        )
        envelope = self._identity.seal(
            messages.Report,
            addresses=found.addresses,
            domains=found.domains,
            system_uuid=found.system_uuid,
            resume_guests=found.resume_guests,
            watchdog=found.watchdog,
            health=found.health,
            observations=list(found.sights),
            faults=[
                messages.Allegation(
                    each.layer, now - each.at, dict(each.payload)
                )
                for each in alleged
            ],
            events=[
                messages.InstanceEvent(
                    id=each.id,
                    instance=each.instance,
                    incident=each.incident,
                    age=now - each.at,
                    detail=each.detail[: messages.MAX_CHARACTERS],
                )
                for each in events
            ],
            guests=[
                messages.InstanceLook(
                    instance=each.instance,
                    detector=each.detector,
                    layer=each.layer,
                    verdict=each.verdict,
                    age=now - each.at,
                    detail=each.detail[:MAX_DETAIL],
                )
                for each in looks
            ],
            results=list(results),
        )
        try:
            answer = self._engine.report(envelope)
        except (
            exception.EngineUnreachable,
            exception.MessageRefused,
        ) as error:
            if messages.is_too_new(error) and not plain:
                self._plain_until = now + PLAIN_SECONDS
                return self._report(found, now)
            self._tell(f'not reported: {error}')
            return False
        self._told, self._told_at = found, now
        self._wanted = answer.get('signs') is True
        self._alleged.take_out(alleged_mark)
        self._events.take_out(events_mark)
        for one in kept:
            self._events.add(one)
        self._sights.told(marks)
        if self._orders is not None:
            self._orders.results.take_out(results_mark)
            if 'orders' in answer:
                self._orders.take(envelope, answer['orders'], now)
        self._tell(_idle(answer))
        return True

    def _tell(self, trouble: str) -> None:
        """Once when it comes, once when it goes."""
        if trouble != self._trouble:
            self._trouble = trouble
            if trouble:
                LOG.error('%s', trouble)
            else:
                LOG.info('the engines hear this host and watch')


def _idle(answer: api.Answer) -> str:
    seconds = answer.get('patrol_seconds')
    if isinstance(seconds, int | float) and seconds <= PATROL_SECONDS:
        return ''
    return (
        'nobody watches: no engine has finished a patrol turn for '
        f'{PATROL_SECONDS:.0f} s'
    )
