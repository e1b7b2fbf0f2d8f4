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


"""What libvirt's state of a domain says of the instance. Pure."""

from hass.agent.guests import hypervisor
from hass.agent.instances import roster
from hass.agent.instances import translation
from hass.faults import Incident
from hass.faults import Verdict

RUNNING = frozenset({translation.State.RUNNING, translation.State.BLOCKED})
ARRIVING = frozenset({2, 11})
"""Why it is paused: a migration, or its process is only being started."""
FAULTS = frozenset(
    {
        Incident.KILLED,
        Incident.CRASHED,
        Incident.PANICKED,
        Incident.PAUSED_BY_STORAGE,
        Incident.WATCHDOG_PAUSE,
    }
)


def runs(domain: hypervisor.Domain) -> bool:
    """Whether its guest may answer."""
    return domain.state in RUNNING


def arrives(domain: hypervisor.Domain) -> bool:
    """Whether another host may have more to tell of it, or soon this one."""
    is_paused = domain.state == translation.State.PAUSED
    return is_paused and domain.reason in ARRIVING


def judge(domain: hypervisor.Domain) -> tuple[Verdict, str]:
    """Failed is what stopped by a fault; what was asked for is unknown."""
    if runs(domain):
        return Verdict.HEALTHY, 'it runs'
    change = translation.found(domain.state, domain.reason)
    is_off = domain.state == translation.State.SHUTOFF
    is_new = is_off and domain.reason in roster.UNTOLD
    if change.incident in FAULTS and not is_new:
        told = ': '.join(filter(None, (change.incident, change.detail)))
        return Verdict.FAILED, told
    return Verdict.UNKNOWN, (
        f'libvirt: state {domain.state}, reason {domain.reason}'
    )
