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


"""Which engine looks at which host in calm times. Pure code."""

from collections.abc import Sequence
import functools
import hashlib


@functools.lru_cache(maxsize=65536)
def keeper(host: str, engines: tuple[str, ...]) -> str | None:
    """The engine that looks at the host; None when there is no engine.

    All who know the same engines come to the same one, and only the hosts
    of an engine that comes or goes change hands (rendezvous hashing).
    """
    return max(engines, key=lambda one: _number(f'{one} {host}'), default=None)


def keeps(
    engine: str, hosts: Sequence[str], engines: Sequence[str]
) -> set[str]:
    """Those of the hosts that are this engine's to look at."""
    living = tuple(sorted(engines))
    return {host for host in hosts if keeper(host, living) == engine}


def spread(*words: str) -> float:
    """A number from 0 to under 1, always the same for the same words."""
    return _number(' '.join(words)) / (1 << 64)


def _number(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8])
