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

"""Group membership, from outside: which hosts the stores still know."""

import threading
import uuid

from hass import clock as clock_
from hass.detection import attendance
from hass.detection import base
from hass.detection import groups
from hass import exception
from hass import faults


class Reader:
    """Reads one store once a second, in a thread of its own.

    It is a member itself: a store that has forgotten it may have forgotten
    every host as well, and a reader that was paused or cut off notices.
    """

    def __init__(self, url: str, clock: clock_.Clock) -> None:
        self._group = groups.Group(url, f'reader:{uuid.uuid4().hex}')
        self._clock = clock
        self._attendance = attendance.Attendance(self._group.place)
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def finding(self, host: str) -> base.Finding:
        """What the newest answer tells; the first call starts reading."""
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(
                    target=self._run, name='membership', daemon=True
                )
                self._thread.start()
            return self._attendance.finding(self._clock.monotonic(), host)

    def stop(self) -> None:
        """Read no more."""
        self._stopped.set()
        threading.Thread(target=self._group.leave, daemon=True).start()

    def _run(self) -> None:
        while not self._stopped.is_set():
            began = self._clock.monotonic()
            try:
                roll = self._group.beat()
            except exception.StoreUnreachable as error:
                with self._lock:
                    self._attendance.miss(error.reason)
            else:
                with self._lock:
                    self._attendance.note(began, roll)
            self._stopped.wait(groups.BEAT_SECONDS)


class MembershipTooz(base.Detector):
    """A host that was a member and is no more, while its store lives, failed.

    What the store does not tell accuses nobody.
    """

    layer = faults.SidePath.MEMBERSHIP

    def __init__(self, tools: base.Tools) -> None:
        super().__init__(tools)
        self._readers = [
            Reader(url, tools.clock)
            for url in tools.conf.detection.membership_urls
        ]
        self.wanted = bool(self._readers)

    def lacks(self, subject: base.Subject) -> str:
        if not self._readers:
            return '[detection] membership_urls names no store'
        return groups.lacking()

    def probe(self, subject: base.Subject) -> list[base.Finding]:
        """One finding for each store, told apart as networks are.

        Who is a member of one lives, whatever the others say.
        """
        return [reader.finding(subject.host) for reader in self._readers]

    def close(self) -> None:
        """Read no more."""
        for reader in self._readers:
            reader.stop()
