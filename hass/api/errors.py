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

"""What went wrong, as status code and body; never a traceback."""

from collections.abc import Iterable
import http
import json
from typing import TYPE_CHECKING, Any

import falcon
from oslo_db import exception as oslo_exception
from oslo_log import log
import sqlalchemy as sa

from hass.api import audit
from hass.api import microversion
from hass.db import session
from hass import exception
from hass import naming

if TYPE_CHECKING:
    from _typeshed import wsgi

LOG = log.getLogger(__name__)

RETRY_LATER = ('Retry-After', '5')
STATUSES: dict[type[exception.HassError], int] = {
    exception.Invalid: 400,
    exception.Forbidden: 403,
    exception.NotFound: 404,
    exception.Conflict: 409,
    microversion.VersionNotOffered: 406,
    exception.NovaError: 503,
    exception.DatabaseUnreachable: 503,
    exception.DeviceFailed: 503,
    exception.EngineUnreachable: 503,
}


def install(app: falcon.App[Any, Any]) -> None:
    """Let each error leave as ``{"error": {code, title, message, …}}``."""
    app.set_error_serializer(_serialize)
    app.add_error_handler(Exception, _on_crash)
    app.add_error_handler(exception.HassError, _on_hass_error)
    app.add_error_handler(
        (oslo_exception.DBError, sa.exc.DBAPIError), _on_database_error
    )
    app.add_error_handler(
        (oslo_exception.DBReferenceError, oslo_exception.DBDuplicateEntry),
        _on_race,
    )


def answer(
    environ: dict[str, Any],
    start_response: 'wsgi.StartResponse',
    status: int,
    message: str,
    more: Iterable[tuple[str, str]] = (),
) -> Iterable[bytes]:
    """The same body, for middleware that has no more than WSGI.

    :param more: headers
    """
    headers = [('Content-Type', 'application/json'), *more]
    if status == 503:
        headers.append(RETRY_LATER)
    start_response(falcon.code_to_http_status(status), headers)
    body = {'error': _body(environ, status, message)}
    return [json.dumps(body).encode()]


def _on_hass_error(
    req: falcon.Request, resp: falcon.Response, error: Any, params: Any
) -> None:
    if isinstance(error, exception.Forbidden | exception.Hidden):
        req.env[audit.RULE] = error.rule
    for kind, status in STATUSES.items():
        if isinstance(error, kind):
            _tell(req, resp, status, _sentence(error, status), error)
            return
    _on_crash(req, resp, error, params)


def _sentence(error: exception.HassError, status: int) -> str:
    """What the caller may read; the log keeps what is the operator's."""
    if status == 503:
        LOG.error('%s', error)
    if isinstance(error, exception.NovaError):
        return f'Nova cannot be asked now ({error.call}): try again'
    if isinstance(error, exception.DatabaseUnreachable):
        return 'the database does not answer: try again'
    return str(error)


def _on_database_error(
    req: falcon.Request, resp: falcon.Response, error: Any, params: Any
) -> None:
    if session.passes(error):
        error = exception.DatabaseUnreachable(type(error).__name__)
    _on_hass_error(req, resp, error, params)


def _on_race(
    req: falcon.Request, resp: falcon.Response, error: Any, params: Any
) -> None:
    """A constraint saw what two requests could not see of each other."""
    message = 'another request changed this at the same time: look again'
    _tell(req, resp, 409, message)


def _on_crash(
    req: falcon.Request, resp: falcon.Response, error: Any, params: Any
) -> None:
    LOG.error('%s %s failed', req.method, req.path, exc_info=error)
    _tell(
        req,
        resp,
        500,
        'an unexpected error happened; the log of the API tells more by the '
        'id of this request',
    )


def _serialize(
    req: falcon.Request, resp: falcon.Response, error: falcon.HTTPError
) -> None:
    sentence = error.description or error.title or ''
    if isinstance(error, falcon.HTTPRouteNotFound):
        sentence = f'there is no path {naming.shown(req.path)}'
    if isinstance(error, falcon.HTTPMethodNotAllowed):
        allowed = dict(error.headers or ()).get('Allow', '')
        sentence = f'{req.method} {req.path}: allowed: {allowed}'
    _tell(req, resp, error.status_code, sentence)


def _tell(
    req: falcon.Request,
    resp: falcon.Response,
    status: int,
    message: str,
    error: exception.HassError | None = None,
) -> None:
    resp.status = falcon.code_to_http_status(status)
    body = _body(req.env, status, message)
    if isinstance(error, exception.Invalid):
        body['field'] = error.field
    if isinstance(error, microversion.VersionNotOffered):
        body['min_version'] = str(microversion.MIN)
        body['max_version'] = str(microversion.MAX)
    if status == 503:
        resp.set_header(*RETRY_LATER)
    resp.media = {'error': body}


def _body(
    environ: dict[str, Any], status: int, message: str
) -> dict[str, Any]:
    return {
        'code': status,
        'title': http.HTTPStatus(status).phrase,
        'message': message,
        'request_id': environ.get('openstack.request_id'),
    }
