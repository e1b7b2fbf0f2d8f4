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

"""hass-manage: the tables and the keys."""

import argparse
from collections.abc import Callable, Sequence
import sys
from typing import TypeAlias

from oslo_config import cfg

from hass.ancestor import arrival
from hass.ancestor import configuration
from hass.ancestor import tables
from hass import clock
from hass import conf as options
from hass.db import fences
from hass.db import hosts
from hass.db import migration
from hass.db import purge
from hass.db import recoveries
from hass.db import session
from hass import exception
from hass import nova
from hass import secrets

Parsers: TypeAlias = 'argparse._SubParsersAction[argparse.ArgumentParser]'
PROG = 'hass-manage'
RESTORED = 'the database was restored from a backup: look before anything acts'


def main(argv: Sequence[str] | None = None) -> None:
    """Do one thing, say it in a line, leave with 0; 1 when it failed."""
    command = cfg.SubCommandOpt(
        'command', title='commands', handler=_commands, dest='command'
    )
    # argparse of Python 3.11 reads an argument of a command as one of its
    # own that was cut short, unless it knows the whole of it.
    taken = cfg.StrOpt('config', help=argparse.SUPPRESS)
    conf = options.prepare(
        sys.argv[1:] if argv is None else argv, PROG, [command, taken]
    )
    try:
        print(conf.command.act(conf))
    except exception.HassError as error:
        sys.exit(f'{PROG}: {error}')


def sync(conf: cfg.ConfigOpts) -> str:
    return f'the database is at revision {migration.sync(_database(conf))}'


def version(conf: cfg.ConfigOpts) -> str:
    found = migration.version(_database(conf))
    return f'{found or "none"} (this release needs {migration.head()})'


def forget(conf: cfg.ConfigOpts) -> str:
    dry = conf.command.dry_run
    done = purge.purge(_migrated(conf), conf.command.older_than_days, dry)
    return (
        f'{"would purge" if dry else "purged"} {done.recoveries} recoveries, '
        f'{done.losses} losses, {done.notifications} notifications and '
        f'{done.services} engines that are gone'
    )


def restored(conf: cfg.ConfigOpts) -> str:
    held = _migrated(conf).write(recoveries.hold_open_ones, PROG, RESTORED)
    return (
        f'held {held} open recoveries for an operator; the engines may start'
    )


def create(conf: cfg.ConfigOpts) -> str:
    secrets.create(conf.secrets.keyring_file)
    return (
        f'made {conf.secrets.keyring_file}: give it to the user of the '
        'service, copy it to every engine and API node, and back it up'
    )


def rotate(conf: cfg.ConfigOpts) -> str:
    keys = secrets.rotate(conf.secrets.keyring_file)
    return (
        f'{conf.secrets.keyring_file} holds {keys} keys now: copy it to every '
        'engine and API node before anything is encrypted, then run '
        f'{PROG} keyring reencrypt'
    )


def reencrypt(conf: cfg.ConfigOpts) -> str:
    keyring = secrets.Keyring(conf.secrets.keyring_file)
    changed = _migrated(conf).write(hosts.reencrypt, keyring.renew)
    return (
        f'encrypted the secrets of {changed} hosts with the first key of '
        f'{conf.secrets.keyring_file}: the lines after it may be removed'
    )


def waive(conf: cfg.ConfigOpts) -> str:
    asked = conf.command
    _migrated(conf).write(fences.waive, asked.host, asked.by, asked.reason)
    return (
        f'{asked.by} vouches that the BMC of {asked.host} is its own: it is '
        'fenced by it although nothing proves that'
    )


def unwaive(conf: cfg.ConfigOpts) -> str:
    _migrated(conf).write(fences.unwaive, conf.command.host)
    return f'nobody vouches for the BMC of {conf.command.host} any more'


def come_over(conf: cfg.ConfigOpts) -> str:
    wanted, database = conf.command, _migrated(conf)
    old = configuration.read(wanted.its_config)
    found = tables.read(tables.choose(wanted.its_database, old.database))
    world = arrival.look(nova.connect(conf, clock.SystemClock()), found)
    keyring = secrets.Keyring(conf.secrets.keyring_file)
    moving = arrival.Arrival(old, found, world, keyring, wanted.dry_run)
    return moving.take(database)


def _database(conf: cfg.ConfigOpts) -> session.Database:
    return session.Database(conf, clock.SystemClock())


def _migrated(conf: cfg.ConfigOpts) -> session.Database:
    database = _database(conf)
    migration.check(database)
    return database


def _commands(parsers: Parsers) -> None:
    db = _group(parsers, 'db', 'the tables')
    _command(db, 'sync', sync, "bring the tables to this release's revision")
    _command(db, 'version', version, 'tell the revision of the tables')
    purging = _command(
        db, 'purge', forget, 'delete what ended long ago, with its history'
    )
    purging.add_argument(
        '--older-than-days',
        type=_days,
        required=True,
        metavar='N',
        help='delete what ended before so many days',
    )
    purging.add_argument(
        '--dry-run',
        action='store_true',
        help='tell how much would go, and delete nothing',
    )
    _command(
        db,
        'restored',
        restored,
        'after restoring a backup, before the engines start: hold every open '
        'recovery for an operator',
    )
    keyring = _group(parsers, 'keyring', 'the keys of encrypted columns')
    _command(keyring, 'create', create, 'make a keyring with one key')
    _command(keyring, 'rotate', rotate, 'put a new key before the others')
    _command(
        keyring,
        'reencrypt',
        reencrypt,
        'encrypt every secret of the database with the first key',
    )
    fence = _group(parsers, 'fence', 'BMCs that cannot tell whose they are')
    waiving = _command(
        fence,
        'waive',
        waive,
        'vouch that the BMC of a host is its own, where nothing proves it: '
        'if it is not, instances run twice',
    )
    _add_host(waiving)
    waiving.add_argument(
        '--by', type=_said, required=True, help='who vouches for it'
    )
    waiving.add_argument(
        '--reason',
        type=_said,
        required=True,
        help='how it was seen that the BMC is the one in this host',
    )
    unwaiving = _command(fence, 'unwaive', unwaive, 'vouch for it no more')
    _add_host(unwaiving)
    importing = _group(parsers, 'import', 'what another service knows')
    coming = _command(
        importing,
        'ncu-hass',
        come_over,
        'take the clusters, hosts, BMCs and instances of NCU-HASS 5.1 over; '
        'what is there already is not changed',
    )
    coming.add_argument(
        '--config',
        dest='its_config',
        required=True,
        metavar='FILE',
        help='its configuration, as a rule /etc/hass.conf',
    )
    coming.add_argument(
        '--database',
        dest='its_database',
        metavar='URL',
        help='of its tables, when that is not what [mysql] of FILE says; '
        'leave the password out: that of FILE is used',
    )
    coming.add_argument(
        '--dry-run',
        action='store_true',
        help='tell what would be taken, and write nothing',
    )


def _group(
    parsers: Parsers,
    name: str,
    about: str,
) -> Parsers:
    parser = parsers.add_parser(name, help=about, description=about)
    return parser.add_subparsers(required=True, metavar='COMMAND')


def _command(
    parsers: Parsers,
    name: str,
    act: Callable[[cfg.ConfigOpts], str],
    about: str,
) -> argparse.ArgumentParser:
    parser = parsers.add_parser(name, help=about, description=about)
    parser.set_defaults(act=act)
    return parser


def _add_host(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('host', metavar='HOST', help='its name or UUID')


def _said(text: str) -> str:
    if not text.strip() or len(text) > 255:
        raise argparse.ArgumentTypeError('wanted are 1 to 255 characters')
    return text


def _days(text: str) -> int:
    if not text.isdecimal() or int(text) > 36500:
        raise argparse.ArgumentTypeError('wanted are days, 0 to 36500')
    return int(text)
