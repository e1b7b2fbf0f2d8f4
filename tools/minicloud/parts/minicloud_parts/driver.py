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

"""A compute driver whose guests are files, and who tells the ledger.

The guests outlive a restart of nova-compute, and end with the boot of
their host: a guest counts as running only while the boot that started it
lasts. As with libvirt, its definition stays, shut off.

Environment: MINICLOUD_HOST (name of the host), MINICLOUD_FOLDER (its
folder), MINICLOUD_BOOT (id of this boot), MINICLOUD_LEDGER (file).
"""

import collections.abc
import json
import os
import pathlib
import time

from nova.compute import power_state
from nova.conf import CONF
from nova import exception
from nova.virt import fake

from hass_oracle import ledger


class Guest:
    """A defined guest; setting its state starts or stops it."""

    def __init__(self, guests, uuid, name):
        self._guests = guests
        self.uuid = uuid
        self.name = name

    @property
    def state(self):
        return self._guests.state(self.uuid)

    @state.setter
    def state(self, wanted):
        self._guests.set_state(self.uuid, self.name, wanted)


class Guests(collections.abc.MutableMapping):
    """All guests of the host: uuid -> Guest."""

    def __init__(self, folder, boot, host, book):
        self._folder = folder
        self._boot = boot
        self._host = host
        self._book = book
        folder.mkdir(parents=True, exist_ok=True)

    def __getitem__(self, uuid):
        return Guest(self, uuid, self._read(uuid)['name'])

    def __setitem__(self, uuid, guest):
        self.set_state(uuid, guest.name, guest.state)

    def __delitem__(self, uuid):
        self.set_state(uuid, self._read(uuid)['name'], power_state.SHUTDOWN)
        (self._folder / uuid).unlink()

    def __iter__(self):
        return iter(sorted(os.listdir(self._folder)))

    def __len__(self):
        return len(os.listdir(self._folder))

    def state(self, uuid):
        record = self._read(uuid)
        running = record['running'] and record['boot'] == self._boot
        return power_state.RUNNING if running else power_state.SHUTDOWN

    def set_state(self, uuid, name, wanted):
        running = wanted == power_state.RUNNING
        was = uuid in self and self.state(uuid) == power_state.RUNNING
        if running != was:
            kind = ledger.Kind.START if running else ledger.Kind.STOP
            self._book.append(kind, self._host, uuid, name)
        record = {'name': name, 'running': running, 'boot': self._boot}
        # Outside the folder, where every file is a guest.
        fresh = self._folder.with_name(f'{uuid}.new')
        fresh.write_text(json.dumps(record))
        fresh.rename(self._folder / uuid)

    def _read(self, uuid):
        try:
            return json.loads((self._folder / uuid).read_text())
        except FileNotFoundError:
            raise KeyError(uuid) from None


class LedgerDriver(fake.FakeDriverWithoutFakeNodes):
    """Nova's fake driver with guests that are real enough to run twice."""

    def __init__(self, virtapi, read_only=False):
        super().__init__(virtapi, read_only)
        self._folder = pathlib.Path(os.environ['MINICLOUD_FOLDER'])
        self.instances = Guests(
            self._folder / 'guests',
            os.environ['MINICLOUD_BOOT'],
            os.environ['MINICLOUD_HOST'],
            ledger.Ledger(os.environ['MINICLOUD_LEDGER']),
        )

    def spawn(self, context, instance, *args, **kwargs):
        """Start the guest, after the seconds that a file asks for."""
        self._refuse_second(instance)
        time.sleep(self._spawn_seconds())
        self._refuse_second(instance)
        super().spawn(context, instance, *args, **kwargs)

    def _refuse_second(self, instance):
        """A hypervisor does not start a guest that it runs already."""
        guest = self.instances.get(instance.uuid)
        if guest is not None and guest.state == power_state.RUNNING:
            raise exception.InstanceExists(name=instance.name)

    def _spawn_seconds(self):
        for folder in (self._folder, self._folder.parent):
            try:
                return float((folder / 'spawn_seconds').read_text())
            except FileNotFoundError:
                continue
        return 0

    def reboot(self, context, instance, *args, **kwargs):
        guest = self.instances.get(instance.uuid)
        if guest is not None:
            guest.state = power_state.SHUTDOWN
        super().reboot(context, instance, *args, **kwargs)

    # What ends a guest with libvirt ends it here: the ledger is to know.

    def suspend(self, context, instance):
        self.instances[instance.uuid].state = power_state.SHUTDOWN

    def resume(self, context, instance, *args, **kwargs):
        self.instances[instance.uuid].state = power_state.RUNNING

    def rescue(self, context, instance, *args, **kwargs):
        self.reboot(context, instance, None, 'HARD')

    def unrescue(self, context, instance):
        self.reboot(context, instance, None, 'HARD')

    def migrate_disk_and_power_off(self, context, instance, *args, **kwargs):
        self.instances[instance.uuid].state = power_state.SHUTDOWN

    def live_migration(
        self,
        context,
        instance,
        dest,
        post_method,
        recover_method,
        block_migration=False,
        migrate_data=None,
    ):
        """Leave this host; the other one starts the guest afterwards."""
        self.instances.pop(instance.uuid, None)
        post_method(context, instance, dest, block_migration, migrate_data)

    def get_host_ip_addr(self):
        return CONF.my_ip

    def instance_on_disk(self, instance):
        """All hosts share the disks: an evacuation keeps them."""
        return True
