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

"""BMCs that an operator names in a file instead of over the API."""

from collections.abc import Mapping
import os
import pathlib
import stat
from typing import Any

from hass.bmc import values
from hass import exception
import yaml

OPTION = '[bmc] credentials_file'
FIELDS = {'address': str, 'port': int, 'username': str, 'password': str}


def read(path: str | None) -> dict[str, values.Address]:
    """The BMC of each host that the file names.

    The file is YAML: host name to address, port (623), username and
    password. It belongs to root, or to the user of the service, and no
    one else may read it.

    :raises hass.exception.ConfigError: it cannot be used; what it says of
        passwords is not told
    """
    if not path:
        return {}
    file = pathlib.Path(path)
    try:
        found = file.stat()
        text = file.read_text()
    except (OSError, UnicodeError) as error:
        reason = type(error).__name__
        raise _refused(path, f'cannot be read: {reason}') from None
    if found.st_uid not in (0, os.geteuid()):
        raise _refused(path, 'must belong to root or the service')
    if stat.S_IMODE(found.st_mode) & 0o077:
        raise _refused(path, 'must have mode 0600: others may read it')
    try:
        hosts = yaml.safe_load(text)
    except yaml.YAMLError:
        raise _refused(path, 'is no YAML') from None
    if not isinstance(hosts, Mapping):
        raise _refused(path, 'must map host names to BMCs')
    return {
        str(name): _address(path, name, one) for name, one in hosts.items()
    }


def _address(path: str, name: object, fields: Any) -> values.Address:
    if not isinstance(fields, Mapping):
        raise _refused(path, f'{name}: must hold {", ".join(FIELDS)}')
    for field, value in fields.items():
        kind = FIELDS.get(field)
        if kind is None:
            raise _refused(
                path, f'{name}: {field} is unknown, use {", ".join(FIELDS)}'
            )
        if not isinstance(value, kind):
            raise _refused(path, f'{name}: {field} must be {kind.__name__}')
    if 'address' not in fields:
        raise _refused(path, f'{name}: address is missing')
    return values.Address(
        fields['address'],
        fields.get('port', 623),
        fields.get('username', ''),
        fields.get('password', ''),
    )


def _refused(path: str, reason: str) -> exception.ConfigError:
    return exception.ConfigError(OPTION, f'{path} {reason}')
