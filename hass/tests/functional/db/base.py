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

"""Every test of the database runs on each of the three."""

from concurrent import futures
import os
import sys
import threading
from typing import Any, TypeVar

import fixtures

from hass.db import migration
from hass.db import models
from hass.db import session as db
from hass import exception
from hass.tests import base
from hass.tests import builders
from hass.tests.functional.db import stores
from tools import packages

Class = TypeVar('Class', bound=type)
_shared: dict[str, str] = {}
_left_out: set[str] = set()


def on(*kinds: str):
    """Make one class for each kind of database out of this one."""

    def multiply(contract: Class) -> None:
        for kind in kinds:
            name = f'{contract.__name__}On{kind}'
            fields = {'kind': kind, '__module__': contract.__module__}
            variant = type(name, (contract,), fields)
            setattr(sys.modules[contract.__module__], name, variant)

    return multiply


on_every_database = on('SQLite', 'MariaDB', 'PostgreSQL')
on_servers = on('MariaDB', 'PostgreSQL')


class DatabaseTest(base.TestCase):
    """Begins with migrated, empty tables.

    :ivar store: where the database is
    :ivar database: as an engine has it
    :cvar idle_seconds: after which a server ends a transaction that rests; a
        test on a busy machine rests longer than an engine may
    """

    kind: str
    store: Any
    idle_seconds = 240

    def setUp(self):
        super().setUp()
        self.useFixture(
            fixtures.MonkeyPatch(
                'hass.db.session.IDLE_SECONDS', self.idle_seconds
            )
        )
        try:
            self.store = stores.store(self.kind)
        except packages.LeftOut as why:
            # A check that leaves something out has not checked it.
            if 'CI' in os.environ:
                raise
            if self.kind not in _left_out:
                _left_out.add(self.kind)
                sys.stderr.write(f'NOT TESTED on {self.kind}: {why}\n')
            self.skipTest(str(why))
        self.prepare()

    def prepare(self):
        if self.kind not in _shared:
            _shared[self.kind] = self.store.create()
            migration.sync(self.open(_shared[self.kind]))
        self.url = _shared[self.kind]
        self.database = self.open(self.url)
        with self.database.writer() as session:
            for table in reversed(models.Base.metadata.sorted_tables):
                session.execute(table.delete())

    def open(self, url: str, clock=None, tries=db.TRIES) -> db.Database:
        """One more engine's view of a database."""
        database = builders.open_database(
            url, clock, tries, sqlite_synchronous=False
        )
        self.addCleanup(database.close)
        return database

    def read(self, function, *args, **kwargs):
        """What the function gives in a transaction."""
        return self.database.read(function, *args, **kwargs)

    def assertRefused(self, sentence, function, *args, **kwargs):
        error = self.assertRaises(
            exception.Conflict, self.database.write, function, *args, **kwargs
        )
        self.assertEqual(sentence, str(error))

    def assertNotFound(self, what, function, *args, **kwargs):
        error = self.assertRaises(
            exception.NotFound, self.database.write, function, *args, **kwargs
        )
        self.assertEqual(f'{what} was not found', str(error))


class EmptyTest(DatabaseTest):
    """Begins with a database in which nothing is."""

    def prepare(self):
        self.url = self.store.create()
        self.addCleanup(self.store.drop, self.url)
        self.database = self.open(self.url)


def at_once(*functions):
    """Run them in threads, from one moment on; what each gave or raised."""
    start = threading.Barrier(len(functions), timeout=60)

    def run(function):
        start.wait()
        return function()

    with futures.ThreadPoolExecutor(len(functions)) as threads:
        running = [threads.submit(run, function) for function in functions]
    return [one.exception() or one.result() for one in running]
