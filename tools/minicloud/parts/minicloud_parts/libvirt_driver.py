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
"""Nova's libvirt driver, for guests that have a panic device.

Nova 34 gives none to its guests; without one, libvirt does not hear that a
guest's kernel panicked.
"""

from nova.virt.libvirt import config
from nova.virt.libvirt import driver


class Panic(config.LibvirtConfigGuestDevice):
    """A pvpanic device."""

    def __init__(self):
        super().__init__(root_name='panic')

    def format_dom(self):
        device = super().format_dom()
        device.set('model', 'isa')
        return device


class GuestDriver(driver.LibvirtDriver):
    """Nova's own, but for the panic device."""

    def _get_guest_config(self, *args, **kwargs):
        guest = super()._get_guest_config(*args, **kwargs)
        guest.add_device(Panic())
        return guest
