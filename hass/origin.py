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

"""For what a thread works: a request, or a recovery, and a trace of it.

oslo.log adds it to each line, the wire carries it on to engines, and Nova is
told it. A recovery has its uuid for the id of its request; in the logs of Nova
that is ``req-`` and the uuid.
"""

from collections.abc import Callable, Mapping
from concurrent import futures
import logging
import re
from typing import Any, ParamSpec, TypeVar

from oslo_config import cfg
from oslo_context import context
from osprofiler import _utils as signing
from osprofiler.drivers import base as drivers
from osprofiler import notifier
from osprofiler import profiler
from osprofiler import web

from hass import exception

P = ParamSpec('P')
T = TypeVar('T')

REQUEST = re.compile(r'req-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}')
TRACE_KEYS = frozenset({'hmac_key', 'base_id', 'parent_id'})
LONGEST = 1000
WELL_KNOWN = 'SECRET_KEY'
"""osprofiler's own default: anybody who knows it may start traces."""


class RecoveryContext(context.RequestContext):
    """What lines that belong to a recovery say of themselves."""

    def __init__(self, uuid: str) -> None:
        super().__init__(global_request_id=f'req-{uuid}', resource_uuid=uuid)

    def update_store(self) -> None:
        """To be made is no reason: the thread may have other work."""

    def begin(self) -> None:
        """From now on this thread works for the recovery."""
        super().update_store()


def logged(uuid: str) -> dict[str, Any]:
    """For ``extra=`` of one line that belongs to a recovery."""
    return {'context': RecoveryContext(uuid)}


def begin_recovery(uuid: str) -> None:
    """From now on this thread works for a recovery."""
    RecoveryContext(uuid).begin()


def begin_request() -> None:
    """From now on this thread works for a request of its own."""
    context.RequestContext()


def global_id() -> str | None:
    """What others shall call what this thread works for."""
    here = context.get_current()
    return None if here is None else here.global_id


def carried(work: Callable[P, T]) -> Callable[P, T]:
    """The same work, in another thread for the same request or recovery."""
    here = context.get_current()
    tracer = profiler.get()

    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        if here is not None:
            _enter(here)
        if tracer is not None:
            profiler.clean()
            profiler.init(
                tracer.hmac_key, tracer.get_base_id(), tracer.get_id()
            )
        return work(*args, **kwargs)

    return run


def _enter(here: context.RequestContext) -> None:
    if isinstance(here, RecoveryContext):
        here.begin()
    else:
        here.update_store()


class Pool(futures.ThreadPoolExecutor):
    """Its threads keep the context of the thread that submits the work."""

    def submit(
        self, fn: Callable[..., T], /, *args: Any, **kwargs: Any
    ) -> futures.Future[T]:
        """As every executor does."""
        return super().submit(carried(fn), *args, **kwargs)


def to_wire() -> dict[str, str]:
    """What of it goes with a message: ids, and a signed part of a trace.

    Who speaks is not among it: that is told by the signature of a message.
    """
    here = context.get_current()
    told = {} if here is None else {'request_id': here.global_id}
    return told | web.get_trace_id_headers()


def from_wire(told: Mapping[str, Any]) -> None:
    """From now on this thread works for whom a message came from.

    An id that is none is left out, and a trace without a signature of ours.
    """
    wanted = told.get('request_id')
    known = isinstance(wanted, str) and REQUEST.fullmatch(wanted)
    context.RequestContext(global_request_id=wanted if known else None)
    profiler.clean()
    if web._HMAC_KEYS:
        _continue(told, web._HMAC_KEYS)


def _continue(told: Mapping[str, Any], keys: Any) -> None:
    info, signature = told.get(web.X_TRACE_INFO), told.get(web.X_TRACE_HMAC)
    if not (isinstance(info, str) and isinstance(signature, str)):
        return
    trace = signing.signed_unpack(info[:LONGEST], signature, keys)
    if isinstance(trace, dict) and trace.keys() == TRACE_KEYS:
        profiler.init(**trace)


def set_up(conf: cfg.ConfigOpts, service: str, host: str) -> None:
    """Send traces where [profiler] says, if it is enabled.

    :raises hass.exception.ConfigError: an option cannot be used
    """
    group = conf.profiler
    if not group.enabled:
        return
    if group.hmac_keys == WELL_KNOWN:
        raise exception.ConfigError(
            '[profiler] hmac_keys',
            'everybody knows the default: set keys of your own',
        )
    place = group.connection_string
    # It tells the whole URL, password and all.
    logging.getLogger(drivers.__name__).setLevel(logging.INFO)
    try:
        driver = drivers.get_driver(
            place, project='hass', service=service, host=host, conf=conf
        )
    except ValueError:
        scheme = place.partition('://')[0]
        raise exception.ConfigError(
            '[profiler] connection_string', f'there is no driver {scheme}'
        ) from None
    notifier.set(driver.notify)
    web.enable(group.hmac_keys)
