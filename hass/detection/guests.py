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

"""Which guests are defined on this host, as seen from inside."""

import abc
import importlib
import logging
import os
from typing import Any

from hass import exception

LOG = logging.getLogger(__name__)


class Guests(abc.ABC):
    """Sees the guests of this host."""

    @abc.abstractmethod
    def domains(self) -> list[str] | None:
        """Sorted UUIDs of all guests defined here, running or not.

        None means that it cannot see, which is not *none*. It may block:
        the caller needs a thread for it.
        """


class NoGuests(Guests):
    """Does not look."""

    def domains(self) -> list[str] | None:
        return None


class FolderGuests(Guests):
    """Each file name in a folder is a guest's UUID."""

    def __init__(self, folder: str) -> None:
        self._folder = folder

    def domains(self) -> list[str] | None:
        try:
            return sorted(os.listdir(self._folder))
        except OSError as error:
            LOG.warning('guests cannot be seen: %s', error)
            return None


class LibvirtGuests(Guests):
    """Asks libvirt, with a connection that may only read.

    :raises ConfigError: the libvirt module is not installed
    """

    def __init__(self, uri: str) -> None:
        try:
            self._libvirt: Any = importlib.import_module('libvirt')
        except ImportError as error:
            raise exception.ConfigError(
                '[agent] guests', f'libvirt cannot be used: {error}'
            ) from None
        self._uri = uri
        self._connection: Any = None

    def domains(self) -> list[str] | None:
        try:
            if self._connection is None:
                self._connection = self._libvirt.openReadOnly(self._uri)
            found = self._connection.listAllDomains()
            return sorted(domain.UUIDString() for domain in found)
        except self._libvirt.libvirtError as error:
            LOG.warning('guests cannot be seen: %s', error)
            self._connection = None
            return None


def choose(conf: Any) -> Guests:
    """What the options of [agent] ask for.

    :raises ConfigError: it cannot be had here
    """
    if conf.guests == 'libvirt':
        return LibvirtGuests(conf.guests_uri)
    if conf.guests == 'folder':
        return FolderGuests(conf.guests_folder)
    return NoGuests()
