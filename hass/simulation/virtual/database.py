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


"""The simulated cloud's database: SQLite, with quick transactions.

A campaign spends most of its time here. One thread works, on a file that no
other process opens: there is nothing to reconnect to and nothing to try again.
"""

from collections.abc import Iterator
import contextlib
import datetime
import functools
import pathlib
import sqlite3
import tempfile
from typing import Any

from oslo_config import cfg
from oslo_db.sqlalchemy import exc_filters
import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy import orm

from hass import clock as clock_
from hass.db import migration
from hass.db import moments
from hass.db import session as db_session
from hass.simulation import clock as virtual

FILE = 'hass.sqlite'


def make_conf(conf: cfg.ConfigOpts, folder: str) -> None:
    """Let the database lie in a folder."""
    db_session.register_opts(conf)
    conf.set_override('connection', f'sqlite:///{folder}/{FILE}', 'database')
    conf.set_override('sqlite_synchronous', False, 'database')


@functools.cache
def empty() -> bytes:
    """The file of a migrated SQLite database."""
    with tempfile.TemporaryDirectory() as folder:
        conf = cfg.ConfigOpts()
        make_conf(conf, folder)
        conf([], project='hass', default_config_files=[])
        database = db_session.Database(conf, virtual.VirtualClock())
        migration.sync(database)
        database.close()
        return (pathlib.Path(folder) / FILE).read_bytes()


class Database(db_session.Database):
    """The same promises without enginefacade: it is made for many threads."""

    def __init__(self, conf: cfg.ConfigOpts, clock: clock_.Clock) -> None:
        super().__init__(conf, clock)
        pathlib.Path(str(self.url.database)).write_bytes(empty())
        readers = sa.create_engine(self.url)
        exc_filters.register_engine(readers)
        event.listen(readers, 'connect', self._connected)
        event.listen(readers, 'begin', _begin)
        self._readers = readers
        self._writers = readers.execution_options(hass_writer=True)
        self._info = {moments.OWN: self._own_now}

    @property
    def engine(self) -> sa.Engine:
        return self._readers

    @contextlib.contextmanager
    def writer(self) -> Iterator[orm.Session]:
        with db_session.told(), self._session(self._writers) as session:
            session.connection()
            yield session
            session.commit()

    @contextlib.contextmanager
    def reader(self) -> Iterator[orm.Session]:
        with db_session.told(), self._session(self._readers) as session:
            yield session

    def _session(self, engine: sa.Engine) -> orm.Session:
        return orm.Session(engine, expire_on_commit=False, info=self._info)

    def close(self) -> None:
        self._readers.dispose()
        super().close()

    def _own_now(self) -> datetime.datetime:
        return self._clock.now()

    def _connected(self, connection: sqlite3.Connection, record: Any) -> None:
        connection.isolation_level = None
        connection.execute('PRAGMA synchronous = OFF')
        connection.execute('PRAGMA foreign_keys = ON')
        self._connected_to_sqlite(connection, record)


def _begin(connection: sa.Connection) -> None:
    """Writers lock at once, as they do in db/session.py."""
    writes = connection.get_execution_options().get('hass_writer')
    raw: Any = connection.connection.dbapi_connection
    raw.execute('BEGIN IMMEDIATE' if writes else 'BEGIN')
