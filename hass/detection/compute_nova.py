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


"""nova-compute, from outside: what Nova itself believes of it."""

from collections.abc import Mapping
from collections.abc import Sequence
import threading

from hass.detection import base
from hass import exception
from hass import faults

FRESH_SECONDS = 10.0
"""One answer of Nova tells of all hosts, and counts for so long."""


class ComputeNova(base.Detector):
    """Reads the service record (API reference: os-services).

    Nova is slow to notice: by default after a minute of silence.
    """

    layer = faults.SidePath.COMPUTE
    seconds = 30.0

    def __init__(self, tools: base.Tools) -> None:
        super().__init__(tools)
        if tools.services is None:
            raise exception.ConfigError('[nova]', 'Nova cannot be asked here')
        self._ask = tools.services
        self._lock = threading.Lock()
        self._known: Mapping[str, base.ComputeRecord] = {}
        self._at: float | None = None

    def probe(self, subject: base.Subject) -> Sequence[base.Finding]:
        """Up is healthy, down is failed, forced down tells nothing.

        :raises hass.exception.NovaError: it does not tell
        """
        record = self._records().get(subject.host)
        verdict, detail = faults.Verdict.UNKNOWN, 'Nova knows none there'
        if record is not None and record.forced_down:
            # Somebody said so, and Nova looks no further.
            detail = 'it is forced down'
        elif record is not None:
            detail = f'Nova says {record.state}'
            if record.state == 'up':
                verdict = faults.Verdict.HEALTHY
            elif record.state == 'down':
                verdict = faults.Verdict.FAILED
                detail += f', it last reported at {record.updated_at}'
        return [base.Finding(verdict, detail)]

    def _records(self) -> Mapping[str, base.ComputeRecord]:
        with self._lock:
            now = self.tools.clock.monotonic()
            if self._at is None or now - self._at > FRESH_SECONDS:
                self._known = {one.host: one for one in self._ask()}
                self._at = now
            return self._known
