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

"""``hass-status upgrade check``: would this installation save anybody?"""

from collections.abc import Callable
from concurrent import futures
import datetime
import shutil
from typing import TypeVar

from oslo_config import cfg
from oslo_upgradecheck import upgradecheck
from sqlalchemy import orm

from hass import bmc
from hass.bmc import credentials
from hass import clock as clock_
from hass.conf import known
from hass.db import fences as db_fences
from hass.db import hosts
from hass.db import migration
from hass.db import models
from hass.db import moments
from hass.db import protection as rows
from hass.db import services
from hass.db import session as db_session
from hass.detection import groups
from hass.engine import fences
from hass.engine import inventory
from hass.engine import settings
from hass import exception
from hass.fencing import topology
from hass import nova
from hass import secrets

Code = upgradecheck.Code
Result = upgradecheck.Result
T = TypeVar('T')
Moment = datetime.datetime | None
TYPE, FORMER_TYPE = 'hass', 'ha'
"""Of HASS in the catalog of Keystone."""
IDLE_SECONDS = 30
CLOCK_SECONDS = 5.0
"""Tokens and certificates have moments in them, and so have logs."""


class Checks(upgradecheck.UpgradeCommands):
    """One line for each thing that would be in the way in the night."""

    def __init__(self) -> None:
        self.conf: cfg.ConfigOpts | None = None
        self._clock = clock_.SystemClock()

    def configuration(self) -> Result:
        """What options mean together will do."""
        assert self.conf is not None
        conf = self.conf
        return _judged(lambda: '; '.join(settings.complaints(conf)))

    def options(self) -> Result:
        """Every section and option of the files is one that somebody reads."""
        assert self.conf is not None
        conf = self.conf
        return _judged(lambda: '; '.join(known.strange(conf)))

    def alarm(self) -> Result:
        """The program that pages an operator can be run."""
        assert self.conf is not None
        command = self.conf.alarm.command
        if not command or shutil.which(command[0]):
            return Result(Code.SUCCESS, '')
        why = 'is no file that can be executed'
        return Result(Code.FAILURE, f'[alarm] command: {command[0]} {why}')

    def membership(self) -> Result:
        """The coordination services can be talked to from here."""
        assert self.conf is not None
        asked = [
            (group, url)
            for group in ('detection', 'agent')
            for url in self.conf[group].membership_urls
        ]
        complaints = [
            f'[{group}] membership_urls: {groups.place(url)}: {why}'
            for group, url in asked
            if (why := groups.lacking_driver(url))
        ]
        code = Code.WARNING if complaints else Code.SUCCESS
        return Result(code, '; '.join(complaints))

    def database(self) -> Result:
        """The tables are at this release's revision."""
        return _tried(lambda: migration.check(self._database()))

    def keyring(self) -> Result:
        """The keys that open BMC passwords and agent keys can be read."""
        return _tried(self._keyring)

    def nova(self) -> Result:
        """Nova answers and offers the microversions that HASS needs."""
        return _tried(self._nova)

    def catalog(self) -> Result:
        """HASS is in the catalog by a type that is its own."""
        assert self.conf is not None
        try:
            types = nova.catalog_types(self.conf)
        except exception.HassError:
            return Result(Code.WARNING, 'not looked at: see Nova')
        return Result(*_registered(types))

    def engines(self) -> Result:
        """An engine patrols."""
        return self._look(_alive, _no_engine)

    def fences(self) -> Result:
        """Every host's BMC answers and belongs to that host."""
        return self._look(hosts.all, self._broken)

    def identities(self) -> Result:
        """Every host's BMC is known to be its own, and was tried lately."""
        return self._look(hosts.all, self._doubted)

    def power_restore(self) -> Result:
        """No host powers itself on when the power comes back."""
        return self._look(hosts.all, _restored)

    def nova_conf(self) -> Result:
        """No host starts guests of its own when it boots."""
        return self._look(hosts.all, _resumed)

    def protection(self) -> Result:
        """Every host would be recovered if it failed now."""
        return self._look(_unprotected, '; '.join)

    def clocks(self) -> Result:
        """Agents, engines, this machine and the database agree on time."""
        return self._look(self._clocks, '; '.join)

    def _clocks(self, session: orm.Session) -> list[str]:
        now = moments.read_now(session)
        said: list[tuple[str, Moment, Moment]] = [
            ('this machine', self._clock.now(), now)
        ]
        said += [
            (f'engine {one.name}', one.clock_at, one.turn_at)
            for one in services.alive(session, IDLE_SECONDS)
        ]
        said += [
            (host.name, host.clock_at, host.reported_at)
            for host in hosts.all(session)
        ]
        return [
            f'the clock of {who} is {abs(seconds):.0f} s '
            f"{'ahead of' if seconds > 0 else 'behind'} the database's"
            for who, clock, database in said
            if abs(seconds := _apart(clock, database)) > CLOCK_SECONDS
        ]

    def _broken(self, found: list[models.Host]) -> str:
        assert self.conf is not None
        database = self._database()
        bmcs = bmc.Bmc(
            self._clock,
            call_seconds=self.conf.bmc.call_seconds,
            workers=self.conf.bmc.workers,
        )
        store = self._store(database)
        tester = fences.Fences(
            database,
            topology.build(self.conf.fencing.levels, bmcs),
            store.address_of,
            self._clock,
        )
        names = [host.name for host in found]
        try:
            with futures.ThreadPoolExecutor(self.conf.bmc.workers) as pool:
                outcomes = list(pool.map(tester.test, names))
        finally:
            bmcs.close()
        return '; '.join(
            f'{name} has no working fence: {outcome["why"]}'
            for name, outcome in zip(names, outcomes, strict=True)
            if outcome['state'] != models.FenceState.WORKING
        )

    def _doubted(self, found: list[models.Host]) -> str:
        assert self.conf is not None
        database = self._database()
        store = self._store(database)
        doubts = db_fences.Doubts(
            found,
            database.read(moments.read_now),
            place_of=store.place_of,
            test_seconds=self.conf.fencing.test_seconds,
            search_seconds=self.conf.detection.search_seconds,
        )
        return '; '.join(
            f'{host.name}: {why}'
            for host in found
            for why in doubts.of(host.name)
        )

    def _look(
        self,
        read: Callable[[orm.Session], list[T]],
        judge: Callable[[list[T]], str],
    ) -> Result:
        """Judge rows, with no transaction open meanwhile."""
        try:
            database = self._database()
            migration.check(database)
            complaint = judge(database.read(read))
        except (
            exception.DatabaseNotMigrated,
            exception.DatabaseUnreachable,
        ):
            return Result(Code.WARNING, 'not looked at: see database')
        except exception.HassError as error:
            return Result(Code.FAILURE, str(error))
        return Result(Code.WARNING if complaint else Code.SUCCESS, complaint)

    def _store(self, database: db_session.Database) -> inventory.Inventory:
        assert self.conf is not None
        return inventory.Inventory(
            database,
            self._keyring(),
            self._clock,
            credentials.read(self.conf.bmc.credentials_file),
        )

    def _nova(self) -> None:
        assert self.conf is not None
        nova.connect(self.conf, self._clock).check_versions()

    def _database(self) -> db_session.Database:
        assert self.conf is not None
        return db_session.Database(self.conf, self._clock)

    def _keyring(self) -> secrets.Keyring:
        assert self.conf is not None
        return secrets.Keyring(self.conf.secrets.keyring_file)

    _upgrade_checks = (
        ('configuration', configuration),
        ('options', options),
        ('alarm command', alarm),
        ('membership', membership),
        ('database', database),
        ('keyring', keyring),
        ('Nova', nova),
        ('catalog', catalog),
        ('engines', engines),
        ('fences', fences),
        ('identity of BMCs', identities),
        ('power restore policy', power_restore),
        ('nova.conf', nova_conf),
        ('protection', protection),
        ('clocks', clocks),
    )


def _tried(act: Callable[[], object]) -> Result:
    def silently() -> str:
        act()
        return ''

    return _judged(silently)


def _judged(act: Callable[[], str]) -> Result:
    """A failure when it raises, a warning when it complains."""
    try:
        complaint = act()
    except exception.HassError as error:
        return Result(Code.FAILURE, str(error))
    return Result(Code.WARNING if complaint else Code.SUCCESS, complaint)


def _registered(types: frozenset[str]) -> tuple[Code, str]:
    """What Masakari's clients would take for Masakari is warned of."""
    if FORMER_TYPE not in types:
        return Code.SUCCESS, ''
    then = f'change its type: openstack service set --type {TYPE} SERVICE'
    if TYPE in types:
        then = 'delete that one, if it is of HASS: openstack service list'
    return Code.WARNING, (
        f'the catalog has a service of type {FORMER_TYPE}, by which the '
        f'clients and monitors of Masakari find it; {then}'
    )


def _alive(session: orm.Session) -> list[models.Service]:
    return services.alive(session, IDLE_SECONDS)


def _unprotected(session: orm.Session) -> list[str]:
    now = moments.read_now(session)
    usable = rows.usable(session, now)
    return [
        f'{host.name}: {", ".join(missing)}'
        for host in hosts.all(session)
        if (missing := rows.missing(host, now, usable.get(host.cluster_id, 0)))
    ]


def _no_engine(alive: list[models.Service]) -> str:
    if alive:
        return ''
    return f'no engine finished a turn of its patrol for {IDLE_SECONDS} s'


def _restored(found: list[models.Host]) -> str:
    return '; '.join(
        f'{host.name}: its BMC powers it on by itself when the power comes '
        f'back ({host.power_restore_policy}); set always-off'
        for host in found
        if host.power_restore_policy not in {None, 'always-off', 'unknown'}
    )


def _resumed(found: list[models.Host]) -> str:
    complaints = []
    for host in found:
        if host.resume_guests:
            complaints.append(
                f'{host.name}: resume_guests_state_on_host_boot in nova.conf '
                'must be false, or evacuated guests start there again'
            )
        if host.resume_guests is None and host.reported_at is not None:
            complaints.append(
                f'{host.name}: its agent cannot read nova.conf: see [agent] '
                'nova_conf'
            )
    return '; '.join(complaints)


def _apart(clock: Moment, database: Moment) -> float:
    """Seconds that a clock is ahead; 0 when nothing is known of it."""
    if clock is None or database is None:
        return 0.0
    return (clock - database).total_seconds()
