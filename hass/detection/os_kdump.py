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

"""Host OS, by what a kernel says that has panicked: fence_kdump_send.

The kdump kernel of a host sends two numbers of 32 bits, in its own byte
order, every ten seconds or so: message.h of the fence-agents. Nobody signs
them. So a panic is alleged, and that none was told is no sign of health.
"""

from collections.abc import Sequence
import struct

from hass.detection import base
from hass import exception
from hass import faults

MAGIC = 0x1B302A40
VERSION = 1
BYTES = 8
FRESH_SECONDS = 30.0
"""A kernel that dumps its memory says so again within this time."""
_MESSAGES = frozenset(
    struct.pack(f'{order}II', MAGIC, VERSION) for order in '<>'
)


def check(datagram: bytes) -> None:
    """Whether it is what fence_kdump_send sends.

    :raises MessageRefused: it is something else
    """
    if datagram not in _MESSAGES:
        raise exception.MessageRefused(
            '', 'it is not what fence_kdump_send sends'
        )


class OsKdump(base.Detector):
    """Remembers who said that its kernel has panicked."""

    layer = faults.Layer.OS
    seconds = 1.0

    def lacks(self, subject: base.Subject) -> str:
        if self.tools.panics is None:
            return 'nobody listens for fence_kdump_send'
        return '' if subject.networks else 'no address of the host is known'

    def probe(self, subject: base.Subject) -> Sequence[base.Finding]:
        panics, ask = self.tools.panics, self.tools.mute
        at = None if panics is None else panics(subject.host)
        ago = 0.0 if at is None else self.tools.clock.monotonic() - at
        if at is None or ago > FRESH_SECONDS:
            return [
                base.Finding(
                    faults.Verdict.UNKNOWN, 'its kernel told of no panic'
                )
            ]
        told = f'its kernel told {ago:.1f} s ago that it has panicked'
        if ask is None or not ask(subject.host):
            told += ', and its agent may still answer'
            return [base.Finding(faults.Verdict.UNKNOWN, told)]
        told += ', and its agent does not answer'
        return [
            base.Finding(
                faults.Verdict.FAILED,
                told,
                certainty=faults.Certainty.INFERRED,
            )
        ]
