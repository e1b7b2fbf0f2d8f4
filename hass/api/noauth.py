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

"""For the demo: whoever comes is whom the token says.

It stands where keystonemiddleware stands otherwise, and only in front of a
loopback address: app.py sees to that.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from hass.api import errors

if TYPE_CHECKING:
    from _typeshed import wsgi

REFUSED = 'X-Auth-Token: allowed is USER:PROJECT:ROLE,ROLE'

# As keystone-manage bootstrap makes one role imply the next.
IMPLIED = ('admin', 'manager', 'member', 'reader')

# What only the middleware may say, as keystonemiddleware has it.
RESERVED = (
    'HTTP_X_USER',
    'HTTP_X_PROJECT',
    'HTTP_X_TENANT',
    'HTTP_X_DOMAIN',
    'HTTP_X_ROLE',
    'HTTP_X_SERVICE',
    'HTTP_X_IDENTITY_STATUS',
    'HTTP_X_IS_ADMIN_PROJECT',
    'HTTP_OPENSTACK_SYSTEM_SCOPE',
)


class NoAuth:
    """Reads ``X-Auth-Token: USER:PROJECT:ROLE,ROLE``."""

    def __init__(self, application: 'wsgi.WSGIApplication') -> None:
        self._application = application

    def __call__(
        self, environ: dict[str, Any], start_response: 'wsgi.StartResponse'
    ) -> Iterable[bytes]:
        for key in [key for key in environ if key.startswith(RESERVED)]:
            del environ[key]
        parts = environ.get('HTTP_X_AUTH_TOKEN', '').split(':')
        if len(parts) != 3 or not all(parts):
            return errors.answer(environ, start_response, 401, REFUSED)
        user, project, roles = parts
        environ['HTTP_X_IDENTITY_STATUS'] = 'Confirmed'
        environ['HTTP_X_USER_ID'] = user
        environ['HTTP_X_PROJECT_ID'] = project
        environ['HTTP_X_ROLES'] = ','.join(_with_implied(roles.split(',')))
        return self._application(environ, start_response)


def _with_implied(roles: list[str]) -> list[str]:
    known = [IMPLIED.index(role) for role in roles if role in IMPLIED]
    implied = IMPLIED[min(known) :] if known else ()
    return sorted({*roles, *implied})
