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

"""Options: one module a group, always handed in, never global."""

from collections.abc import Iterable
from collections.abc import Sequence
import importlib
import importlib.metadata
import sys

from oslo_config import cfg
from oslo_log import log
from osprofiler import opts as profiler

from hass.conf import forms
from hass import exception

GROUPS = (
    'agent',
    'alarm',
    'api',
    'bmc',
    'detection',
    'engine',
    'fencing',
    'metrics',
    'nova',
    'protection',
    'recovery',
    'restraint',
    'secrets',
    'services',
    'webhooks',
)


def options(group: str) -> list[cfg.Opt]:
    """The options of one of our groups."""
    module = importlib.import_module(f'hass.conf.{group}')
    return list(module.OPTIONS)


def register(conf: cfg.ConfigOpts) -> None:
    """Register every group of ours, and osprofiler's."""
    for group in GROUPS:
        conf.register_opts(options(group), group=group)
    for name, found in profiler.list_opts():
        conf.register_opts(found, group=name)


def check(conf: cfg.ConfigOpts, group: str, wanted: Iterable[cfg.Opt]) -> None:
    """Look at each of the options, for some are read late.

    :raises hass.exception.ConfigError: a value cannot be used
    """
    for option in wanted:
        try:
            (conf if group == 'DEFAULT' else conf[group])[option.dest]
        except (cfg.Error, ValueError) as error:
            raise exception.ConfigError(
                f'[{group}] {option.name}',
                f'{forms.plain(error)}; must be {forms.of(option)}',
            ) from None


def prepare(
    argv: Sequence[str],
    prog: str,
    cli: Sequence[cfg.Opt] = (),
    files: Sequence[str] | None = None,
    unusable: int = 1,
) -> cfg.ConfigOpts:
    """Read the command line and the files.

    Every option is looked at now: a value that cannot be used is named
    with its section before the service opens a port.

    :param unusable: the exit code of a file or value that cannot be used
    """
    conf = cfg.ConfigOpts()
    log.register_options(conf)
    conf.register_cli_opts(cli)
    register(conf)
    try:
        conf(
            list(argv),
            project='hass',
            prog=prog,
            version=importlib.metadata.version('hass'),
            default_config_files=None if files is None else list(files),
        )
        for group in GROUPS:
            check(conf, group, options(group))
    except (cfg.Error, exception.ConfigError, OSError, ValueError) as error:
        sys.stderr.write(f'{prog}: {_why(error)}\n')
        raise SystemExit(unusable) from None
    if not (conf.config_file or conf.config_dirs or conf.default_config_dirs):
        sys.stderr.write(
            f'{prog}: there is no configuration file, as /etc/hass/hass.conf, '
            'or it cannot be seen: options have their defaults, unless the '
            'environment sets them\n'
        )
    log.setup(conf, 'hass')
    return conf


def _why(error: Exception) -> str:
    if isinstance(error, OSError):
        return f'{error.filename}: {error.strerror}'
    if isinstance(error, UnicodeDecodeError):
        return 'a configuration file is no text in UTF-8'
    return str(error)
