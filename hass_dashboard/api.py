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

"""The API of HASS, asked as the user of a page."""

from collections.abc import Iterator
import contextlib
import functools
from typing import Any

from django.conf import settings
from horizon.utils import memoized
from keystoneauth1 import exceptions as ks
from keystoneauth1 import session as ks_session
from keystoneauth1 import token_endpoint
from openstack import connection
from openstack import exceptions as sdk
from openstack_dashboard.api import base

from hass_dashboard import errors
from hassclient.v1 import proxy

Discovered = dict[str, Any]
VERSION = '/v1'
IN_CATALOG = (
    f'openstack.services.{proxy.SERVICE_TYPE}',
    f'openstack.services.{proxy.FORMER_SERVICE_TYPE}',
)
"""Permissions of Horizon: who has either is in a cloud with HASS."""


@contextlib.contextmanager
def asked(request: Any) -> Iterator[proxy.Proxy]:
    """The client; what it raises inside leaves as an error of ours.

    :raises hass_dashboard.errors.Refused: the API says no
    :raises hass_dashboard.errors.LoggedOut: it does not know the token
    """
    try:
        yield client(request)
    except sdk.HttpException as error:
        raise _translated(error) from error
    except (sdk.SDKException, ks.ClientException) as error:
        raise errors.Refused(str(error)) from error


@memoized.memoized
def client(request: Any) -> proxy.Proxy:
    """Logged in with the token of the page's user: Keystone is not asked.

    :raises horizon.exceptions.ServiceCatalogException: a cloud without HASS
    """
    kind = proxy.service_type(
        functools.partial(base.is_service_enabled, request)
    )
    endpoint = _versioned(base.url_for(request, kind))
    session = ks_session.Session(
        auth=token_endpoint.Token(endpoint, request.user.token.id),
        verify=_verify(),
        discovery_cache=_discovered(endpoint),
    )
    made = proxy.Proxy(
        session=session,
        service_type=kind,
        min_version='1',
        max_version='1.latest',
    )
    # As openstacksdk does for services that it knows itself.
    made._connection = connection.Connection(session=session)
    return made


def _versioned(url: str) -> str:
    """With the version; a catalog may leave it out."""
    return f'{url.rstrip("/").removesuffix(VERSION)}{VERSION}'


def _verify() -> bool | str:
    if settings.OPENSTACK_SSL_NO_VERIFY:
        return False
    return settings.OPENSTACK_SSL_CACERT or True


@functools.cache
def _discovered(endpoint: str) -> Discovered:
    """Which versions the endpoint speaks is asked once a process."""
    return {}


def _translated(error: sdk.HttpException) -> Exception:
    said = str(error.details or error.message)
    if error.status_code == 401:
        return errors.LoggedOut(said)
    if error.request_id:
        said = f'{said} ({error.request_id})'
    if error.status_code == 404:
        return errors.Missing(said)
    return errors.Refused(said)
