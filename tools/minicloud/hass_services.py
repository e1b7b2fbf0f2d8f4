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

"""HASS on the cloud: configuration, services, a cluster of all hosts."""

from collections.abc import Callable

from tools.minicloud.lab import Lab
from tools.minicloud.lab import LabError

Say = Callable[[str], None]


def up(lab: Lab, say: Say) -> None:
    raise LabError('HASS is not ready for the lab yet: use --no-hass')


def down(lab: Lab) -> None:
    raise LabError('HASS is not up')
