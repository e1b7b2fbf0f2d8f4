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

"""The other proof: a living host's agent saw that a guest is not there."""

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True)
class DomainAbsent:
    """The agent of ``host`` listed its domains; ``instance`` is not there.

    :ivar instance: the instance's UUID
    :ivar read_at: CLOCK_BOOTTIME of this engine, in seconds; the agent
        looked then or later
    """

    host: str
    instance: str
    read_at: float
