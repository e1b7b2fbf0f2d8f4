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

"""Looks that an engine takes again and again, outside its patrol's turns."""

import abc
from collections.abc import Callable
import threading

from oslo_db import exception as oslo_exception

from hass import exception


class Watch(abc.ABC):
    """Looks once, unless its last look still lasts.

    :param log: takes the sentence for a look that failed, with a place for
        the error, and the error
    :param sentence: that one
    """

    def __init__(self, log: Callable[..., object], sentence: str) -> None:
        self._log = log
        self._sentence = sentence
        self._looking = threading.Lock()

    def look(self) -> None:
        """What the database or Nova does not tell now waits for the next."""
        if not self._looking.acquire(blocking=False):
            return
        try:
            self._look_once()
        except (exception.HassError, oslo_exception.DBError) as error:
            self._log(self._sentence, error)
        finally:
            self._looking.release()

    @abc.abstractmethod
    def _look_once(self) -> None:
        """:raises hass.exception.HassError: somebody does not tell"""
