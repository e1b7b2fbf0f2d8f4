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


"""What regular looks find that a human should know before the night."""

from collections.abc import Callable
from collections.abc import Sequence
from typing import Any

from hass import clock as clock_
from hass.detection import base as detection
from hass import faults

ROUNDS = 2
"""So many looks in a row have to miss the power."""
NAMED = 5
FAILED = faults.Verdict.FAILED
UNKNOWN = faults.Verdict.UNKNOWN


class Worries:
    """Pages each worry, again and again until it has passed.

    Power that nobody can read: the host could not be fenced. Hardware that
    fails: it is reported, and nobody is fenced for it. Many hosts with the
    same worry are one page: a switch is broken, or this engine is cut off.

    :param pager: takes an alarm and returns at once
    """

    def __init__(
        self,
        pager: Callable[[dict[str, Any]], object],
        clock: clock_.Clock,
        engine: str,
        repeat_seconds: float,
    ) -> None:
        self._pager = pager
        self._clock = clock
        self._engine = engine
        self._repeat_seconds = repeat_seconds
        self._missed: dict[str, int] = {}
        self._unread: dict[str, str] = {}
        self._ailing: dict[str, str] = {}
        self._paged: dict[tuple[str, str], float] = {}

    def note(
        self,
        host: str,
        layer: faults.Aspect,
        found: Sequence[detection.Finding],
        why: str,
    ) -> None:
        """One look at a host.

        :param why: it could not be looked at
        """
        if layer is faults.Layer.POWER:
            self._note_power(host, found, why)
        elif layer is faults.Layer.HARDWARE and not why:
            bad = [one.detail for one in found if one.verdict is FAILED]
            self._set(self._ailing, 'hardware', host, '; '.join(bad))

    def cry(self, host: str, why: str) -> None:
        """Page at once what will not be seen again."""
        self._pager({'subject': host, 'why': why})

    def forget(self, host: str) -> None:
        """The host is gone, or another engine's."""
        self._missed.pop(host, None)
        self._set(self._unread, 'power', host, '')
        self._set(self._ailing, 'hardware', host, '')

    def page(self) -> None:
        """Page what is to be paged now."""
        unread = self._due('power', self._unread)
        if len(unread) > NAMED:
            self._page_many(unread)
        else:
            for host in unread:
                self._pager(
                    {
                        'subject': host,
                        'why': f'power of {host} cannot be read: it could not '
                        f'be fenced ({self._unread[host]})',
                    }
                )
        for host in self._due('hardware', self._ailing):
            self._pager(
                {
                    'subject': host,
                    'why': f'hardware of {host} fails: {self._ailing[host]}; '
                    'it is reported, not fenced',
                }
            )

    def _note_power(
        self, host: str, found: Sequence[detection.Finding], why: str
    ) -> None:
        if not why and all(one.verdict is UNKNOWN for one in found):
            why = '; '.join(one.detail for one in found) or 'nothing was seen'
        if not why:
            self._missed.pop(host, None)
            self._set(self._unread, 'power', host, '')
            return
        self._missed[host] = self._missed.get(host, 0) + 1
        if self._missed[host] >= ROUNDS:
            self._set(self._unread, 'power', host, why)

    def _set(
        self, worries: dict[str, str], kind: str, host: str, why: str
    ) -> None:
        if why:
            worries[host] = why
        else:
            worries.pop(host, None)
            self._paged.pop((kind, host), None)

    def _due(self, kind: str, worries: dict[str, str]) -> list[str]:
        now = self._clock.monotonic()
        due = [
            host
            for host in sorted(worries)
            if now - self._paged.get((kind, host), -self._repeat_seconds)
            >= self._repeat_seconds
        ]
        self._paged |= {(kind, host): now for host in due}
        return due

    def _page_many(self, unread: Sequence[str]) -> None:
        named = ', '.join(unread[:NAMED])
        self._pager(
            {
                'subject': self._engine,
                'why': f'power of {len(unread)} hosts cannot be read by '
                f'{self._engine}: they could not be fenced ({named} …)',
            }
        )
