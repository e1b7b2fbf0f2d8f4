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

"""The contract of everything that sees."""

import abc

from hass import faults


class Detector(abc.ABC):
    """Looks at one layer of one subject.

    A detector never decides: what it cannot see is ``unknown``, which is
    neither healthy nor failed, and it answers within a time that it names
    in its options. It is called from several threads.

    :cvar layer: the layer that it looks at
    :cvar in_band: whether it runs on the host that it looks at
    """

    layer: faults.Layer
    in_band: bool

    @abc.abstractmethod
    def probe(self, subject: str) -> faults.Observation:
        """Look once, now; nothing is raised for what is seen."""
