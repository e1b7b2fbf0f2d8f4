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

"""Puts the API together from its configuration."""

import functools
import socket
from typing import TYPE_CHECKING

from oslo_config import cfg
from osprofiler import web
import prometheus_client

from hass.api import app
from hass.api import engines
from hass.api import parts as api_parts
from hass.api import watch
from hass import clock as hass_clock
from hass.conf import protection
from hass.db import migration
from hass.db import session as db
from hass.metrics import books
from hass.metrics import listener
from hass import nova
from hass import origin
from hass.rpc import api as rpc
from hass.rpc import transport
from hass import secrets

if TYPE_CHECKING:
    from _typeshed import wsgi


def make_application(
    conf: cfg.ConfigOpts, bind_host: str | None
) -> 'wsgi.WSGIApplication':
    """The application, all its parts checked, nothing asked of Nova yet.

    :param bind_host: where it will listen; None: a WSGI server decides
    :raises hass.exception.ConfigError: an option cannot be used
    :raises hass.exception.DatabaseNotMigrated: hass-manage db sync is due
    """
    app.check_auth_strategy(conf, bind_host)
    clock = hass_clock.SystemClock()
    seconds = conf.api.fence_test_seconds
    operator = rpc.OperatorAPI(transport.connect(conf), seconds)
    parts = api_parts.Parts(
        database=db.Database(conf, clock),
        compute=nova.connect(conf, clock),
        engines=engines.Engines(operator, clock, seconds),
        keyring=secrets.Keyring(conf.secrets.keyring_file),
        rule=protection.rule(conf),
        max_limit=conf.api.max_limit,
        silence_seconds=conf.api.engine_silence_seconds,
        test_seconds=conf.fencing.test_seconds,
        search_seconds=conf.detection.search_seconds,
    )
    migration.check(parts.database)
    ask = functools.partial(
        parts.database.read, engines.silence, parts.silence_seconds
    )
    built = app.build(conf, parts, _metrics(conf, parts.database, clock))
    origin.set_up(conf, 'hass-api', socket.gethostname())
    if conf.profiler.enabled:
        built = web.WsgiMiddleware(built, conf.profiler.hmac_keys, True)
    return watch.Watch(built, ask)


def _metrics(
    conf: cfg.ConfigOpts, database: db.Database, clock: hass_clock.Clock
) -> 'dict[str, wsgi.WSGIApplication]':
    """Only what the tables tell.

    A WSGI server has many processes, and what one of them counts for itself
    is a part of an unknown whole.
    """
    if not conf.metrics.api:
        return {}
    shown = listener.registry('api', [books.Books(database, clock)])
    return {'/metrics': prometheus_client.make_wsgi_app(shown)}
