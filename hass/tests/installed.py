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

"""Distributions that are installed for one test, with their entry points."""

from collections.abc import Mapping
import pathlib
import sys

import fixtures
from stevedore import extension

from hass import workflows

METADATA = 'Metadata-Version: 2.1\nName: {}\nVersion: 1\n'


class Installed(fixtures.Fixture):
    """A distribution that is found before all others.

    One called *hass* hides the real one's entry points.

    :param points: group to lines, each ``name = module:Class``
    """

    def __init__(self, name: str, points: Mapping[str, list[str]]) -> None:
        self._name = name
        self._points = points

    def _setUp(self) -> None:
        place = self.useFixture(fixtures.TempDir()).path
        write(place, self._name, self._points)
        sys.path.insert(0, place)
        self.addCleanup(_forget)
        self.addCleanup(sys.path.remove, place)
        _forget()


def write(folder: str, name: str, points: Mapping[str, list[str]]) -> None:
    """Make a distribution that is installed when the folder is in sys.path."""
    info = pathlib.Path(folder) / f'{name}-1.dist-info'
    info.mkdir()
    (info / 'METADATA').write_text(METADATA.format(name))
    (info / 'entry_points.txt').write_text(
        '\n'.join(
            '\n'.join([f'[{group}]', *lines])
            for group, lines in points.items()
        )
    )


def _forget() -> None:
    """What was found before."""
    extension.ExtensionManager.ENTRY_POINT_CACHE.pop(workflows.NAMESPACE, None)
    for found in (
        workflows.names,
        workflows.installed,
        workflows.superseded_by,
        workflows.leaving_hosts_in_use,
        workflows.states_with_orders,
    ):
        found.cache_clear()
