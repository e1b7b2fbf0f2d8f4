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

"""Passes frames on between pairs of devices, each a random time later.

relay.py LEAST MOST DEVICE:DEVICE … (seconds). Frames may overtake each
other. Runs on the system's Python, without any other package.
"""

import contextlib
import heapq
import itertools
import random
import selectors
import socket
import sys
import time

# From linux/if_packet.h. With the header that virtio knows, frames of an
# offloading device pass whole, checksums not yet computed.
_SOL_PACKET = 263
_PACKET_VNET_HDR = 15
_PACKET_IGNORE_OUTGOING = 23
_ETH_P_ALL = 3
_LARGEST = 70_000


def _open(device: str) -> socket.socket:
    made = socket.socket(
        socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_P_ALL)
    )
    made.setsockopt(_SOL_PACKET, _PACKET_VNET_HDR, 1)
    made.setsockopt(_SOL_PACKET, _PACKET_IGNORE_OUTGOING, 1)
    made.bind((device, 0))
    made.setblocking(False)
    return made


def relay(least: float, most: float, pairs: list[tuple[str, str]]) -> None:
    """Pass frames on for ever."""
    devices = selectors.DefaultSelector()
    for pair in pairs:
        left, right = map(_open, pair)
        devices.register(left, selectors.EVENT_READ, right)
        devices.register(right, selectors.EVENT_READ, left)
    late: list[tuple[float, int, socket.socket, bytes]] = []
    count = itertools.count()
    while True:
        wait = max(0.0, late[0][0] - time.monotonic()) if late else None
        for ready, _events in devices.select(wait):
            # A cable may be pulled at any moment.
            with contextlib.suppress(OSError):
                frame = ready.fileobj.recv(_LARGEST)  # type: ignore[union-attr]
                at = time.monotonic() + random.uniform(least, most)
                heapq.heappush(late, (at, next(count), ready.data, frame))
        while late and late[0][0] <= time.monotonic():
            _at, _number, device, frame = heapq.heappop(late)
            with contextlib.suppress(OSError):
                device.send(frame)


if __name__ == '__main__':
    relay(
        float(sys.argv[1]),
        float(sys.argv[2]),
        [tuple(word.split(':')) for word in sys.argv[3:]],  # type: ignore[misc]
    )
