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

"""What a WSGI server serves: ``hass.wsgi.api:application``.

OS_HASS_CONFIG_FILES names the configuration files, parted by ``;``;
without it they are looked for in the usual places.
"""

import os
import sys

import hass.cmd  # noqa: F401  (threads, before oslo is imported)

from hass.api import service
from hass import conf as options
from hass import exception


def _files() -> list[str] | None:
    named = os.environ.get('OS_HASS_CONFIG_FILES', '')
    files = [name.strip() for name in named.split(';') if name.strip()]
    return files or None


try:
    application = service.make_application(
        options.prepare([], 'hass-api', files=_files()), bind_host=None
    )
except exception.HassError as error:
    sys.exit(f'hass-api: {error}')
