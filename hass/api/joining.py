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

"""Hosts join a cluster: asked of Nova, given a key, their fence tried."""

from collections.abc import Mapping, Sequence
import secrets
from typing import Any

from sqlalchemy import orm

from hass.api import parts as api_parts
from hass.db import hosts
from hass.db import models
from hass import exception

KEY_BYTES = 32
Wanted = Sequence[Mapping[str, Any]]


class Joining:
    """What adding one host and creating a cluster with many share."""

    def __init__(self, parts: api_parts.Parts) -> None:
        self._parts = parts

    def admit(self, wanted: Wanted) -> None:
        """See that Nova knows each host and believes it up.

        :raises hass.exception.Invalid: a host is named twice
        :raises hass.exception.Conflict: it cannot be added now
        :raises hass.exception.NovaError: Nova does not say
        """
        names = [host['name'] for host in wanted]
        for number, name in enumerate(names):
            if name in names[:number]:
                raise exception.Invalid(
                    f'hosts.{number}.name', f'{name} is given more than once'
                )
        if not names:
            return
        known = {one.host: one for one in self._parts.compute.services()}
        for name in names:
            if name not in known:
                raise exception.Conflict(
                    f'host {name} is not known to Nova: no nova-compute '
                    'service has this name'
                )
            if known[name].state != 'up' or known[name].forced_down:
                raise exception.Conflict(
                    f'host {name} is down in Nova: a host must be up when it '
                    'is added'
                )

    def issue_keys(self, wanted: Wanted) -> dict[str, str]:
        """A fresh key for the agent of each host, by its name."""
        return {host['name']: new_key() for host in wanted}

    def add(
        self,
        session: orm.Session,
        cluster: models.Cluster,
        wanted: Wanted,
        keys: Mapping[str, str],
    ) -> None:
        """Write the rows.

        :raises hass.exception.Conflict: one is in a cluster already
        """
        for host in wanted:
            changes = self.changes(host)
            key = self._parts.keyring.encrypt(keys[host['name']])
            hosts.add(session, cluster, host['name'], agent_key=key, **changes)

    def changes(self, body: Mapping[str, Any]) -> hosts.Changes:
        """The columns that a body asks to set; a password is encrypted."""
        changes = hosts.Changes()
        if 'labels' in body:
            changes['labels'] = body['labels']
        if 'addresses' in body:
            changes['addresses'] = body['addresses']
        if 'watched_sensors' in body:
            changes['watched_sensors'] = body['watched_sensors']
        if 'bmc' not in body:
            return changes
        if body['bmc'] is None:
            changes['bmc_address'] = changes['bmc_username'] = None
            changes['bmc_password'] = None
            return changes
        bmc = body['bmc']
        if 'address' in bmc:
            changes['bmc_address'] = bmc['address']
        if 'port' in bmc:
            changes['bmc_port'] = bmc['port']
        if 'username' in bmc:
            changes['bmc_username'] = bmc['username']
        if 'password' in bmc:
            changes['bmc_password'] = self._parts.keyring.encrypt(
                bmc['password']
            )
        return changes

    def try_fences(self, names: Sequence[str]) -> dict[str, str]:
        """After COMMIT: let the engines try; returns what did not happen."""
        return self._parts.engines.test_fences(names)


def new_key() -> str:
    """What the agent signs with: 64 hexadecimal digits."""
    return secrets.token_hex(KEY_BYTES)
