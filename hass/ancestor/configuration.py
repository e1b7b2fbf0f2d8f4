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

"""/etc/hass.conf of NCU-HASS.

What matters of it::

    [ipmi]
    compute1 = 192.168.2.11

    [ipmi_user]
    compute1 = USER,PASSWORD

    [ipmi_sensor]
    ipmi_watched_sensors = 02-CPU,02-CPU 1

    [mysql]
    mysql_ip = controller
    mysql_username = hass
    mysql_password = PASSWORD
    mysql_db = hass

It was read by ConfigParser of Python 2: names of options, host names among
them, are kept in small letters, and a semicolon after a blank begins a
comment.
"""

from collections.abc import Mapping
import configparser
import dataclasses
import os

import sqlalchemy as sa

from hass import exception

OPTION = '--config'
VENDOR = 'vendor'
"""The one name in [ipmi] that is no host."""
SENSORS = ('ipmi_watched_sensors', 'hardware_sensors')
"""As its guide calls it, and as its sources do."""
READ = frozenset({'ipmi', 'ipmi_user', 'ipmi_sensor', 'mysql'})


@dataclasses.dataclass(frozen=True, slots=True)
class Bmc:
    """How NCU-HASS reached the BMC of a host."""

    address: str
    username: str
    password: str = dataclasses.field(repr=False)


@dataclasses.dataclass(frozen=True, slots=True)
class Configuration:
    """What can be taken over from the file.

    :ivar bmcs: by the host's name in small letters
    :ivar sensors: those that were watched on every host
    :ivar database: of its tables; None: the file does not say
    :ivar refused: of which hosts the BMC cannot be taken, and why
    :ivar shared_storage: whether it was declared
    :ivar sections: those of which nothing is taken
    """

    bmcs: Mapping[str, Bmc]
    sensors: list[str]
    database: sa.URL | None
    refused: Mapping[str, str]
    shared_storage: bool
    sections: list[str]


def read(path: str | os.PathLike[str]) -> Configuration:
    """What the file says.

    :raises hass.exception.ConfigError: it cannot be read; none of its
        values are told
    """
    parser = configparser.RawConfigParser(
        strict=False, allow_no_value=True, inline_comment_prefixes=(';',)
    )
    try:
        with open(path, encoding='utf-8') as file:
            parser.read_file(file)
    except OSError as error:
        reason = f'cannot be read: {error.strerror}'
        raise _refused(path, reason) from None
    except configparser.MissingSectionHeaderError as error:
        reason = f'line {error.lineno} stands before any section'
        raise _refused(path, reason) from None
    except configparser.ParsingError as error:
        lines = ', '.join(str(number) for number, _text in error.errors)
        raise _refused(path, f'cannot be understood: line {lines}') from None
    except UnicodeError:
        raise _refused(path, 'is no text in UTF-8') from None
    if not parser.has_section('ipmi'):
        raise _refused(path, 'has no section [ipmi]: it is not of NCU-HASS')
    bmcs, refused = _bmcs(_section(parser, 'ipmi'), parser)
    default = _section(parser, 'default')
    return Configuration(
        bmcs=bmcs,
        sensors=_sensors(_section(parser, 'ipmi_sensor')),
        database=_database(_section(parser, 'mysql')),
        refused=refused,
        shared_storage=default.get('shared_storage', '').lower() == 'true',
        sections=[name for name in parser.sections() if name not in READ],
    )


def _section(
    parser: configparser.RawConfigParser, name: str
) -> dict[str, str]:
    if not parser.has_section(name):
        return {}
    return {key: value or '' for key, value in parser.items(name)}


def _bmcs(
    addresses: Mapping[str, str], parser: configparser.RawConfigParser
) -> tuple[dict[str, Bmc], dict[str, str]]:
    users = _section(parser, 'ipmi_user')
    bmcs: dict[str, Bmc] = {}
    refused: dict[str, str] = {}
    for host in sorted({*addresses, *users} - {VENDOR}):
        parts = [part.strip() for part in users.get(host, '').split(',')]
        if not addresses.get(host):
            refused[host] = '[ipmi] has no address for it'
        elif host not in users:
            refused[host] = '[ipmi_user] has no user for it'
        elif len(parts) != 2:
            # NCU-HASS itself used what stood before the second comma.
            refused[host] = '[ipmi_user] is not USER,PASSWORD with one comma'
        else:
            bmcs[host] = Bmc(addresses[host], *parts)
    return bmcs, refused


def _sensors(section: Mapping[str, str]) -> list[str]:
    """The names, each once; one of its samples has ["NAME"] instead."""
    found = next(filter(None, (section.get(key) for key in SENSORS)), '')
    names = found.removeprefix('[').removesuffix(']').split(',')
    stripped = (name.strip().strip('"\'') for name in names)
    return list(dict.fromkeys(filter(None, stripped)))


def _database(section: Mapping[str, str]) -> sa.URL | None:
    if not section.get('mysql_ip'):
        return None
    return sa.URL.create(
        'mysql+pymysql',
        username=section.get('mysql_username') or None,
        password=section.get('mysql_password') or None,
        host=section['mysql_ip'],
        database=section.get('mysql_db') or 'hass',
    )


def _refused(
    path: str | os.PathLike[str], reason: str
) -> exception.ConfigError:
    return exception.ConfigError(OPTION, f'{path} {reason}')
