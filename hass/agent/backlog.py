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

"""A bounded line of what no engine has taken yet."""

import collections
from collections.abc import Sequence
import itertools
import logging
import threading
from typing import Generic, TypeVar

LOG = logging.getLogger(__name__)
T = TypeVar('T')


class Backlog(Generic[T]):
    """First in, first out; when it is full the oldest gives way.

    :param what: the name of its things, for the log
    """

    def __init__(self, what: str, size: int) -> None:
        self._what = what
        self._waiting: collections.deque[T] = collections.deque(maxlen=size)
        self._lock = threading.Lock()
        # How many have left, ever.
        self._left = 0
        self._dropped = 0

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def dropped(self) -> int:
        """How many gave way since the start."""
        return self._dropped

    def add(self, thing: T) -> None:
        """Put it at the end; never blocks."""
        with self._lock:
            if len(self._waiting) == self._waiting.maxlen:
                self._left += 1
                self._dropped += 1
                # A flood of them is no reason for a flood of lines.
                if self._dropped & (self._dropped - 1) == 0:
                    LOG.error('%d %s dropped', self._dropped, self._what)
            self._waiting.append(thing)

    def first(self, number: int) -> tuple[int, Sequence[T]]:
        """The first so many, and what take_out() wants to know of them."""
        with self._lock:
            going = list(itertools.islice(self._waiting, number))
            return self._left + len(going), going

    def take_out(self, mark: int) -> None:
        """Forget what first() gave; some may have given way meanwhile."""
        with self._lock:
            while self._left < mark:
                self._waiting.popleft()
                self._left += 1
