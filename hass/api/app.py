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

from collections.abc import Iterable, Mapping
import ipaddress
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import falcon
from keystoneauth1 import exceptions as ks
from keystonemiddleware import auth_token
from oslo_config import cfg
from oslo_log import log
from oslo_middleware import cors
from oslo_middleware import healthcheck
from oslo_middleware import http_proxy_to_wsgi
from oslo_middleware import request_id
import webob

from hass.api import audit
from hass.api import errors
from hass.api import front
from hass.api import noauth
from hass.api import parts as api_parts
from hass.api import routes
from hass import exception
from hass import policy

if TYPE_CHECKING:
    from _typeshed import wsgi

CHALLENGE = 'WWW-Authenticate'
AUTH_OPTION = '[api] auth_strategy'
LOG = log.getLogger(__name__)
KEYSTONE_OPTIONS = '[keystone_authtoken]'


class Doors:
    """Some paths have a door of their own, all others pass the guard."""

    def __init__(
        self,
        own: 'Mapping[str, wsgi.WSGIApplication]',
        guarded: 'wsgi.WSGIApplication',
    ) -> None:
        self._own = own
        self._guarded = guarded

    def __call__(
        self, environ: dict[str, Any], start_response: 'wsgi.StartResponse'
    ) -> Iterable[bytes]:
        path = environ.get('PATH_INFO', '').rstrip('/') or '/'
        chosen = self._own.get(path, self._guarded)
        return chosen(environ, start_response)


class KeystoneOrSorry:
    """Says 401 and 503 in our own form.

    keystonemiddleware raises some of its failures and answers others as
    text, or as JSON of its own; what our handlers answer has one form.
    """

    def __init__(self, application: 'wsgi.WSGIApplication') -> None:
        self._application = application

    def __call__(
        self, environ: dict[str, Any], start_response: 'wsgi.StartResponse'
    ) -> Iterable[bytes]:
        request = webob.Request(environ)
        try:
            response = request.get_response(self._application)
        except ks.ClientException as error:
            LOG.error('Keystone cannot be asked about a token: %s', error)
        else:
            is_ours = response.content_type == 'application/json'
            if response.status_int == 401:
                challenge = response.headers.items()
                return errors.answer(
                    environ,
                    start_response,
                    401,
                    'the request requires authentication: a token that '
                    'Keystone knows',
                    [one for one in challenge if one[0] == CHALLENGE],
                )
            if response.status_int != 503 or is_ours:
                answer: Iterable[bytes] = response(environ, start_response)
                return answer
        message = 'Keystone cannot be asked now: try again'
        return errors.answer(environ, start_response, 503, message)


def build(
    conf: cfg.ConfigOpts,
    parts: api_parts.Parts,
    open_doors: 'Mapping[str, wsgi.WSGIApplication]' = MappingProxyType({}),
) -> 'wsgi.WSGIApplication':
    """The whole application.

    The caller has seen to it that nobody from outside reaches noauth:
    check_auth_strategy().

    :param open_doors: more paths that are served without a token
    """
    api = _falcon(front.Front(policy.make_enforcer(conf)))
    routes.connect(api, parts)
    public = _falcon()
    routes.connect_public(public)
    guarded = _guard(conf, api)
    own: dict[str, Any] = {path: public for path, _, _ in routes.PUBLIC}
    own |= open_doors
    own['/healthcheck'] = healthcheck.Healthcheck(guarded, conf)
    app: Any = audit.Audit(Doors(own, guarded))
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
    try:
        guarded = auth_token.AuthProtocol(
            application,
            {'oslo_config_config': conf, 'delay_auth_decision': False},
        )
    except ks.ClientException as error:
        raise exception.ConfigError(KEYSTONE_OPTIONS, str(error)) from None
    if not conf.keystone_authtoken.auth_type:
        raise exception.ConfigError(
            f'{KEYSTONE_OPTIONS} auth_type', 'is missing, as password'
        )
    return KeystoneOrSorry(guarded)


def _falcon(*middleware: front.Front) -> falcon.App[Any, Any]:
    app = falcon.App(middleware=list(middleware))
    app.req_options.strip_url_path_trailing_slash = True
    errors.install(app)
    return app
