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

"""Host network, from outside: who answers a ping. Many at a time."""

from collections.abc import Collection

import icmplib

from hass import exception


class NetworkIcmp:
    """Pings addresses side by side through one raw socket.

    Raw sockets need CAP_NET_RAW; without it Linux's ping sockets are used,
    which ``net.ipv4.ping_group_range`` may forbid.

    :param seconds: how long an answer may take
    :param count: pings to an address; one answer is enough
    """

    def __init__(self, seconds: float, count: int) -> None:
        self._seconds = seconds
        self._count = count
        self._privileged = True

    def answering(self, addresses: Collection[str]) -> frozenset[str]:
        """Those addresses that answer.

        :raises hass.exception.ConfigError: the system allows no pings
        """
        if not addresses:
            return frozenset()
        try:
            return self._ping(addresses)
        except icmplib.SocketPermissionError:
            if not self._privileged:
                raise exception.ConfigError(
                    'CAP_NET_RAW', 'this service may not send pings'
                ) from None
            self._privileged = False
            return self._ping(addresses)

    def _ping(self, addresses: Collection[str]) -> frozenset[str]:
        answers = icmplib.multiping(
            sorted(addresses),
            count=self._count,
            interval=0.1,
            timeout=self._seconds,
            privileged=self._privileged,
        )
        return frozenset(one.address for one in answers if one.is_alive)
