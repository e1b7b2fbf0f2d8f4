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

"""Fencing by the host's BMC: the hard power down, read back."""

from hass import bmc
from hass import clock as clock_
from hass import exception
from hass.fencing import base


class IpmiFencer(base.Fencer):
    """Switches the power of a host through IPMI."""

    def __init__(self, bmcs: bmc.Bmc) -> None:
        self._bmcs = bmcs

    def status(self, target: base.Target) -> base.PowerState:
        return self._bmcs.power(_address(target))

    def read(self, target: base.Target) -> base.Reading:
        return _reading(self._bmcs.identity(_address(target)))

    def read_marked(self, target: base.Target) -> base.Reading:
        return _reading(self._bmcs.marked(_address(target)))

    def off(self, target: base.Target, deadline: clock_.Deadline) -> None:
        self._bmcs.power_off(_address(target), deadline)

    def on(self, target: base.Target, deadline: clock_.Deadline) -> None:
        self._bmcs.power_on(_address(target), deadline)


def _reading(seen: bmc.Identity) -> base.Reading:
    return base.Reading(
        seen.power,
        seen.guid,
        seen.power_restore_policy,
        seen.asked_at,
        seen.mark,
        seen.mac,
    )


def _address(target: base.Target) -> bmc.Address:
    """:raises hass.exception.FencingFailed: nobody has set one"""
    if target.bmc is None:
        reason = 'no BMC is set for it'
        raise exception.FencingFailed(target.name, 'ipmi', reason)
    return target.bmc
