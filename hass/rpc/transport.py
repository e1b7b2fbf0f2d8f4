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
from typing import Any

from oslo_config import cfg
import oslo_messaging
from oslo_messaging import opts

from hass import exception

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
    agent sends outlives the broker that took it.
    """
    for group, options in opts.list_opts():
        conf.register_opts(options, group)
    for group, module in _GLOBAL_ONLY.items():
        with contextlib.suppress(ImportError):
            conf.register_opts(
                getattr(importlib.import_module(module), group), group
            )
    conf.set_default('rabbit_quorum_queue', True, 'oslo_messaging_rabbit')


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


def server(
    transport: Any, topic: str, name: str, endpoints: Sequence[object]
) -> Any:
    """A server with ``start()``, ``stop()`` and ``wait()``."""
    return oslo_messaging.get_rpc_server(
        transport,
        oslo_messaging.Target(exchange=EXCHANGE, topic=topic, server=name),
        list(endpoints),
        executor='threading',
        serializer=StrictSerializer(),
        access_policy=oslo_messaging.ExplicitRPCAccessPolicy,
    )


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
