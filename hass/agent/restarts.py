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

"""Restarts the services of this host that HASS watches, and no others."""

from collections.abc import Mapping

from hass.detection import systemd
from hass import exception


class Restarter:
    """Restarts units through systemd; none that somebody has stopped.

    A unit that has failed too often is started all the same: who ordered
    this counts for himself.

    :param units: the side path that a unit serves, to the unit
    """

    def __init__(
        self, units: Mapping[str, str], manager: systemd.Manager
    ) -> None:
        self._units = dict(units)
        self._manager = manager

    def __call__(self, subject: str) -> str:
        """Restart one; returns when systemd has taken that on.

        :raises hass.exception.OrderRefused: it was not
        """
        unit = self._units.get(subject)
        if unit is None:
            raise exception.OrderRefused(
                f'only {" and ".join(sorted(self._units))} can be restarted'
            )
        try:
            return self._restart(unit)
        except systemd.ERRORS as error:
            raise exception.OrderRefused(
                f'D-Bus: {type(error).__name__}: {error}'
            ) from None

    def _restart(self, unit: str) -> str:
        state = self._manager.state(unit)
        if state is None:
            raise exception.OrderRefused(f'systemd knows no state of {unit}')
        if not (state.is_up or state.is_failed):
            raise exception.OrderRefused(f'{state}: it is left alone')
        # Else one that has reached its limit of starts is not started.
        self._manager.call('ResetFailedUnit', 's', (unit,))
        reply = self._manager.call('RestartUnit', 'ss', (unit, 'replace'))
        if not systemd.answered(reply):
            told = ' '.join(str(one) for one in reply.body)
            raise exception.OrderRefused(f'systemd: {told}')
        return f'{state}; systemd restarts it'
