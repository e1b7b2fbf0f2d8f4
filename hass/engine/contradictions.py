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


"""Hosts that beat while their BMC reads off: such a BMC proves nothing.

It may belong to another host, or lie. What is found out in calm times counts
in the night: when the host falls silent, the same BMC still reads off.
"""

from collections.abc import Callable

from hass.recovery import witness

MARGIN_SECONDS = 5.0
"""A beat this long after the look was no late one of a host just cut off."""


class Contradictions:
    """Compares what BMCs read with the beats around that moment.

    :param heard: the newest beats of a host
    """

    def __init__(self, heard: Callable[[str], witness.Heard | None]) -> None:
        self._heard = heard
        self._off: dict[str, tuple[float, float]] = {}

    def note_off(self, host: str, began: float, ended: float) -> None:
        """A BMC read off, in a look of so long on CLOCK_BOOTTIME."""
        self._off[host] = began, ended

    def note_other(self, host: str) -> None:
        """It read something else, or nothing."""
        self._off.pop(host, None)

    def caught(self) -> list[str]:
        """Hosts of which one boot ran before and after their BMC read off."""
        found = [
            host
            for host, look in sorted(self._off.items())
            if self._ran(host, *look)
        ]
        for host in found:
            del self._off[host]
        return found

    def _ran(self, host: str, began: float, ended: float) -> bool:
        heard = self._heard(host)
        if heard is None:
            return False
        return heard.since < began and ended + MARGIN_SECONDS < heard.sent
