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

"""What the outer world is told, and by which ways."""

from typing import Any, Protocol

from hass.db import outbox


class Notifier(Protocol):
    """Where alarms are announced."""

    def alarm(self, payload: dict[str, Any]) -> None:
        """A human must look."""


class QuietNotifier:
    """Announces nothing: for embedded use and tests."""

    def alarm(self, payload: dict[str, Any]) -> None:
        pass


class Channel(Protocol):
    """One way out. It may take its time, or hang: nobody waits for it."""

    def tell(self, message: outbox.Message) -> None:
        """Deliver it, at least once.

        :raises hass.exception.NotTold: it is to be tried again
        """
