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

"""The versions of the API, and how a request asks for one.

1.0
    The first: clusters, hosts, instances, notifications, recoveries,
    services.

1.1
    Adds what is known and why: layers and explain of hosts, strategy of
    clusters, detectors and estimates of services. And what may be set:
    isolation of clusters, watched sensors of hosts.

1.2
    Adds who is protected: protects of clusters. An instance is shown
    whether it was chosen or not, with the word that decides: protected,
    decided_by, why. 404 means that there is no such instance.

1.3
    Adds what agents saw: observations of instances, and how many instances
    of a host are well in layers of hosts. And which layers of an instance
    count: guest_layers, guest_layers_why.

1.4
    Adds the machine itself: power, sensors and event log of hosts.

1.5
    Adds recoveries of instances: their projects see what happened.

1.6
    Adds losses: instances that should run and do not. And of recoveries that
    are held: goes_on_when, looked_at. And fences of hosts: what is known and
    doubted of one, and who vouches for it. And force, for a host that is to
    be powered off although instances run on it.

1.7
    Adds what is really protected, of clusters and of hosts: each instance
    with whether it would be brought back if its host failed now, and why not.
    And filters of chosen instances: host, name. And since, sort_key and
    sort_dir of lists. And pages of the lists of
    services and of an instance's recoveries, and limit of sensors and events.
    And warnings of a new agent key.

What a version brought is not there for requests that ask for an earlier one:
its paths are not found, its fields are neither taken nor given. The table of
contracts.py and the schemas say what that is.
"""

import dataclasses
import re

from hass import exception
from hass import naming

SERVICE_TYPE = 'hass'
FORMER_SERVICE_TYPE = 'ha'
"""An alias of Masakari's type: this release still answers to it."""
OURS = (SERVICE_TYPE, FORMER_SERVICE_TYPE)
HEADER = 'OpenStack-API-Version'


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class Version:
    """A microversion, ordered as one expects."""

    major: int
    minor: int

    def __str__(self) -> str:
        return f'{self.major}.{self.minor}'


MIN = Version(1, 0)
MAX = Version(1, 7)
DIAGNOSIS = Version(1, 1)
ENTITLEMENTS = Version(1, 2)
OBSERVATIONS = Version(1, 3)
MACHINE = Version(1, 4)
INSTANCE_RECOVERIES = Version(1, 5)
LOSSES = Version(1, 6)
PROTECTION = Version(1, 7)


class VersionNotOffered(exception.HassError):
    """A well-formed version that this release does not speak."""

    def __init__(self, version: Version) -> None:
        super().__init__(
            f'version {version} is not offered; allowed: {MIN} to {MAX}'
        )
        self.version = version


def wanted(header: str | None) -> tuple[str, Version]:
    """What a request's header calls us, and which version it asks for.

    Without an entry of ours it is the oldest version.

    :param header: as in ``hass 1.0, compute 2.94`` or ``hass latest``;
        entries of other services are none of our business
    :raises hass.exception.Invalid: our entry is not a version, or there are
        two that differ
    :raises VersionNotOffered: it is one that is not spoken here
    """
    asked: dict[str, str] = {}
    for entry in (header or '').split(','):
        service, *words = entry.split() or ['']
        name, version = service.lower(), ' '.join(words)
        if name in OURS and asked.get(name, version) != version:
            raise exception.Invalid(
                HEADER,
                f'asks for two versions of {name}: '
                f'{naming.shown(asked[name])} and {naming.shown(version)}; '
                'allowed: one',
            )
        asked[name] = version
    for service in OURS:
        if service in asked:
            return service, _parsed(asked[service])
    return SERVICE_TYPE, MIN


def _parsed(text: str) -> Version:
    if text == 'latest':
        return MAX
    numbers = re.fullmatch(r'(0|[1-9][0-9]{0,2})\.(0|[1-9][0-9]{0,2})', text)
    if numbers is None:
        raise exception.Invalid(
            HEADER, f'{naming.shown(text)} is neither MAJOR.MINOR nor latest'
        )
    version = Version(int(numbers[1]), int(numbers[2]))
    if not MIN <= version <= MAX:
        raise VersionNotOffered(version)
    return version
