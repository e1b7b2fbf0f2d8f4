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

"""The WSGI application: the middleware, innermost first, and the routes."""

from collections.abc import Iterable
import ipaddress
from typing import TYPE_CHECKING, Any

import falcon
from keystonemiddleware import auth_token
from oslo_config import cfg
from oslo_middleware import cors, healthcheck, http_proxy_to_wsgi, request_id

from hass import exception, policy
from hass.api import errors, front, noauth, routes, watch
from hass.api import parts as api_parts

if TYPE_CHECKING:
    from _typeshed import wsgi

AUTH_OPTION = '[api] auth_strategy'


class Doors:
    """Public paths go straight on, every other one past the guard."""

    def __init__(
        self, public: 'wsgi.WSGIApplication', guarded: 'wsgi.WSGIApplication'
    ) -> None:
        self._public = public
        self._guarded = guarded

    def __call__(
        self, environ: dict[str, Any], start_response: 'wsgi.StartResponse'
    ) -> Iterable[bytes]:
        path = environ.get('PATH_INFO', '').rstrip('/') or '/'
        is_public = any(path == public for public, _ in routes.PUBLIC)
        chosen = self._public if is_public else self._guarded
        return chosen(environ, start_response)


def build(
    conf: cfg.ConfigOpts, parts: api_parts.Parts
) -> 'wsgi.WSGIApplication':
    """The whole application.

    The caller has seen to it that nobody from outside reaches noauth:
    check_auth_strategy().
    """
    guarded = _falcon(front.Front(policy.make_enforcer(conf)))
    routes.connect(guarded, parts)
    public = _falcon()
    routes.connect_public(public)
    app: Any = Doors(public, _guard(conf, guarded))
    app = watch.Watch(app, parts.database, parts.silence_seconds)
    app = healthcheck.Healthcheck(app, conf)
    app = request_id.RequestId(app, conf)
    app = http_proxy_to_wsgi.HTTPProxyToWSGI(app, conf)
    application: wsgi.WSGIApplication = cors.CORS(app, conf)
    return application


def check_auth_strategy(conf: cfg.ConfigOpts, bind_host: str | None) -> None:
    """Refuse noauth where others than this machine could come in.

    :param bind_host: where the application will listen, None: unknown
    :raises hass.exception.ConfigError: noauth must not be used there
    """
    if conf.api.auth_strategy != 'noauth':
        return
    if bind_host is None:
        raise exception.ConfigError(
            AUTH_OPTION,
            'noauth works with hass-api only, a WSGI server needs keystone',
        )
    if not _is_loopback(bind_host):
        raise exception.ConfigError(
            AUTH_OPTION,
            f'noauth needs a loopback address in [api] bind_host, as '
            f'127.0.0.1, not {bind_host}',
        )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        # What a name means is decided elsewhere, and may change.
        return False


def _guard(
    conf: cfg.ConfigOpts, application: 'wsgi.WSGIApplication'
) -> 'wsgi.WSGIApplication':
    if conf.api.auth_strategy == 'noauth':
        return noauth.NoAuth(application)
    guarded: wsgi.WSGIApplication = auth_token.AuthProtocol(
        application,
        {'oslo_config_config': conf, 'delay_auth_decision': False},
    )
    return guarded


def _falcon(*middleware: front.Front) -> falcon.App[Any, Any]:
    app = falcon.App(middleware=list(middleware))
    app.req_options.strip_url_path_trailing_slash = True
    errors.install(app)
    return app
