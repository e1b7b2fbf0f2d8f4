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

"""The wire under RPC: oslo.messaging on threads, with a private config."""

from collections.abc import Callable, Sequence
import contextlib
import importlib
import json
import logging
import threading
from typing import Any

from oslo_config import cfg
import oslo_messaging
from oslo_messaging import opts

from hass import exception

LOG = logging.getLogger(__name__)

START_SECONDS = 3.0
HEARTBEAT_SECONDS = 10
EXCHANGE = 'hass'
VERSION = '1.0'
REPORTS = 'hass.reports'
OPERATORS = 'hass.engine'
_GLOBAL_ONLY = {
    'oslo_messaging_metrics': 'oslo_messaging._metrics.client',
    'oslo_messaging_tracing': 'oslo_messaging._tracing.client',
}
"""Options that oslo.messaging registers on the global config only."""


def register_opts(conf: cfg.ConfigOpts) -> None:
    """Register oslo.messaging's options on a configuration of our own.

    Queues are quorum queues unless the operator says otherwise: what an
    agent sends outlives the broker that took it. And the broker gives up a
    consumer that is cut off, or frozen, within seconds: until it does, it
    goes on handing out every other report to that engine.
    """
    for group, options in opts.list_opts():
        conf.register_opts(options, group)
    for group, module in _GLOBAL_ONLY.items():
        with contextlib.suppress(ImportError):
            conf.register_opts(
                getattr(importlib.import_module(module), group), group
            )
    conf.set_default('rabbit_quorum_queue', True, 'oslo_messaging_rabbit')
    conf.set_default(
        'heartbeat_timeout_threshold',
        HEARTBEAT_SECONDS,
        'oslo_messaging_rabbit',
    )


def connect(conf: cfg.ConfigOpts) -> Any:
    """The RPC transport that ``transport_url`` names.

    :raises ConfigError: it cannot be used; the URL is not repeated, for
        it holds a password
    """
    register_opts(conf)
    try:
        return oslo_messaging.get_rpc_transport(conf)
    except oslo_messaging.InvalidTransportURL:
        raise exception.ConfigError(
            'transport_url', 'it is not driver://user:password@host:port/'
        ) from None
    except oslo_messaging.DriverLoadFailure as error:
        raise exception.ConfigError(
            'transport_url', f'there is no driver {error.driver}'
        ) from None
    except cfg.Error as error:
        raise exception.ConfigError('transport_url', str(error)) from None


def client(transport: Any, topic: str, seconds: float) -> Any:
    """A client whose calls end after so many seconds.

    While the broker has never been reached, a call lasts until it is.
    """
    return oslo_messaging.get_rpc_client(
        transport,
        oslo_messaging.Target(exchange=EXCHANGE, topic=topic, version=VERSION),
        timeout=seconds,
        retry=0,
        serializer=StrictSerializer(),
    )


class Server:
    """Serves a topic, as soon as the broker lets it.

    An engine has work to do while there is no broker, so that start()
    does not wait for one longer than ``START_SECONDS``.
    """

    def __init__(
        self,
        transport: Any,
        topic: str,
        name: str,
        endpoints: Sequence[object],
    ) -> None:
        self._server = oslo_messaging.get_rpc_server(
            transport,
            oslo_messaging.Target(exchange=EXCHANGE, topic=topic, server=name),
            list(endpoints),
            executor='threading',
            serializer=StrictSerializer(),
            access_policy=oslo_messaging.ExplicitRPCAccessPolicy,
        )
        self._topic = topic
        self._thread = threading.Thread(
            target=self._server.start, name=f'rpc-{topic}', daemon=True
        )

    def start(self) -> None:
        self._thread.start()
        self._thread.join(START_SECONDS)
        if self._thread.is_alive():
            LOG.error('%s: the message broker does not answer', self._topic)

    def stop(self) -> None:
        """Take no more calls; one that still connects is left alone."""
        if self._connected():
            self._server.stop()

    def wait(self) -> None:
        """Wait for calls under way."""
        if self._connected():
            self._server.wait()

    def _connected(self) -> bool:
        return self._thread.ident is not None and not self._thread.is_alive()


def server(
    transport: Any, topic: str, name: str, endpoints: Sequence[object]
) -> Server:
    """A server of the methods that the endpoints expose."""
    return Server(transport, topic, name, endpoints)


class StrictSerializer(oslo_messaging.NoOpSerializer):  # type: ignore[misc]
    """JSON or an error: nothing is turned into text on the quiet.

    No context travels: who speaks is told by the signature of a message.
    """

    def serialize_entity(self, context: object, entity: Any) -> Any:
        """:raises TypeError, ValueError: JSON cannot carry it"""
        json.dumps(entity, allow_nan=False)
        return entity

    def serialize_context(self, context: object) -> dict[str, Any]:
        return {}

    def deserialize_context(self, context: object) -> dict[str, Any]:
        return {}


Method = Callable[..., Any]


def exposed(method: Method) -> Method:
    """Mark what may be called over RPC."""
    marked: Method = oslo_messaging.expose(method)
    return marked
