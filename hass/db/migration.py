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

"""Bringing the tables to this release's revision, and checking them."""

from collections.abc import Iterator
import contextlib

from alembic import command
from alembic import config as alembic_config
from alembic import script
import sqlalchemy as sa
from sqlalchemy import orm
from sqlalchemy import pool

from hass.db import session as db_session
from hass import exception

LOCK = 'hass-manage db sync'
LOCK_NUMBER = 0x68617373
LOCK_SECONDS = 600


def head() -> str:
    """The revision that this release needs."""
    return revisions()[-1]


def revisions() -> list[str]:
    """Every revision, oldest first."""
    walk = _scripts().walk_revisions()
    return [step.revision for step in walk][::-1]


def version(database: db_session.Database) -> str | None:
    """The revision of the database; None before the first sync.

    :raises hass.exception.DatabaseUnreachable: there is no answer
    """
    return database.read(_version)


def check(database: db_session.Database) -> None:
    """For services, before they do anything.

    :raises hass.exception.DatabaseNotMigrated: the revision is another
    :raises hass.exception.DatabaseUnreachable: there is no answer
    """
    found = version(database)
    wanted = head()
    if found != wanted:
        raise exception.DatabaseNotMigrated(found, wanted)


def sync(database: db_session.Database, to: str = 'head') -> str | None:
    """Bring the database to a revision; returns the one it then has.

    Two at once are fine, the second finds nothing to do.

    :raises hass.exception.DatabaseUnreachable: there is no answer
    """
    version(database)
    with _connected(database) as connection, _alone(connection):
        config = _config()
        config.attributes['connection'] = connection
        command.upgrade(config, to)
        connection.commit()
    return version(database)


def _config() -> alembic_config.Config:
    config = alembic_config.Config()
    config.set_main_option('script_location', 'hass.db:migrations')
    return config


def _scripts() -> script.ScriptDirectory:
    return script.ScriptDirectory.from_config(_config())


def _version(session: orm.Session) -> str | None:
    if not sa.inspect(session.connection()).has_table('alembic_version'):
        return None
    query = sa.text('SELECT version_num FROM alembic_version')
    found: str | None = session.scalar(query)
    return found


@contextlib.contextmanager
def _connected(database: db_session.Database) -> Iterator[sa.Connection]:
    """Patient: altering a large table takes long, and locks are awaited."""
    if database.engine.dialect.name == 'sqlite':
        with database.engine.connect() as connection:
            # Kept out of the pool: nobody else is to wait that long.
            connection.detach()
            cursor = connection.connection.cursor()
            cursor.execute(f'PRAGMA busy_timeout = {LOCK_SECONDS * 1000}')
            cursor.close()
            connection = connection.execution_options(hass_writer=True)
            with connection.begin():
                yield connection
        return
    engine = sa.create_engine(database.url, poolclass=pool.NullPool)
    with engine.connect() as connection:
        yield connection


@contextlib.contextmanager
def _alone(connection: sa.Connection) -> Iterator[None]:
    """One sync at a time, by a lock that dies with its connection.

    SQLite has one writer at a time anyway.
    """
    if connection.dialect.name == 'postgresql':
        take = f'SELECT pg_advisory_lock({LOCK_NUMBER})'
        free = f'SELECT pg_advisory_unlock({LOCK_NUMBER})'
    elif connection.dialect.name == 'sqlite':
        take = free = ''
    else:
        take = f"SELECT GET_LOCK('{LOCK}', {LOCK_SECONDS})"
        free = f"SELECT RELEASE_LOCK('{LOCK}')"
    if take:
        connection.exec_driver_sql(take)
        connection.commit()
    try:
        yield
    finally:
        if free:
            connection.rollback()
            connection.exec_driver_sql(free)
            connection.commit()
