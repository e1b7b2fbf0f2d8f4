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


"""Keeps the explanations of hosts current: an engine's, for its share.

At once for hosts that somebody may wonder about, every few seconds for the
others. A row is written when the words change, and now and then it is said
of all others that they still hold.
"""

from collections.abc import Callable
from collections.abc import Mapping
import contextlib
import math
import threading

from hass import clock as clock_
from hass.db import hosts as db_hosts
from hass.db import session as db_session
from hass.diagnosis import explain
from hass.engine import dispatcher
from hass import exception

TURN_SECONDS = 1.0
CALM_SECONDS = 5.0
HOLDS_SECONDS = 30.0


class Explainer:
    """Writes what changed.

    :param situations: those of the hosts that this engine explains: of all,
        or of the urgent ones
    """

    def __init__(
        self,
        database: db_session.Database,
        clock: clock_.Clock,
        situations: Callable[[bool], Mapping[str, explain.Situation]],
    ) -> None:
        self._database = database
        self._clock = clock
        self._situations = situations
        self._words: dict[str, str] = {}
        self._looked_at = -math.inf
        self._held_at = -math.inf
        self._stopping = threading.Event()

    def run(self) -> None:
        """Take turns until stop() is called; for a thread of its own."""
        dispatcher.repeat(
            self.turn,
            lambda: self._stopping.wait(TURN_SECONDS),
            'a turn of the explainer',
        )

    def stop(self) -> None:
        """End after the present turn."""
        self._stopping.set()

    def turn(self) -> None:
        """Explain what is to be explained now."""
        now = self._clock.monotonic()
        everyone = now - self._looked_at >= CALM_SECONDS
        found = self._situations(everyone)
        words = {name: explain.explain(one) for name, one in found.items()}
        news = {
            name: text
            for name, text in words.items()
            if text != self._words.get(name)
        }
        holds = everyone and now - self._held_at >= HOLDS_SECONDS
        if news or holds:
            with self._database.writer() as session:
                for name, text in sorted(news.items()):
                    # It may have been removed meanwhile.
                    with contextlib.suppress(exception.NotFound):
                        db_hosts.explain(session, name, text)
                if holds:
                    db_hosts.still_explained(session, sorted(words))
        if everyone:
            self._words = words
            self._looked_at = now
        self._words |= news
        if holds:
            self._held_at = now
