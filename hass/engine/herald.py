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

"""Tells the outer world what is in the outbox, each channel by itself.

Nobody waits for that: a channel that is away or hangs keeps neither the
other channels nor a recovery.
"""

from collections.abc import Mapping
import logging
import threading

from hass import clock as clocks
from hass.db import outbox
from hass.db import session as db_session
from hass.engine import dispatcher
from hass.engine import overview as overview_
from hass import events
from hass import exception

LOG = logging.getLogger(__name__)

LOOK_SECONDS = 0.25
FORGET_SECONDS = 60.0
CLAIM_SECONDS = 60.0
"""Longer than any channel needs for one try."""
STOP_SECONDS = 5.0


class Courier:
    """Tells one channel what is due, one after the other.

    After a failure it rests, longer each time until something works again.
    """

    def __init__(
        self,
        name: str,
        channel: events.Channel,
        database: db_session.Database,
        clock: clocks.Clock,
    ) -> None:
        self.name = name
        self._channel = channel
        self._database = database
        self._clock = clock
        self._failures = 0
        self._not_before = 0.0
        self._bell = threading.Event()
        self._stopping = threading.Event()

    def run(self) -> None:
        """Take turns until stop() is called; for a thread of its own."""
        dispatcher.repeat(self.turn, self._rest, f'telling {self.name}')

    def stop(self) -> None:
        """End after what is being told now."""
        self._stopping.set()
        self._bell.set()

    def wake(self) -> None:
        """Something is due."""
        self._bell.set()

    def turn(self) -> None:
        """Tell what is due."""
        if self._clock.monotonic() < self._not_before:
            return
        while not self._stopping.is_set():
            message = self._database.write(
                outbox.take, self.name, CLAIM_SECONDS
            )
            if message is None or not self._tell(message):
                return

    def _tell(self, message: outbox.Message) -> bool:
        try:
            self._channel.tell(message)
        except exception.NotTold as error:
            self._note_failure(message, error)
            return False
        if self._failures:
            LOG.info('%s takes what it is told again', self.name)
        self._failures = 0
        self._database.write(outbox.delivered, message)
        return True

    def _note_failure(
        self, message: outbox.Message, error: exception.NotTold
    ) -> None:
        self._failures += 1
        pause = min(2.0**self._failures, outbox.LONGEST_PAUSE_SECONDS)
        self._not_before = self._clock.monotonic() + pause
        if self._failures == 1:
            LOG.warning('%s; it is tried again', error)
        self._database.write(outbox.failed, message, pause, error.reason)

    def _rest(self) -> bool:
        self._bell.wait()
        self._bell.clear()
        return self._stopping.is_set()


class Herald:
    """Looks into the outbox, and wakes the couriers.

    :param channels: by name; every engine should have the same
    """

    def __init__(
        self,
        database: db_session.Database,
        clock: clocks.Clock,
        overview: overview_.Overview,
        channels: Mapping[str, events.Channel],
        give_up_seconds: float,
    ) -> None:
        self._database = database
        self._clock = clock
        self._overview = overview
        self._give_up_seconds = give_up_seconds
        self._forgot_at = -FORGET_SECONDS
        self._stopping = threading.Event()
        self._couriers = {
            name: Courier(name, channel, database, clock)
            for name, channel in channels.items()
        }
        self._threads = [
            threading.Thread(target=one.run, name=one.name, daemon=True)
            for one in self._couriers.values()
        ]
        self._threads.append(
            threading.Thread(target=self.run, name='herald', daemon=True)
        )

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def run(self) -> None:
        """Take turns until stop() is called; for a thread of its own."""
        dispatcher.repeat(
            self.turn,
            lambda: self._stopping.wait(LOOK_SECONDS),
            'a look into the outbox',
        )

    def stop(self) -> None:
        """Take nothing more; wait a little for what is being told now.

        What does not end in time is told by another engine.
        """
        self._stopping.set()
        for courier in self._couriers.values():
            courier.stop()
        end = self._clock.monotonic() + STOP_SECONDS
        for thread in self._threads:
            if thread.is_alive():
                thread.join(max(0.0, end - self._clock.monotonic()))

    def turn(self) -> None:
        """Spread what is new, wake those that have something to tell."""
        due: set[str | None] = set()
        if self._overview.look().pending.messages:
            due = self._database.read(outbox.due)
        if None in due:
            self._database.write(outbox.spread, self._couriers)
            due |= self._couriers.keys()
        for name in due:
            if name in self._couriers:
                self._couriers[name].wake()
        self._forget()

    def _forget(self) -> None:
        now = self._clock.monotonic()
        if now - self._forgot_at < FORGET_SECONDS:
            return
        self._forgot_at = now
        lost = self._database.write(outbox.forget, self._give_up_seconds)
        if lost:
            LOG.error(
                '%d messages could not be delivered for %.0f s: dropped',
                lost,
                self._give_up_seconds,
            )
