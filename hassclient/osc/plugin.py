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

"""What the openstack command asks of a plug-in.

The name of the API is not that of its service type: python-masakariclient
has taken that one, and both must find their commands.
"""

import argparse
from typing import Any

from keystoneauth1 import exceptions as ks
from osc_lib import exceptions

from hassclient import errors
from hassclient.v1 import proxy
from hassclient.v1 import resource

API_NAME = 'hass'
API_VERSION_OPTION = 'os_hass_api_version'
DEFAULT_API_VERSION = '1'
MAX_MINOR = int(resource.MAX_MICROVERSION.partition('.')[2])
API_VERSIONS = ('1', *(f'1.{minor}' for minor in range(MAX_MINOR + 1)))


def build_option_parser(
    parser: argparse.ArgumentParser,
) -> argparse.ArgumentParser:
    """The option that all of our commands have."""
    parser.add_argument(
        '--os-hass-api-version',
        metavar='<hass-api-version>',
        help=f'Version of the API of HASS, 1.0 to {API_VERSIONS[-1]} '
        '(default: the newest that both sides speak) '
        '(Env: OS_HASS_API_VERSION).',
    )
    return parser


def check_api_version(version: str) -> bool:
    """Whether it is one of ours.

    :raises osc_lib.exceptions.CommandError: it is not
    """
    if version not in API_VERSIONS:
        raise exceptions.CommandError(
            f'--os-hass-api-version: {version} is unknown; allowed: '
            f'{", ".join(API_VERSIONS)}'
        )
    return True


def make_client(instance: Any) -> proxy.Proxy:
    """The proxy, logged in as the user of the command.

    :raises osc_lib.exceptions.CommandError: the cloud has no HASS
    """
    version = instance._api_version[API_NAME]
    instance.setup_auth()
    try:
        return proxy.of(
            instance.sdk_connection,
            None if version == DEFAULT_API_VERSION else version,
        )
    except ks.EndpointNotFound as error:
        raise exceptions.CommandError(f'{error}{errors.REGISTER}') from None
