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


"""Glances at the power of silent hosts, in the background of the patrol."""

from collections.abc import Callable
from collections.abc import Collection
from concurrent import futures

from hass.db import models
from hass.fencing import base as fencing
from hass.recovery import hands as hands_

Glance = futures.Future[fencing.Look]


class Glances:
    """One at each host in each of its silences; nobody waits for a BMC.

    :param found_off: is called when one reads off, in any thread
    """

    def __init__(
        self,
        hands: hands_.Hands,
        pool: futures.Executor,
        found_off: Callable[[], object],
    ) -> None:
        self._hands = hands
        self._pool = pool
        self._found_off = found_off
        self._running: dict[str, Glance] = {}

    def keep(self, silent: Collection[str]) -> None:
        """Forget all but those at hosts that are silent still."""
        for name in self._running.keys() - set(silent):
            self._running.pop(name).cancel()

    def off(self, host: models.Host) -> fencing.Look | None:
        """How its BMC has read off; the first call begins to ask it.

        None: it has not.
        """
        glance = self._running.get(host.name)
        if glance is None:
            glance = self._pool.submit(
                fencing.look,
                self._hands.fencer,
                self._hands.target(host),
                self._hands.clock,
            )
            self._running[host.name] = glance
            glance.add_done_callback(self._tell)
            return None
        done = glance.done() and _is_off(glance)
        return glance.result() if done else None

    def _tell(self, glance: Glance) -> None:
        if _is_off(glance):
            self._found_off()


def _is_off(glance: Glance) -> bool:
    return (
        not glance.cancelled()
        and glance.exception() is None
        and glance.result().power is fencing.PowerState.OFF
    )
