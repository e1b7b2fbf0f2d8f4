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

"""Transactions: with the same promises on SQLite, MariaDB, PostgreSQL.

Writers read what is committed now, not what was committed when they
began: MariaDB and PostgreSQL run READ COMMITTED, so that a row read after
its lock was taken is the newest one, a compare-and-set UPDATE sees the
value it will overwrite, and a duplicate key is a duplicate key at once
(MariaDB's default, REPEATABLE READ, counts rows in an old snapshot).
SQLite knows one writer at a time; BEGIN IMMEDIATE makes it wait in line
before it reads, which comes to the same.

Of two nodes of a Galera cluster each knows its own locks only: what a decision
rests on is locked by being written (locks.py), and a look waits until its node
has what the others have committed.
"""

from collections.abc import Callable, Iterator
import contextlib
import datetime
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

from oslo_config import cfg
from oslo_db import api as oslo_api
from oslo_db import exception as oslo_exception
from oslo_db import options
from oslo_db.sqlalchemy import enginefacade
import sqlalchemy as sa
from sqlalchemy.engine import interfaces
from sqlalchemy import event
from sqlalchemy import orm

from hass import clock as hass_clock
from hass import conf as hass_conf
from hass.db import moments
from hass import exception

P = ParamSpec('P')
T = TypeVar('T')

OPTION = '[database] connection'
DEFAULT_CONNECTION = 'sqlite:////var/lib/hass/hass.sqlite'
DRIVERS = (
    'sqlite',
    'mysql+pymysql',
    'postgresql+psycopg',
    'postgresql+psycopg2',
)
"""What the tests of this release run on."""

LOCK_SECONDS = 3
"""How long to wait for a row that another transaction holds."""
IDLE_SECONDS = 15
"""A frozen engine keeps its locks so long, then its server ends it."""
ANSWER_SECONDS = 30
"""How long to wait for a server that may have vanished."""
TRIES = 10
PAUSE_SECONDS = 0.05
MAX_PAUSE_SECONDS = 2

PASSING_STATES = frozenset({
    '40001',  # serialization failure
    '40P01',  # deadlock
    '55P03',  # lock not available in time
    '25P03',  # idle in transaction for too long
    '57P01', '57P02', '57P03',  # shutting down, crashed, starting up
})  # fmt: skip
UNREACHABLE = (
    oslo_exception.DBDeadlock,
    oslo_exception.DBConnectionError,
    oslo_exception.DBConsistencyError,
    oslo_exception.DBNonExistentDatabase,
    sa.exc.OperationalError,
)


@enginefacade.transaction_context_provider
class _Context:
    """One transaction: enginefacade wants something to hang it on."""


def register_opts(conf: cfg.ConfigOpts) -> None:
    """Register oslo.db's options, with the default of HASS."""
    conf.register_opts(options.database_opts, 'database')
    conf.set_default('connection', DEFAULT_CONNECTION, group='database')


def check_url(conf: cfg.ConfigOpts) -> sa.URL:
    """The database's URL, if it can be used at all.

    :raises ConfigError: it is none, or names a driver that is not tested
    """
    register_opts(conf)
    hass_conf.check(conf, 'database', options.database_opts)
    return usable_url(OPTION, conf.database.connection)


def usable_url(option: str, text: str | sa.URL) -> sa.URL:
    """The URL, if this release can use it.

    :param option: where it was read
    :raises ConfigError: it is none, or names a driver that is not tested
    """
    try:
        url = sa.make_url(text)
    except (sa.exc.ArgumentError, ValueError):
        # The sentence of SQLAlchemy would show the URL and its password.
        raise exception.ConfigError(
            option, 'not a URL of the form driver://user:password@host/name'
        ) from None
    if url.drivername not in DRIVERS:
        raise exception.ConfigError(
            option,
            f'driver {url.drivername} is not supported, '
            f'use one of {", ".join(DRIVERS)}',
        )
    try:
        url.get_dialect().import_dbapi()
    except ImportError as error:
        raise exception.ConfigError(
            option, f'driver {url.drivername} is not installed: {error}'
        ) from None
    if url.drivername.startswith('mysql') and 'charset' not in url.query:
        url = url.update_query_dict({'charset': 'utf8mb4'})
    return url


class Database:
    """The one way to the rows.

    :ivar url: what is connected to, with the password
    :raises ConfigError: the URL cannot be used
    """

    def __init__(
        self,
        conf: cfg.ConfigOpts,
        clock: hass_clock.Clock,
        tries: int = TRIES,
    ) -> None:
        self.url = check_url(conf)
        is_file = self.url.drivername == 'sqlite'
        self._file = self.url.database if is_file else None
        self._clock = clock
        self._manager = enginefacade.transaction_context()
        database = conf.database
        self._manager.configure(
            connection=self.url.render_as_string(hide_password=False),
            slave_connection=database.slave_connection,
            synchronous_reader=database.synchronous_reader,
            connection_parameters=database.connection_parameters,
            connection_recycle_time=database.connection_recycle_time,
            connection_debug=database.connection_debug,
            connection_trace=database.connection_trace,
            max_pool_size=database.max_pool_size,
            max_overflow=database.max_overflow,
            pool_timeout=database.pool_timeout,
            mysql_sql_mode=database.mysql_sql_mode,
            mysql_wsrep_sync_wait=database.mysql_wsrep_sync_wait,
            sqlite_synchronous=database.sqlite_synchronous,
            sqlite_fk=True,
            # A rest at each transaction's end, for eventlet only.
            thread_checkin=False,
            # Tried again by read() and write(), not while it is made.
            max_retries=0,
        )
        self._manager.append_on_engine_create(self._prepare)
        self._tries = tries

    @property
    def engine(self) -> sa.Engine:
        """SQLAlchemy's engine, for migrations and tests."""
        engine: sa.Engine = self._manager.writer.get_engine()
        return engine

    @contextlib.contextmanager
    def writer(self) -> Iterator[orm.Session]:
        """One transaction; COMMIT has returned when the block is left.

        Rows stay readable after it. Nothing is tried again: see write().

        :raises hass.exception.DatabaseUnreachable: it took no effect, or
            the answer to COMMIT was lost
        """
        with (
            told(self._file),
            self._manager.writer.using(_Context()) as session,
        ):
            session.connection(execution_options={'hass_writer': True})
            yield session

    @contextlib.contextmanager
    def reader(self) -> Iterator[orm.Session]:
        """One transaction that is rolled back in the end.

        :raises hass.exception.DatabaseUnreachable: there is no answer
        """
        with (
            told(self._file),
            self._manager.reader.using(_Context()) as session,
        ):
            yield session

    def write(
        self,
        function: Callable[Concatenate[orm.Session, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Call the function in a transaction, again if it is bad luck.

        Deadlocks, lost connections and restarted servers are bad luck.
        When the answer to a COMMIT is lost the function runs once more
        although it took effect: let it be a compare-and-set or guarded by
        a unique key.

        :raises hass.exception.DatabaseUnreachable: bad luck at each of
            the tries (ten take about 10 s), or the server refuses us
        """

        def once() -> T:
            with self.writer() as session:
                return function(session, *args, **kwargs)

        return self._often(once)

    def read(
        self,
        function: Callable[Concatenate[orm.Session, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Like write(), for functions that write nothing."""

        def once() -> T:
            with self.reader() as session:
                return function(session, *args, **kwargs)

        return self._often(once)

    def close(self) -> None:
        """Close the connections of the pool."""
        self._manager.dispose_pool()

    def _often(self, once: Callable[[], T]) -> T:
        left = self._tries

        def attempt() -> T:
            nonlocal left
            left -= 1
            return once()

        retry = oslo_api.wrap_db_retry(
            retry_interval=PAUSE_SECONDS,
            max_retries=self._tries,
            max_retry_interval=MAX_PAUSE_SECONDS,
            jitter=True,
            exception_checker=lambda error: left > 0 and passes(error),
        )
        result: T = retry(attempt)()
        return result

    def _prepare(self, engine: sa.Engine) -> None:
        """Let every connection keep the promises made above."""
        engine.hide_parameters = True
        if engine.dialect.name == 'sqlite':
            event.listen(engine, 'connect', self._connected_to_sqlite)
            event.listen(engine, 'begin', _begin_sqlite)
        elif engine.dialect.name == 'postgresql':
            event.listen(engine, 'do_connect', _connect_to_postgresql)
        else:
            event.listen(engine, 'do_connect', _connect_to_mysql)
            event.listen(engine, 'connect', _connected_to_mysql)

    def _connected_to_sqlite(self, connection: Any, record: Any) -> None:
        connection.execute(f'PRAGMA busy_timeout = {LOCK_SECONDS * 1000}')
        connection.execute('PRAGMA journal_mode = WAL')
        connection.create_function(moments.FUNCTION, 1, self._now_as_text)

    def _now_as_text(self, microseconds: int) -> str:
        span = datetime.timedelta(microseconds=microseconds)
        return moments.as_text(self._clock.now() + span)


def passes(error: Exception) -> bool:
    """Whether the same transaction may succeed a moment later."""
    if isinstance(error, exception.DatabaseUnreachable):
        return isinstance(error.__cause__, Exception) and passes(
            error.__cause__
        )
    if isinstance(
        error,
        oslo_exception.DBDeadlock
        | oslo_exception.DBConnectionError
        | oslo_exception.DBConsistencyError,
    ):
        return True
    if not isinstance(error, sa.exc.DBAPIError):
        return False
    if error.connection_invalidated or 'database is locked' in str(error):
        return True
    cause = error.orig
    code = getattr(cause, 'sqlstate', getattr(cause, 'pgcode', ''))
    # None: there was no server to give a code.
    lost = code is None and isinstance(error, sa.exc.OperationalError)
    return lost or code in PASSING_STATES


@contextlib.contextmanager
def told(file: str | None = None) -> Iterator[None]:
    """An outage is told in our own words.

    :param file: that of SQLite, which does not name it
    """
    try:
        yield
    except UNREACHABLE as error:
        where = f': {file}' if file else ''
        raise exception.DatabaseUnreachable(
            f'{_reason(error)}{where}'
        ) from error


def _reason(error: Exception) -> str:
    cause = getattr(error, 'inner_exception', None) or error
    return ' '.join(str(getattr(cause, 'orig', None) or cause).split())


def changed(result: sa.Result[Any]) -> int:
    """How many rows an UPDATE or DELETE matched."""
    return cast('sa.CursorResult[Any]', result).rowcount


def _begin_sqlite(connection: sa.Connection) -> None:
    if connection.get_execution_options().get('hass_writer'):
        # oslo.db's own listener has begun, but would lock lazily.
        connection.exec_driver_sql('ROLLBACK')
        connection.exec_driver_sql('BEGIN IMMEDIATE')


def _connect_to_mysql(
    dialect: interfaces.Dialect, record: Any, args: Any, kwargs: Any
) -> None:
    kwargs.setdefault('read_timeout', ANSWER_SECONDS)
    kwargs.setdefault('write_timeout', ANSWER_SECONDS)


def _connected_to_mysql(connection: Any, record: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            'SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED'
        )
        cursor.execute(
            f'SET SESSION innodb_lock_wait_timeout = {LOCK_SECONDS}'
        )
        cursor.execute("SHOW VARIABLES LIKE 'idle_transaction_timeout'")
        if cursor.fetchone():  # MariaDB has it, MySQL does not.
            cursor.execute(
                f'SET SESSION idle_transaction_timeout = {IDLE_SECONDS}'
            )
        cursor.execute("SHOW VARIABLES LIKE 'wsrep_on'")
        if cursor.fetchone() == ('wsrep_on', 'ON'):
            # What another node has committed is waited for before a look.
            cursor.execute(
                'SET SESSION wsrep_sync_wait = @@wsrep_sync_wait | 1'
            )


def _connect_to_postgresql(
    dialect: interfaces.Dialect, record: Any, args: Any, kwargs: Any
) -> None:
    settings = (
        r'-c default_transaction_isolation=read\ committed '
        f'-c lock_timeout={LOCK_SECONDS}s '
        f'-c idle_in_transaction_session_timeout={IDLE_SECONDS}s'
    )
    kwargs['options'] = f'{settings} {kwargs.get("options", "")}'
    kwargs.setdefault('connect_timeout', ANSWER_SECONDS)
    kwargs.setdefault('tcp_user_timeout', ANSWER_SECONDS * 1000)
