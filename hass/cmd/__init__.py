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

"""The commands. Threads are chosen before anything of oslo.service loads.

oslo's libraries load eventlet wherever it is installed, and oslo.service
wants it installed. Here every import of it fails, which those libraries
take for *not installed*.
"""

from collections.abc import Sequence
import importlib.abc
import sys
import types


class NoEventlet(importlib.abc.MetaPathFinder):
    """Finds eventlet before anybody else does, and refuses it."""

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: types.ModuleType | None = None,
    ) -> None:
        """:raises ModuleNotFoundError: it is eventlet"""
        if fullname.partition('.')[0] == 'eventlet':
            raise ModuleNotFoundError('services of HASS run on threads')


sys.meta_path.insert(0, NoEventlet())

from oslo_service import backend  # noqa: E402

backend.init_backend(backend.BackendType.THREADING)
