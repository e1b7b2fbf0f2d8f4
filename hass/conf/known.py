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

"""Whether the files hold options that nobody knows, or that cannot be used.

oslo.config reads the options that code asks for and overlooks the rest, so
that a misspelt one leaves its default in force without a word.
"""

import collections
from collections.abc import Iterable
import contextlib
import difflib
from importlib import metadata
import pathlib
from typing import TypeAlias

from keystoneauth1 import exceptions as keystone_exceptions
from keystoneauth1 import loading
from oslo_config import cfg

from hass import conf as options

Options: TypeAlias = 'dict[str, list[cfg.Opt]]'

NAMESPACES = (
    'hass',
    'keystonemiddleware.auth_token',
    'oslo.concurrency',
    'oslo.db',
    'oslo.log',
    'oslo.messaging',
    'oslo.middleware.cors',
    'oslo.middleware.healthcheck',
    'oslo.middleware.http_proxy_to_wsgi',
    'oslo.policy',
    'oslo.service.service',
    'osprofiler',
)
"""As in etc/hass/hass-config-generator.conf."""
WITH_LOGIN = ('nova', 'keystone_authtoken')
"""Sections whose auth_type, or that of their auth_section, adds options."""


def check(conf: cfg.ConfigOpts) -> None:
    """Look at every value of the files, those for libraries too.

    :raises hass.exception.ConfigError: a value cannot be used
    """
    whole = cfg.ConfigOpts()
    whole(
        [],
        project='hass',
        default_config_files=conf.config_file,
        default_config_dirs=_folders(conf),
    )
    known = _known(_sections(conf))
    # All of them first: one value may refer to another option.
    for group, found in known.items():
        for option in found:
            # Two libraries may each have an option of this name.
            with contextlib.suppress(cfg.DuplicateOptError):
                whole.register_opt(
                    option, None if group == 'DEFAULT' else group
                )
    for group, found in known.items():
        options.check(whole, group, found)


def strange(conf: cfg.ConfigOpts) -> list[str]:
    """Names of sections and options that neither HASS nor a library has."""
    sections = _sections(conf)
    names = _names(_known(sections))
    names['DEFAULT'].update(conf)
    found = []
    for section, values in sections.items():
        if section not in names:
            found.append(f'[{section}] is no section{_like(section, names)}')
            continue
        found += [
            f'[{section}] {name} is no option{_like(name, names[section])}'
            for name in values
            if name not in names[section]
        ]
    return found


def _folders(conf: cfg.ConfigOpts) -> list[str]:
    """Those of --config-dir; without it, those that oslo.config looks for."""
    return list(conf.config_dirs or conf.default_config_dirs)


def _sections(conf: cfg.ConfigOpts) -> dict[str, dict[str, list[str]]]:
    """What the files say, all of them together; the last value wins."""
    files = [pathlib.Path(file) for file in conf.config_file]
    for folder in _folders(conf):
        files += sorted(pathlib.Path(folder).glob('*.conf'))
    said: dict[str, dict[str, list[str]]] = {}
    for file in files:
        cfg.ConfigParser(str(file), said).parse()
    together: dict[str, dict[str, list[str]]] = {}
    for name, values in said.items():
        # oslo.config takes every section but this one in lower case.
        plain = name.upper() if name.upper() == 'DEFAULT' else name.lower()
        together.setdefault(plain, {}).update(values)
    return together


def _known(sections: dict[str, dict[str, list[str]]]) -> Options:
    """Every section with the options that somebody may ask for."""
    known: Options = {}
    for name in NAMESPACES:
        for point in metadata.entry_points(
            group='oslo.config.opts', name=name
        ):
            for group, found in point.load()():
                title = getattr(group, 'name', group) or 'DEFAULT'
                known.setdefault(title, []).extend(found)
    for name in WITH_LOGIN:
        said = sections.get(name, {})
        section = said.get('auth_section', [name])[-1]
        login = said | sections.get(section, {})
        known.setdefault(section, []).extend(
            [
                *loading.get_auth_common_conf_options(),
                *_login(login.get('auth_type', [None])[-1]),
            ]
        )
    return known


def _login(auth_type: str | None) -> Iterable[cfg.Opt]:
    """The options of a way to log in; none of one that is not installed."""
    if not auth_type:
        return ()
    with contextlib.suppress(keystone_exceptions.NoMatchingPlugin):
        found: list[cfg.Opt] = loading.get_auth_plugin_conf_options(auth_type)
        return found
    return ()


def _names(known: Options) -> dict[str, set[str]]:
    """What may stand in each section; old names are still read."""
    names: dict[str, set[str]] = collections.defaultdict(set)
    for section, found in known.items():
        for option in found:
            names[section] |= {option.name, option.dest}
            for old in option.deprecated_opts:
                name = old.name or option.name
                names[old.group or section] |= {name, name.replace('-', '_')}
    return names


def _like(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, known, 1)
    return f': did you mean {close[0]}?' if close else ''
