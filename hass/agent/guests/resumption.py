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

"""The order to let an instance go on that stands still for its storage."""

from hass.agent.guests import hypervisor
from hass.agent.instances import translation
from hass import exception
from hass.faults import Incident


class Resumer:
    """Resumes domains that an error of their storage has paused, no others.

    :param libvirt: a connection of its own, which may write
    """

    def __init__(self, libvirt: hypervisor.Libvirt) -> None:
        self._libvirt = libvirt

    def __call__(self, subject: str) -> str:
        """Let one go on; returns when libvirt has done so.

        :param subject: the instance's UUID
        :raises hass.exception.OrderRefused: it was left as it is
        """
        if self._libvirt.domains() is None:
            raise exception.OrderRefused(f'libvirt: {self._libvirt.trouble}')
        found = self._libvirt.domain(subject)
        if found is None:
            raise exception.OrderRefused('libvirt knows no such domain here')
        told = translation.found(found.state, found.reason)
        if told.incident is not Incident.PAUSED_BY_STORAGE:
            raise exception.OrderRefused(
                f'its state is {found.state}, for reason {found.reason}: '
                'it does not stand still for its storage'
            )
        why = self._libvirt.resume(subject)
        if why:
            raise exception.OrderRefused(f'libvirt: {why}')
        return 'libvirt lets it go on'
