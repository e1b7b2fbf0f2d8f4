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

"""The detectors of one service: each look in a thread, within its limit.

A detector that cannot be loaded, raises or hangs is left out for a while and
tried again later. Nobody waits for it, and what it would have seen is missing,
which is neither healthy nor failed.
"""

from collections.abc import Callable
from collections.abc import Mapping
from concurrent import futures
import threading
from typing import Any
from typing import TypeVar

from stevedore import extension

from hass import clock as clock_
from hass.detection import base
from hass import exception
from hass import faults
from hass import origin

RETRY_SECONDS = 30.0
"""A detector that failed at a host is tried there again after this."""

T = TypeVar('T')
Spawn = Callable[[Callable[[], T]], 'futures.Future[T]']


def in_thread(work: Callable[[], T]) -> 'futures.Future[T]':
    """Start the work in a thread that nobody has to wait for."""
    work = origin.carried(work)
    future: futures.Future[T] = futures.Future()
    future.set_running_or_notify_cancel()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=run, name='look', daemon=True).start()
    return future


class Panel:
    """Runs detectors and remembers which of them work, host by host.

    :param detectors: by name
    :param missing: name and aspect of those that cannot work here, with why
    """

    def __init__(
        self,
        detectors: Mapping[str, base.Detector],
        clock: clock_.Clock,
        missing: Mapping[str, str] | None = None,
        spawn: Spawn[Any] = in_thread,
    ) -> None:
        self.detectors = dict(detectors)
        self.missing = dict(missing or {})
        self._clock = clock
        self._spawn = spawn
        self._lock = threading.Lock()
        self._looks: dict[tuple[str, str], futures.Future[Any]] = {}
        self._left_out: dict[tuple[str, str], tuple[float, str]] = {}
        self._unknown: dict[tuple[str, str], str] = {}

    def working(self, subject: base.Subject) -> dict[str, base.Detector]:
        """Those that can look at this host now, by name."""
        return {
            name: detector
            for name, detector in self.detectors.items()
            if not self.why_not(name, subject)
        }

    def why_not(self, name: str, subject: base.Subject) -> str:
        """Why a detector cannot look at this host now; '' when it can."""
        key = name, subject.host
        lacks = self.detectors[name].lacks(subject)
        if lacks:
            return lacks
        with self._lock:
            until, why = self._left_out.get(key, (0.0, ''))
            look = self._looks.get(key)
        if look is not None and not look.done():
            return why or 'a look of it has not ended yet'
        return why if self._clock.monotonic() < until else ''

    def probe(
        self, name: str, subject: base.Subject
    ) -> tuple[base.Finding, ...]:
        """Look once; waits for as long as the detector may take.

        :raises hass.exception.DetectorFailed: it broke, or has not ended
        """
        key = name, subject.host
        detector = self.detectors[name]
        if why := self.why_not(name, subject):
            raise exception.DetectorFailed(name, subject.host, why)
        look = self._spawn(lambda: tuple(detector.probe(subject)))
        with self._lock:
            self._looks[key] = look
        futures.wait([look], timeout=detector.seconds)
        why = _trouble(look, detector.seconds)
        with self._lock:
            self._unknown.pop(key, None)
            self._left_out.pop(key, None)
            if why:
                until = self._clock.monotonic() + RETRY_SECONDS
                self._left_out[key] = until, why
        if why:
            raise exception.DetectorFailed(name, subject.host, why)
        found: tuple[base.Finding, ...] = look.result()
        if all(one.verdict is faults.Verdict.UNKNOWN for one in found):
            details = '; '.join(one.detail for one in found)
            with self._lock:
                self._unknown[key] = details or 'it saw nothing'
        return found

    def degraded(self, subject: base.Subject) -> list[str]:
        """A sentence for each aspect that no detector can tell of."""
        blind: dict[faults.Aspect, list[str]] = {}
        seeing: set[faults.Aspect] = set()
        for name, detector in sorted(self.detectors.items()):
            if not detector.wanted:
                continue
            why = self.why_not(name, subject)
            why = why or self._unknown.get((name, subject.host), '')
            if why:
                blind.setdefault(detector.layer, []).append(f'{name}: {why}')
            else:
                seeing.add(detector.layer)
        sentences = [
            f'no {layer} detector: {"; ".join(whys)}'
            for layer, whys in blind.items()
            if layer not in seeing
        ]
        return sentences + [
            f'no detector {name}: {why}'
            for name, why in sorted(self.missing.items())
        ]


def load(
    tools: base.Tools, *, in_band: bool, spawn: Spawn[Any] = in_thread
) -> Panel:
    """All detectors of one kind that are installed.

    One that cannot be imported or made is missing, and that is all.
    """
    missing: dict[str, str] = {}

    def note(_manager: object, entry: Any, error: BaseException) -> None:
        missing[entry.name] = f'it cannot be loaded: {error}'

    found: extension.ExtensionManager[Any] = extension.ExtensionManager(
        base.NAMESPACE, on_load_failure_callback=note
    )
    detectors = {}
    for one in found:
        if one.plugin.in_band is not in_band:
            continue
        try:
            detectors[one.name] = one.plugin(tools)
        except exception.ConfigError as error:
            missing[one.name] = str(error)
    return Panel(detectors, tools.clock, missing, spawn)


def _trouble(look: 'futures.Future[Any]', seconds: float) -> str:
    if not look.done():
        return f'it hangs: no verdict within {seconds:g} s'
    error = look.exception()
    if error is None:
        return ''
    if isinstance(error, exception.HassError):
        return str(error)
    return f'it broke: {type(error).__name__}: {error}'
