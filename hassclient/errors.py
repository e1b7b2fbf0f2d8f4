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

"""What went wrong, in a sentence that names what to do."""

from collections.abc import Iterator
import contextlib

from keystoneauth1 import exceptions as ks
from openstack import exceptions as sdk
from osc_lib import exceptions as osc

HINTS = {
    401: 'log in again: the token is not good, or no longer',
    403: 'ask for a role that may: openstack role assignment list --user '
    'NAME --names tells which ones you have',
    406: 'choose another with --os-hass-api-version, or leave it out',
    500: 'the log of hass-api tells more by the id of the request',
    503: 'try again in a few seconds',
}
NOT_FOUND = (
    (
        'was not found',
        'the lists tell what there is: openstack ha cluster list, ha host '
        'list, ha instance list, ha recovery list, ha loss list',
    ),
    (
        'is new in version',
        'choose a newer one with --os-hass-api-version, or leave it out',
    ),
    (
        '',
        'is the endpoint right? openstack endpoint list --service hass',
    ),
)
"""What 404 means, by words of its sentence; the first that fits."""
REGISTER = (
    ', or none in this region: openstack catalog show hass tells which there '
    'are; an operator makes it with openstack service create --name hass '
    'hass, and its endpoints with openstack endpoint create'
)


@contextlib.contextmanager
def told() -> Iterator[None]:
    """Let errors of the API and on the way to it leave as one sentence.

    :raises osc_lib.exceptions.CommandError: instead of them
    """
    try:
        yield
    except sdk.HttpException as error:
        raise osc.CommandError(sentence(error)) from error
    except sdk.SDKException as error:
        raise osc.CommandError(str(error)) from error
    except ks.EndpointNotFound as error:
        raise osc.CommandError(
            f'{error}: openstack catalog list tells which there are'
        ) from error
    except (ks.ConnectionError, ks.DiscoveryFailure) as error:
        raise osc.CommandError(
            f'the API of HASS does not answer: {error} (is hass-api '
            'running, and its endpoint right? openstack endpoint list '
            '--service hass)'
        ) from error
    except ks.ClientException as error:
        raise osc.CommandError(str(error)) from error


def sentence(error: sdk.HttpException) -> str:
    """The API's own words, the request, and what may be done."""
    said = words(error)
    hint = HINTS.get(error.status_code or 0)
    if error.status_code == 404:
        hint = next(then for told, then in NOT_FOUND if told in said)
    return f'{said}: {hint}' if hint else said


def words(error: sdk.HttpException) -> str:
    """The API's own words, and the request."""
    said = str(error.details or error.message).removesuffix('.')
    parts = [f'{said} (HTTP {error.status_code or 0}']
    if error.request_id:
        parts.append(f', {error.request_id}')
    return ''.join([*parts, ')'])
