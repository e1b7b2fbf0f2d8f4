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

"""What options mean together, and what of them will not do."""

from collections.abc import Iterable

from oslo_config import cfg
from oslo_policy import policy as oslo_policy

from hass.bmc import credentials
from hass.conf import protection
from hass.db import session as db_session
from hass.diagnosis import quality
from hass import exception
from hass import policy
from hass.rpc import transport

MAX_PORT = 65535


def wish(conf: cfg.ConfigOpts) -> quality.Wish:
    """What the operator wants of detection.

    :raises hass.exception.ConfigError: it contradicts itself
    """
    try:
        return quality.Wish(
            target_seconds=conf.detection.target_seconds,
            false_alarms_per_host_year=(
                conf.detection.false_alarms_per_host_year
            ),
            probes_per_host_hour=conf.detection.probes_per_host_hour,
            longest_seconds=conf.detection.longest_seconds,
        )
    except ValueError as error:
        raise exception.ConfigError('[detection]', str(error)) from None


def addresses(texts: Iterable[str], option: str) -> list[tuple[str, int]]:
    """Host and port of each.

    :raises hass.exception.ConfigError: a port is none
    """
    return [_address(text, option) for text in texts]


def _address(text: str, option: str) -> tuple[str, int]:
    host, _, port = text.rpartition(':')
    if int(port) > MAX_PORT:
        raise exception.ConfigError(
            option, f'{text}: the port must be {MAX_PORT} or less'
        )
    return host.strip('[]'), int(port)


def complaints(conf: cfg.ConfigOpts) -> list[str]:
    """What works and is not what an installation should have.

    :raises hass.exception.ConfigError: what does not work
    """
    wish(conf)
    addresses(conf.engine.listen, '[engine] listen')
    addresses(conf.detection.kdump_listen, '[detection] kdump_listen')
    credentials.read(conf.bmc.credentials_file)
    protection.rule(conf)
    transport.connect(conf).cleanup()
    found = _complaints_of_policy(conf)
    if db_session.check_url(conf).drivername == 'sqlite':
        found.append(
            '[database] connection: SQLite is for one machine alone; engines '
            'and API nodes on others do not share it'
        )
    if conf.api.auth_strategy == 'noauth':
        found.append(
            '[api] auth_strategy: with noauth everybody on this machine is '
            'an operator'
        )
    return found


def _complaints_of_policy(conf: cfg.ConfigOpts) -> list[str]:
    """A rule with a name that nobody asks for guards nothing.

    :raises hass.exception.ConfigError: the file cannot be used
    """
    enforcer = policy.make_enforcer(conf)
    option = '[oslo_policy] policy_file'
    try:
        enforcer.load_rules()
        sound = enforcer.check_rules()
    except (oslo_policy.InvalidContextObject, ValueError, OSError) as error:
        raise exception.ConfigError(option, str(error)) from None
    found = [
        f'{option}: {name} is no rule of HASS'
        for name in sorted(set(enforcer.file_rules))
        if name.startswith('ha:') and name not in enforcer.registered_rules
    ]
    if not sound:
        found.append(f'{option}: a rule refers to one that there is not')
    return found
