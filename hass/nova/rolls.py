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

"""Nova's lists of the servers of a host, which may be incomplete.

Nova silently leaves out those of a cell whose database is down ([api]
list_records_by_skipping_down_cells).
"""

from collections.abc import Iterable
from typing import Protocol

from hass import exception
from hass.nova import records


class Shows(Protocol):
    """Whatever shows one server."""

    def server(self, uuid: str) -> records.Server | None: ...


class Lists(Shows, Protocol):
    """Whatever lists those of a host too."""

    def servers_on(self, host: str) -> list[records.Server]: ...


def servers_on(
    compute: Lists, host: str, seen: Iterable[str]
) -> list[records.Server]:
    """All servers that Nova has on the host.

    :param seen: UUIDs of what was there lately
    :raises hass.exception.NovaError: the list leaves out what is still there
    """
    found = compute.servers_on(host)
    for uuid in {*seen} - {one.uuid for one in found}:
        check_gone(compute, host, uuid)
    return found


def is_there(compute: Shows, host: str, uuid: str) -> bool:
    """Whether Nova has a server on a host, asked for that one alone.

    :raises hass.exception.NovaError: it does not tell
    """
    server = compute.server(uuid)
    return server is not None and not server.is_gone and server.host == host


def check_gone(compute: Shows, host: str, uuid: str) -> None:
    """That a server is not in the list of its host for a good reason.

    :raises hass.exception.NovaError: it is there still
    """
    if is_there(compute, host, uuid):
        raise exception.NovaFailed(
            f'list servers of {host}', f'{uuid} is missing in it'
        )
