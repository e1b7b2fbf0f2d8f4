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

"""Does what engines order, of the few things that it knows how to do."""

import collections
from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
import dataclasses
import logging
import queue
import threading
from typing import Any

from hass.agent import backlog
from hass.agent import identity as identities
from hass import clock as clocks
from hass import exception
from hass import refusals
from hass.rpc import messages

LOG = logging.getLogger(__name__)

WAIT_SECONDS = 5.0
REMEMBERED = 1024
"""An order that comes again, because its result got lost, is not repeated."""
Doer = Callable[[str], str]
"""Does one kind of order to a subject; returns what it did.

:raises hass.exception.OrderRefused: it did nothing
"""


@dataclasses.dataclass(frozen=True, slots=True)
class _Taken:
    """An order, and when it must have been begun (CLOCK_BOOTTIME)."""

    order: messages.Order
    until: float


class Orders:
    """Believes orders, does them one after the other, tells what came of it.

    An order is believed when it comes in the answer to a report of ours and
    is signed for it; and of one kind, at one subject, no more is done than
    the limit of this agent lets.

    :param doers: kind of order to what does it
    :param conf: the options of [agent]
    :param wake: there is a result to report
    """

    def __init__(
        self,
        identity: identities.Identity,
        clock: clocks.Clock,
        doers: Mapping[str, Doer],
        conf: Any,
        wake: Callable[[], None],
    ) -> None:
        self._identity = identity
        self._clock = clock
        self._doers = dict(doers)
        self._willing = conf.obey_orders
        self._unwilling = '[agent] obey_orders is off here'
        self._most, self._seconds = conf.max_orders, conf.orders_seconds
        self._wake = wake
        self._waiting: queue.SimpleQueue[_Taken] = queue.SimpleQueue()
        self._doing = threading.Lock()
        self._known: collections.deque[str] = collections.deque(
            maxlen=REMEMBERED
        )
        self._done: collections.defaultdict[
            tuple[str, str], collections.deque[float]
        ] = collections.defaultdict(collections.deque)
        self._refusals = refusals.Refusals(clock)
        self.results: backlog.Backlog[messages.OrderResult] = backlog.Backlog(
            'results of orders', REMEMBERED
        )

    def refusals(self) -> Mapping[str, int]:
        """How many answers held orders that were not believed, by reason."""
        return self._refusals.counts()

    def take(
        self, report: messages.Envelope, answer: object, asked_at: float
    ) -> None:
        """Take in what an engine answered; never blocks.

        :param report: what was sent to it
        :param answer: the envelope of the orders
        :param asked_at: CLOCK_BOOTTIME before the report went out
        """
        try:
            found = self._identity.ordered(report, answer)
        except exception.MessageRefused as refused:
            self._refusals.note('orders', refused)
            return
        for order in found:
            if order.id not in self._known:
                self._known.append(order.id)
                self._waiting.put(_Taken(order, asked_at + order.seconds))

    def turn(self) -> None:
        """Do what waits, or wait a little for it."""
        try:
            taken = self._waiting.get(timeout=WAIT_SECONDS)
        except queue.Empty:
            return
        with self._doing:
            self._obey(taken)

    def finish(self, seconds: float) -> None:
        """Begin no more; let what is being done end, for so long."""
        if self._willing:
            self._willing = False
            self._unwilling = 'the agent is being stopped'
        if self._doing.acquire(timeout=seconds):
            self._doing.release()

    def _obey(self, taken: _Taken) -> None:
        order = taken.order
        try:
            done, detail = True, self._do(taken)
        except exception.OrderRefused as refused:
            done, detail = False, refused.reason
        LOG.warning(
            'an engine orders to %s %s: %s', order.kind, order.subject, detail
        )
        self.results.add(
            messages.OrderResult(
                order.id, done, detail[: messages.MAX_CHARACTERS]
            )
        )
        self._wake()

    def _do(self, taken: _Taken) -> str:
        order, now = taken.order, self._clock.monotonic()
        doer = self._doers.get(order.kind)
        if doer is None:
            raise exception.OrderRefused(
                f'this agent cannot {order.kind}, but '
                f'{" and ".join(sorted(self._doers)) or "nothing"}'
            )
        if not self._willing:
            raise exception.OrderRefused(self._unwilling)
        if now > taken.until:
            raise exception.OrderRefused('it came too late')
        done = self._done[order.kind, order.subject]
        while done and now - done[0] > self._seconds:
            done.popleft()
        if len(done) >= self._most:
            raise exception.OrderRefused(
                f'it was done {len(done)} times within {self._seconds} s, '
                'and [agent] max_orders allows no more'
            )
        done.append(now)
        return doer(order.subject)


def waiting(
    orders: Orders | None, number: int
) -> tuple[int, Sequence[messages.OrderResult]]:
    """The first results that wait, as Backlog.first() gives them."""
    return (0, ()) if orders is None else orders.results.first(number)
