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

"""What the outer world is told: one notification for each transition."""

import logging
from typing import Any
from typing import Protocol

import oslo_messaging

from hass.db import models

LOG = logging.getLogger(__name__)


class Notifier(Protocol):
    """Where transitions and alarms are announced."""

    def transition(self, recovery: models.Recovery, old: str) -> None:
        """A recovery changed its state."""

    def alarm(self, payload: dict[str, Any]) -> None:
        """A human must look."""


class BusNotifier:
    """Announces on oslo.messaging's notification topic ``hass``.

    Notifications tell, they do not decide: when the bus is away they are
    logged and dropped, never waited for.
    """

    def __init__(self, notifier: oslo_messaging.Notifier) -> None:
        self._notifier = notifier

    def transition(self, recovery: models.Recovery, old: str) -> None:
        self._send('info', 'recovery.transition', payload(recovery, old))

    def alarm(self, payload: dict[str, Any]) -> None:
        self._send('error', 'alarm', payload)

    def _send(self, level: str, event: str, body: dict[str, Any]) -> None:
        try:
            getattr(self._notifier, level)({}, f'hass.{event}', body)
        except oslo_messaging.MessagingException as error:
            LOG.warning('notification %s was not sent: %s', event, error)


class QuietNotifier:
    """Announces nothing: for embedded use and tests."""

    def transition(self, recovery: models.Recovery, old: str) -> None:
        pass

    def alarm(self, payload: dict[str, Any]) -> None:
        pass


def payload(recovery: models.Recovery, old: str) -> dict[str, Any]:
    """The body of ``hass.recovery.transition``; holds no secrets."""
    return {
        'recovery': recovery.uuid,
        'workflow': recovery.workflow,
        'subject': recovery.subject,
        'from': old,
        'to': recovery.state,
        'held_kind': recovery.held_kind,
        'why': recovery.why,
        'at': recovery.state_since.isoformat(),
    }
