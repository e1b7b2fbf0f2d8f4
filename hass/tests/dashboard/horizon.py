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

"""A real Horizon with our plug-in, and nothing of it installed by hand."""

import functools
import pathlib
import sys

from hass.tests.functional import servers
import hass_dashboard

PLUGIN = pathlib.Path(hass_dashboard.__file__).parent
ROOT = PLUGIN.parent
SETTINGS = """
import pathlib

from openstack_dashboard.defaults import DEFAULT_POLICY_FILES
from openstack_dashboard.defaults import POLICY_FILES
from openstack_dashboard.local import enabled as _enabled

# As a copy of these files to where Horizon looks.
_enabled.__path__.append({plugin!r} + '/enabled')
exec(pathlib.Path({plugin!r}, 'local_settings.d/_2500_ha.py').read_text())

DEBUG = True
ALLOWED_HOSTS = ['*']
SECRET_KEY = 'of a test'
# Sessions live there: they are not thrown out for what else is kept.
CACHES = {{
    'default': {{
        'BACKEND': 'django.core.cache.backends.locmem.LocMemCache',
        'OPTIONS': {{'MAX_ENTRIES': 100000}},
    }}
}}
OPENSTACK_KEYSTONE_URL = {keystone!r}
STATIC_ROOT = {folder!r} + '/static'
LOGGING = {{'version': 1, 'disable_existing_loggers': False}}
"""


class Horizon(servers.Server):
    """Its settings are those of a first installation.

    :param keystone: URL of Keystone
    """

    needs = ()

    def __init__(self, keystone: str) -> None:
        self._keystone = keystone
        super().__init__()

    def prepare(self) -> None:
        self.url = f'http://{servers.ADDRESS}:{self.port}'
        local = self.folder / 'local'
        local.mkdir()
        (local / '__init__.py').touch()
        (local / 'local_settings.py').write_text(
            SETTINGS.format(
                plugin=str(PLUGIN),
                keystone=self._keystone,
                folder=str(self.folder),
            )
        )

    def command(self) -> list[str]:
        return [
            sys.executable,
            '-m',
            'waitress',
            f'--listen={servers.ADDRESS}:{self.port}',
            'openstack_dashboard.wsgi:application',
        ]

    def environment(self) -> dict[str, str]:
        return {'PYTHONPATH': f'{self.folder}:{ROOT}'}


@functools.cache
def horizon(keystone: str) -> Horizon:
    """The Horizon of this process."""
    return Horizon(keystone)
