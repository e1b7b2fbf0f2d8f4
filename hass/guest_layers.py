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


"""Which layers of an instance count, and by whose word. Pure.

The cluster says it for all its instances; the metadata of an instance may
say otherwise for itself.
"""

from collections.abc import Collection
from collections.abc import Mapping
import dataclasses

from hass.faults import Layer

ABOVE = (Layer.INSTANCE, Layer.GUEST_OS, Layer.GUEST_NETWORK)
"""The layers that each instance has for itself, lowest first."""
NONE = 'none'
MAX_CHARACTERS = 64


@dataclasses.dataclass(frozen=True, slots=True)
class Applied:
    """The layers whose faults are acted upon, lowest first, and why.

    :ivar is_own: whether the instance itself says so
    """

    layers: tuple[Layer, ...]
    why: str
    is_own: bool = False


def of(
    layers: Collection[str], metadata: Mapping[str, str], key: str
) -> Applied:
    """What the metadata say if they can be read, else what the cluster says.

    :param layers: those that the cluster protects, of hosts too
    :param key: of the metadata; its value is "none", or names of layers of
        ABOVE with commas between them
    """
    of_cluster = tuple(layer for layer in ABOVE if layer in layers)
    value = metadata.get(key)
    if value is None:
        return Applied(of_cluster, 'its cluster says so')
    words = {word.strip().lower() for word in value.split(',')}
    if words == {NONE} or words <= set(ABOVE):
        named = tuple(layer for layer in ABOVE if layer in words)
        why = f'its metadata have {key}={value.strip()}'
        return Applied(named, why, is_own=True)
    allowed = ', '.join((*ABOVE, NONE))
    return Applied(
        of_cluster,
        f'its cluster says so, and its {key} ({value[:MAX_CHARACTERS]!r}) '
        f'says nothing: allowed are {allowed}',
    )
