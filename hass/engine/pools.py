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

"""Threads for work that others shall not wait for, and how much waits."""

from collections.abc import Callable
from concurrent import futures
import threading
from typing import Any, TypeVar

T = TypeVar('T')


class Pool(futures.ThreadPoolExecutor):
    """Counts what was handed in and has not ended."""

    def __init__(self, threads: int, name: str) -> None:
        super().__init__(threads, name)
        self._unfinished = 0
        self._counting = threading.Lock()

    @property
    def unfinished(self) -> int:
        """How many tasks run, or wait for a thread."""
        return self._unfinished

    def submit(
        self, fn: Callable[..., T], /, *args: Any, **kwargs: Any
    ) -> futures.Future[T]:
        """As every executor does."""
        future = super().submit(fn, *args, **kwargs)
        self._count(1)
        future.add_done_callback(lambda _done: self._count(-1))
        return future

    def _count(self, more: int) -> None:
        with self._counting:
            self._unfinished += more
