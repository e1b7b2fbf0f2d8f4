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

"""Three databases that behave alike: SQLite, MariaDB, PostgreSQL."""

import abc
from collections.abc import Callable
import functools
import pathlib
import tempfile
import uuid

import sqlalchemy as sa
from sqlalchemy import pool

from hass.tests.functional import servers


class Store(abc.ABC):
    """Where databases can be made.

    :cvar server: what can be stopped, killed and shifted in time
    """

    server: servers.Server | None = None

    @abc.abstractmethod
    def create(self) -> str:
        """A new, empty database; its URL."""

    @abc.abstractmethod
    def drop(self, url: str) -> None:
        """Remove it."""


class SQLite(Store):
    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory()

    def create(self) -> str:
        return f'sqlite:///{self._folder.name}/{_name()}'

    def drop(self, url: str) -> None:
        path = sa.make_url(url).database
        for ending in ('', '-wal', '-shm'):
            pathlib.Path(f'{path}{ending}').unlink(missing_ok=True)


class _Served(Store):
    server: servers.MariaDB | servers.PostgreSQL
    _home: str
    _force: str

    def create(self) -> str:
        name = _name()
        self.ask(f'CREATE DATABASE {name}')
        return self.server.url(name)

    def drop(self, url: str) -> None:
        self.ask(f'DROP DATABASE {sa.make_url(url).database}{self._force}')

    def ask(self, statement: str) -> list[sa.Row]:
        """Say something to the server, as a stranger to the tests."""
        engine = sa.create_engine(
            self.server.url(self._home),
            isolation_level='AUTOCOMMIT',
            poolclass=pool.NullPool,
        )
        with engine.connect() as connection:
            answer = connection.exec_driver_sql(statement)
            return list(answer) if answer.returns_rows else []


class MariaDB(_Served):
    _home = ''
    _force = ''

    def __init__(self) -> None:
        self.server = servers.mariadb()

    def cut(self, connection: int) -> None:
        """End a session, as an impatient operator would."""
        self.ask(f'KILL {connection}')


class Galera(MariaDB):
    """A database on the first node, which the second one has as well."""

    def __init__(self) -> None:
        self.server, self._second = servers.galera()

    def on_second(self, url: str) -> str:
        """The same database, by the other node."""
        first, second = str(self.server.port), str(self._second.port)
        return url.replace(f':{first}/', f':{second}/')


class PostgreSQL(_Served):
    _home = 'postgres'
    _force = ' WITH (FORCE)'

    def __init__(self) -> None:
        self.server = servers.postgresql()

    def cut(self, connection: int) -> None:
        """End a session, as an impatient operator would."""
        self.ask(f'SELECT pg_terminate_backend({connection})')


KINDS: dict[str, Callable[[], Store]] = {
    'SQLite': SQLite,
    'MariaDB': MariaDB,
    'PostgreSQL': PostgreSQL,
    'Galera': Galera,
}


@functools.cache
def store(kind: str) -> Store:
    """The one of this process.

    :raises LeftOut: the real server cannot be had here
    """
    return KINDS[kind]()


def _name() -> str:
    return f'hass_{uuid.uuid4().hex[:12]}'
