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

"""Which disks of an instance an evacuation would make anew. Pure."""

from typing import Protocol


class Server(Protocol):
    """What is looked at of an instance."""

    @property
    def image_backed(self) -> bool: ...

    @property
    def ephemeral_gb(self) -> int: ...


def lost(server: Server, *, shared_storage: bool) -> str:
    """Which disk an evacuation would make anew; '' when none.

    What is on the instance's host, and on no shared storage, is made from
    the image again, or empty. Swap is made anew as well: what was swapped
    out means nothing to a guest that boots.
    """
    if shared_storage:
        return ''
    if server.image_backed:
        return (
            'its root disk is local: Nova would make it anew from the image '
            'and lose what is on it'
        )
    if server.ephemeral_gb:
        return (
            f'its ephemeral disk of {server.ephemeral_gb} GB is local: Nova '
            'would make it anew, empty'
        )
    return ''
