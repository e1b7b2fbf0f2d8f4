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

from collections.abc import Callable
from collections.abc import Iterator
import contextlib
import datetime
import functools
import pathlib
import sqlite3
import tempfile
from typing import Any

from oslo_config import cfg
from oslo_db import exception as oslo_exception
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
LOST = 'the connection was lost while COMMIT was under way'


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


class _Line:
    """Connections that stay open: taking one from a pool costs a look.

    SQLAlchemy is not asked to begin: what listens to that is asked about each
    statement as well.
    """

    def __init__(
        self,
        url: sa.URL,
        connected: Callable[[sqlite3.Connection, Any], None],
    ) -> None:
        self.engine = sa.create_engine(url)
        exc_filters.register_engine(self.engine)
        event.listen(self.engine, 'connect', connected)
        self._idle: list[sa.Connection] = []

    @contextlib.contextmanager
    def transaction(self, begin: str) -> Iterator[sa.Connection]:
        """A connection that has begun, and ends what is not committed."""
        connection = self._idle.pop() if self._idle else self.engine.connect()
        raw: Any = connection.connection.dbapi_connection
        try:
            raw.execute(begin)
            yield connection
        finally:
            raw.rollback()
            self._idle.append(connection)

    def close(self) -> None:
        for connection in self._idle:
            connection.close()
        self._idle.clear()
        self.engine.dispose()


class Database(db_session.Database):
    """The same promises without enginefacade: it is made for many threads.

    :ivar engine_works: an engine asks, for which alone something is wrong
    :ivar loses_answers: so many of its next commits take effect, and are
        reported as failed
    """

    def __init__(self, conf: cfg.ConfigOpts, clock: clock_.Clock) -> None:
        super().__init__(conf, clock)
        self._path = pathlib.Path(str(self.url.database))
        self._path.write_bytes(empty())
        self._line = _Line(self.url, self._connected)
        self._info = {moments.OWN: self._own_now}
        self._replica: _Line | None = None
        self.engine_works = False
        self.loses_answers = 0

    @property
    def engine(self) -> sa.Engine:
        return self._line.engine

    @contextlib.contextmanager
    def writer(self) -> Iterator[orm.Session]:
        with (
            db_session.told(),
            self._line.transaction('BEGIN IMMEDIATE') as connection,
            self._session(connection) as session,
        ):
            yield session
            session.commit()
            if self.engine_works and self.loses_answers:
                self.loses_answers -= 1
                raise oslo_exception.DBConnectionError(LOST)

    @contextlib.contextmanager
    def reader(self) -> Iterator[orm.Session]:
        stale = self._replica if self.engine_works else None
        line = stale or self._line
        with (
            db_session.told(),
            line.transaction('BEGIN') as connection,
            self._session(connection) as session,
        ):
            yield session

    def _session(self, connection: sa.Connection) -> orm.Session:
        return orm.Session(connection, expire_on_commit=False, info=self._info)

    # What may happen to it.

    def copy(self, name: str) -> pathlib.Path:
        """Keep what is committed at this moment, in a file beside it."""
        path = self._path.with_name(name)
        path.unlink(missing_ok=True)
        _copy(self._path, path)
        return path

    def restore(self, copied: pathlib.Path) -> None:
        """Fail over to a node that has committed no more than that."""
        _copy(copied, self._path)

    def stop_replica(self) -> None:
        """Engines read from a replica, which stands still from now on."""
        self.start_replica()
        copied = self.copy('replica.sqlite')
        self._replica = _Line(
            sa.make_url(f'sqlite:///{copied}'), self._connected
        )

    def start_replica(self) -> None:
        """It has caught up."""
        if self._replica is not None:
            self._replica.close()
            self._replica = None

    def close(self) -> None:
        self.start_replica()
        self._line.close()
        super().close()

    def _own_now(self) -> datetime.datetime:
        return self._clock.now()

    def _connected(self, connection: sqlite3.Connection, record: Any) -> None:
        connection.isolation_level = None
        connection.execute('PRAGMA synchronous = OFF')
        connection.execute('PRAGMA foreign_keys = ON')
        self._connected_to_sqlite(connection, record)


def _copy(source: pathlib.Path, target: pathlib.Path) -> None:
    with (
        contextlib.closing(sqlite3.connect(source)) as old,
        contextlib.closing(sqlite3.connect(target)) as new,
    ):
        old.backup(new)
