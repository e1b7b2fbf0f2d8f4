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

"""Operating system, from outside: whether the BMC's watchdog is fed."""

from collections.abc import Sequence
import dataclasses
import threading

from hass import bmc
from hass.detection import base
from hass.detection import ipmi
from hass import faults

FRESH_SECONDS = 2.0
"""Who fed the watchdog so lately is alive."""
FED_SECONDS = 5.0
"""Likewise, if the watchdog was fed after the last look."""
SLACK_SECONDS = 0.3
"""What reading the countdown may be wrong by: it has steps of 0.1 s."""
EXPIRED_SECONDS = 120.0
"""So long an expiry counts; a host that boots again may not use it."""


@dataclasses.dataclass(frozen=True, slots=True)
class Look:
    """What is remembered of the last look at a host.

    :ivar ended_at: CLOCK_BOOTTIME when the answer had come
    :ivar falls: the countdown was once seen under its start
    :ivar expired_at: CLOCK_BOOTTIME when it was first seen to have run out
    """

    ended_at: float
    timer: bmc.Watchdog
    falls: bool
    expired_at: float | None


class OsWatchdog(ipmi.IpmiDetector):
    """Reads the countdown (IPMI 2.0, 27.7), once for each look.

    The start of the countdown less its present value is the time since the
    operating system last fed it. Failed is only what ran out between two
    looks: the flag of an expiry stays set while the host boots again.
    """

    layer = faults.Layer.OS

    def __init__(self, tools: base.Tools) -> None:
        super().__init__(tools)
        self._lock = threading.Lock()
        self._looks: dict[str, Look] = {}

    def probe(self, subject: base.Subject) -> Sequence[base.Finding]:
        """Compare the countdown with its start, and with the last look.

        :raises hass.exception.BmcError: it cannot be read
        """
        began_at = self.tools.clock.monotonic()
        timer = self.bmcs.watchdog(self.access(subject))
        ended_at = self.tools.clock.monotonic()
        with self._lock:
            last = self._looks.get(subject.host)
            look = Look(
                ended_at,
                timer,
                _falls(timer, last),
                _expired_at(timer, last, ended_at),
            )
            self._looks[subject.host] = look
        verdict, detail = _judge(look, last, began_at)
        return self.found(verdict, detail)


def _falls(timer: bmc.Watchdog, last: Look | None) -> bool:
    """Some BMCs read the start of the countdown for ever."""
    return timer.age_seconds > 0 or (last is not None and last.falls)


def _expired_at(
    timer: bmc.Watchdog, last: Look | None, now: float
) -> float | None:
    """When a timer that ran at the last look was found to have run out."""
    if timer.running or last is None or 'os' not in timer.expired:
        return None
    if 'os' not in last.timer.expired:
        return now
    if last.timer.running and not timer.present_seconds:
        return now
    return last.expired_at


def _judge(
    look: Look, last: Look | None, began_at: float
) -> tuple[faults.Verdict, str]:
    timer, age = look.timer, look.timer.age_seconds
    if look.expired_at is not None:
        since = look.ended_at - look.expired_at
        said = f'the watchdog ran out, seen {since:.1f} s ago'
        if since <= EXPIRED_SECONDS:
            return faults.Verdict.FAILED, said
        return faults.Verdict.UNKNOWN, f'{said}; it was not started again'
    if not timer.running:
        return faults.Verdict.UNKNOWN, 'the watchdog does not run'
    if timer.use != 'os':
        return faults.Verdict.UNKNOWN, f'the watchdog guards {timer.use}'
    if not look.falls:
        return faults.Verdict.UNKNOWN, 'the watchdog was not seen to count'
    said = f'the watchdog was fed {age:.1f} s ago'
    since_last = began_at - last.ended_at if last else 0.0
    fed = age < since_last - SLACK_SECONDS and age <= FED_SECONDS
    if fed or age <= FRESH_SECONDS:
        return faults.Verdict.HEALTHY, said
    left = f'{timer.present_seconds:.1f} of {timer.initial_seconds:.1f} s left'
    return faults.Verdict.UNKNOWN, f'{said}, {left}: too long ago to tell'
