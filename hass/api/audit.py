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

"""Every refusal and every change, audited as it leaves."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from oslo_context import context

from hass import audit

if TYPE_CHECKING:
    from _typeshed import wsgi

READS = frozenset({'GET', 'HEAD', 'OPTIONS'})
REFUSALS = frozenset({401, 403})
RULE = 'hass.refused_by'
"""Where a handler says which rule refused, whatever it answers."""
IDENTITY = 'HTTP_X_IDENTITY_STATUS'
"""Where the guard says that it knows the caller."""


class Audit:
    """Stands before the doors: what it sees of a caller they let pass.

    A request begins as nobody's: the thread forgets whom it served before,
    and what the headers say of the guard's word is dropped, for some paths
    have no guard.
    """

    def __init__(self, application: 'wsgi.WSGIApplication') -> None:
        self._application = application

    def __call__(
        self, environ: dict[str, Any], start_response: 'wsgi.StartResponse'
    ) -> Iterable[bytes]:
        def start(
            status: str, headers: list[tuple[str, str]], *rest: Any
        ) -> Any:
            _tell(environ, int(status[:3]))
            return start_response(status, headers, *rest)

        environ.pop(IDENTITY, None)
        context.RequestContext(request_id=environ.get('openstack.request_id'))
        return self._application(environ, start)


def _tell(environ: dict[str, Any], status: int) -> None:
    method = environ['REQUEST_METHOD']
    rule = environ.get(RULE)
    if rule or status in REFUSALS:
        outcome = audit.Outcome.REFUSED
    elif method in READS:
        return
    elif status < 400:
        outcome = audit.Outcome.DONE
    else:
        outcome = audit.Outcome.FAILED
    audit.tell(
        outcome,
        f'{method} {environ.get("PATH_INFO", "")}',
        status=status,
        rule=rule,
        address=environ.get('REMOTE_ADDR'),
        request_id=environ.get('openstack.request_id'),
        **_caller(environ),
    )


def _caller(environ: dict[str, Any]) -> dict[str, Any]:
    """Whom the guard took the caller for; headers alone say nothing."""
    if environ.get(IDENTITY) != 'Confirmed':
        return {}
    return {
        'user_id': environ.get('HTTP_X_USER_ID'),
        'project_id': environ.get('HTTP_X_PROJECT_ID'),
        'roles': environ.get('HTTP_X_ROLES'),
    }
