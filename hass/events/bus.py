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

"""oslo.messaging's notifications, on the topic ``hass_notifications``."""

import oslo_messaging

from hass.db import outbox
from hass import payloads

TOPIC = 'hass_notifications'
TRIES = 1_000_000
"""For ever: of -1 kombu makes a single one."""
LEVELS = {payloads.Event.TRANSITION: 'info', payloads.Event.ALARM: 'error'}


class Bus:
    """A Channel.

    While the broker is away a message waits for it. What the broker refuses
    is told by the log only: oslo.messaging raises nothing.
    """

    def __init__(self, notifier: oslo_messaging.Notifier) -> None:
        self._notifier = notifier

    def tell(self, message: outbox.Message) -> None:
        send = getattr(self._notifier, LEVELS[message.event])
        send({}, message.event, {'id': message.uuid, **message.body})
