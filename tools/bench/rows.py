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

"""Looks into the databases of the lab, beside all APIs.

Asking Nova's API for what is measured would be part of what is measured.
"""

from collections.abc import Sequence
import contextlib
import time
from typing import Any

import pymysql

from tools.minicloud.lab import Lab
from tools.minicloud.lab import LabError


class Rows:
    """One connection over MariaDB's socket."""

    def __init__(self, lab: Lab, database: str) -> None:
        self._connection = pymysql.connect(
            unix_socket=str(lab.run / 'mysql.sock'),
            user='root',
            database=database,
            autocommit=True,
        )

    def ask(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """All rows of an answer."""
        with self._connection.cursor() as cursor:
            cursor.execute(query, values)
            return list(cursor.fetchall())

    def put(self, query: str, rows: Sequence[tuple[object, ...]]) -> None:
        """The same statement for many rows."""
        with self._connection.cursor() as cursor:
            cursor.executemany(query, rows)

    def close(self) -> None:
        self._connection.close()


def await_moved(nova: Rows, uuids: Sequence[str], source: str) -> float:
    """Wait until all run elsewhere; the moment (time.time()) of the last.

    :raises LabError: they do not within five minutes
    """
    names = ','.join(['%s'] * len(uuids))
    query = (
        f'SELECT COUNT(*) FROM instances WHERE uuid IN ({names}) '  # noqa: S608
        "AND host <> %s AND vm_state = 'active' AND task_state IS NULL"
    )
    end = time.monotonic() + 300
    while time.monotonic() < end:
        with contextlib.suppress(pymysql.err.OperationalError):
            if nova.ask(query, *uuids, source)[0][0] == len(uuids):
                return time.time()
        time.sleep(0.05)
    raise LabError(f'{len(uuids)} instances do not leave {source}')
