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

"""Tries the fence of a host without touching its power."""

from collections.abc import Callable

from hass import bmc
from hass.db import hosts
from hass.db import models
from hass.db import session as db_session
from hass import exception
from hass.fencing import base as fencing

AddressOf = Callable[[models.Host], bmc.Address | None]
Outcome = dict[str, str | None]


class Fences:
    """Reads power, identity and sensors of hosts' BMCs."""

    def __init__(
        self,
        database: db_session.Database,
        fencer: fencing.Fencer,
        bmcs: bmc.Bmc,
        address_of: AddressOf,
    ) -> None:
        self._database = database
        self._fencer = fencer
        self._bmcs = bmcs
        self._address_of = address_of

    def test(self, name: str) -> Outcome:
        """Try a host's fence and write down what came of it.

        :returns: state (working, broken or lying), why, guid and
            power_restore_policy
        """
        try:
            with self._database.reader() as session:
                host = hosts.get(session, name)
            outcome = self._try(host)
        except exception.NotFound as error:
            return _broken(str(error))
        except exception.HassError as error:
            outcome = _broken(str(error))
        with self._database.writer() as session:
            hosts.set_fence(
                session,
                name,
                models.FenceState(outcome['state'] or ''),
                outcome['why'] or '',
                outcome['guid'],
                outcome['power_restore_policy'],
            )
        return outcome

    def ailing(self, host: models.Host) -> list[str]:
        """Names of the sensors that do not read healthy."""
        address = self._address_of(host)
        if address is None:
            return []
        return [
            reading.name
            for reading in self._bmcs.sensors(address)
            if reading.health not in {'ok', 'unknown'}
        ]

    def _try(self, host: models.Host) -> Outcome:
        address = self._address_of(host)
        if address is None:
            return _broken('no BMC is set for it')
        target = fencing.Target(host.name, address, host.boot_id)
        state = self._fencer.status(target)
        identity = self._bmcs.identity(address)
        guid = str(identity.guid)
        outcome: Outcome = {
            'state': 'working',
            'why': f'the BMC reads power {state}',
            'guid': guid,
            'power_restore_policy': identity.power_restore_policy,
        }
        if state is fencing.PowerState.UNKNOWN:
            return outcome | {
                'state': 'broken',
                'why': 'the BMC does not tell the power state',
            }
        lying = host.fence_state is models.FenceState.LYING
        if lying and state is fencing.PowerState.OFF:
            return outcome | {
                'state': models.FenceState.LYING,
                'why': host.fence_why,
            }
        if host.system_uuid and not bmc.same_guid(guid, host.system_uuid):
            return outcome | {
                'state': 'broken',
                'why': f'the BMC is the one of system {guid}, the host says '
                f'that it is {host.system_uuid}',
            }
        return outcome


def _broken(why: str) -> Outcome:
    return {
        'state': 'broken',
        'why': why,
        'guid': None,
        'power_restore_policy': None,
    }
