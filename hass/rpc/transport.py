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

from collections.abc import Callable, Iterator, Sequence
import contextlib
import importlib
import json
import logging
import threading
from typing import Any

from oslo_config import cfg
import oslo_messaging
from oslo_messaging import opts
from osprofiler import profiler

from hass import exception
from hass import origin

LOG = logging.getLogger(__name__)

START_SECONDS = 3.0
HEARTBEAT_SECONDS = 10
EXCHANGE = 'hass'
VERSION = '1.0'
REPORTS = 'hass.reports'
OPERATORS = 'hass.engine'
AGENTS_EXCHANGE = 'amq.topic'
"""Where agents write. oslo.messaging declares an exchange before it writes
there, and who may declare one may delete it: but not those that RabbitMQ makes
itself, which it leaves alone."""
_GLOBAL_ONLY = {
    'oslo_messaging_metrics': 'oslo_messaging._metrics.client',
    'oslo_messaging_tracing': 'oslo_messaging._tracing.client',
}
"""Options that oslo.messaging registers on the global config only."""


def register_opts(conf: cfg.ConfigOpts) -> None:
    """Register oslo.messaging's options, with our defaults.

    Queues are quorum queues unless the operator says otherwise: what an
    agent sends outlives the broker that took it. And the broker gives up a
    consumer that is cut off, or frozen, within seconds: until it does, it
    goes on handing out every other report to that engine.
    """
    register_plain_opts(conf)
    conf.set_default('rabbit_quorum_queue', True, 'oslo_messaging_rabbit')
    conf.set_default(
        'heartbeat_timeout_threshold',
        HEARTBEAT_SECONDS,
        'oslo_messaging_rabbit',
    )


def register_plain_opts(conf: cfg.ConfigOpts) -> None:
    """Register oslo.messaging's options on a configuration of our own."""
    for group, options in opts.list_opts():
        conf.register_opts(options, group)
    for group, module in _GLOBAL_ONLY.items():
        with contextlib.suppress(ImportError):
            conf.register_opts(
                getattr(importlib.import_module(module), group), group
            )


def connect(conf: cfg.ConfigOpts) -> Any:
    """The RPC transport that ``transport_url`` names.

    :raises ConfigError: it cannot be used
    """
    register_opts(conf)
    with named('transport_url'):
        return oslo_messaging.get_rpc_transport(conf)


@contextlib.contextmanager
def named(option: str) -> Iterator[None]:
    """What is wrong with the URL that an option holds is told by its name.

    :raises ConfigError: it cannot be used; the URL is not repeated, for
        it holds a password
    """
    try:
        yield
    except oslo_messaging.InvalidTransportURL:
        raise exception.ConfigError(
            option, 'it is not driver://user:password@host:port/'
        ) from None
    except oslo_messaging.DriverLoadFailure as error:
        raise exception.ConfigError(
            option, f'there is no driver {error.driver}'
        ) from None
    except (cfg.Error, ValueError) as error:
        raise exception.ConfigError(option, str(error)) from None


def client(transport: Any, topic: str, seconds: float) -> Any:
    """A client whose calls end after so many seconds.

    While the broker has never been reached, a call lasts until it is.
    """
    return oslo_messaging.get_rpc_client(
        transport,
        oslo_messaging.Target(
            exchange=_exchange(topic), topic=topic, version=VERSION
        ),
        timeout=seconds,
        retry=0,
        serializer=StrictSerializer(),
    )


class Server:
    """Serves a topic, as soon as the broker lets it.

    An engine has work to do while there is no broker, so that start()
    does not wait for one longer than ``START_SECONDS``.

    :param served: oslo.messaging's server, of RPC or of notifications
    """

    def __init__(self, served: Any, topic: str) -> None:
        self._server = served
        self._topic = topic
        self._serves = False
        self._thread = threading.Thread(
            target=self._run, name=f'bus-{topic}', daemon=True
        )

    def start(self) -> None:
        self._thread.start()
        self._thread.join(START_SECONDS)
        if self._thread.is_alive():
            LOG.error('%s: the message broker does not answer', self._topic)

    def _run(self) -> None:
        """Connect, however long it takes; then oslo.messaging's threads go on.

        The broker may also say no: to our queue, or to its kind.
        """
        try:
            self._server.start()
        except oslo_messaging.MessagingException as error:
            LOG.error('%s is not served: %s', self._topic, error)
        else:
            self._serves = True

    def stop(self) -> None:
        """Take no more calls; one that still connects is left alone."""
        if self._serves:
            self._server.stop()

    def wait(self) -> None:
        """Wait for calls under way."""
        if self._serves:
            self._server.wait()


def _exchange(topic: str) -> str:
    return AGENTS_EXCHANGE if topic == REPORTS else EXCHANGE


def server(
    transport: Any,
    topic: str,
    name: str,
    endpoints: Sequence[object],
    exchange: str | None = None,
) -> Server:
    """A server of the methods that the endpoints expose.

    :param exchange: another one than the topic's own
    """
    served = oslo_messaging.get_rpc_server(
        transport,
        oslo_messaging.Target(
            exchange=exchange or _exchange(topic), topic=topic, server=name
        ),
        list(endpoints),
        executor='threading',
        serializer=StrictSerializer(),
        access_policy=oslo_messaging.ExplicitRPCAccessPolicy,
    )
    return Server(served, topic)


class StrictSerializer(oslo_messaging.NoOpSerializer):  # type: ignore[misc]
    """JSON or an error: nothing is turned into text on the quiet.

    Of the context only what origin.to_wire() gives travels: who speaks is
    told by the signature of a message.
    """

    def serialize_entity(self, context: object, entity: Any) -> Any:
        """:raises TypeError, ValueError: JSON cannot carry it"""
        json.dumps(entity, allow_nan=False)
        return entity

    def serialize_context(self, context: object) -> dict[str, Any]:
        return origin.to_wire()

    def deserialize_context(self, context: object) -> dict[str, Any]:
        """In the thread that serves the call: it is its origin's now."""
        origin.from_wire(context if isinstance(context, dict) else {})
        return {}


Method = Callable[..., Any]


def exposed(method: Method) -> Method:
    """Mark what may be called over RPC; a trace shows each call."""
    name = {'method': method.__qualname__}
    traced = profiler.trace('rpc', name, hide_args=True)(method)
    marked: Method = oslo_messaging.expose(traced)
    return marked
