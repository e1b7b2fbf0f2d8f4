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

"""What Nova announces of instances: its versioned notifications.

Format: Nova's developer reference, "Notifications"; an InstancePayload has
uuid, display_name and host since its version 1.0 (Ocata).
"""

import dataclasses
from typing import Any, Self

from oslo_config import cfg
import oslo_messaging
from oslo_utils import uuidutils

from hass import exception
from hass.nova import records
from hass.rpc import transport as wire

OPTION = '[nova] notifications_url'
EXCHANGE = 'nova'
INSTANCES = r'^instance\.'


@dataclasses.dataclass(frozen=True, slots=True)
class Notice:
    """That something happened to an instance: a hint to ask Nova.

    :ivar event: ``instance.delete.end``, ``instance.update`` …
    :ivar host: where Nova says it is; None: on none
    """

    event: str
    instance: str
    name: str | None
    host: str | None

    @property
    def tells_of_the_end(self) -> bool:
        return self.event == 'instance.delete.end'

    @classmethod
    def read(cls, event: str, payload: object) -> Self:
        """:raises NovaFailed: it is not what Nova sends"""
        call = f'notification {event[:64]}'
        whole = records.Record(call, payload)
        fields = records.Record(call, whole.anything('nova_object.data'))
        instance = fields.text('uuid')
        if not uuidutils.is_uuid_like(instance):
            raise exception.NovaFailed(call, "its 'uuid' is no UUID")
        return cls(
            event=event,
            instance=instance,
            name=fields.maybe_text('display_name'),
            host=fields.maybe_text('host'),
        )


def listen(url: str, topic: str, endpoint: object) -> wire.Server:
    """A server that hands notifications of instances to an endpoint.

    Engines share the topic's queues: each notification goes to one of them.
    Nova declares the queues as well, so that they must be of the kind that
    Nova's own options say: ours of RPC do not count here, the URL's do.

    :param endpoint: ``info`` and ``error`` are called, in one thread, as
        oslo.messaging has it
    :raises ConfigError: the URL cannot be used
    """
    conf = cfg.ConfigOpts()
    wire.register_plain_opts(conf)
    conf([], default_config_files=[], default_config_dirs=[])
    # In the order in which they came, and Nova is not asked in a crowd.
    conf.set_override('executor_thread_pool_size', 1)
    with wire.named(OPTION):
        transport: Any = oslo_messaging.get_notification_transport(conf, url)
    served = oslo_messaging.get_notification_listener(
        transport,
        [oslo_messaging.Target(exchange=EXCHANGE, topic=topic)],
        [endpoint],
        executor='threading',
    )
    return wire.Server(served, topic)
