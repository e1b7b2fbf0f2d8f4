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
"""What real guests need of the cloud; safe to repeat.

guests.py FOLDER PREFIX: the folder of the image's files, the first three
octets of the guests' network. A guest finds its address in the last octet of
its MAC address (see boot() of servers.py).
"""

import pathlib
import sys

import openstack

ACTIONS = ('none', 'pause', 'reset', 'poweroff')
COMMAND_LINE = 'console=ttyS0 quiet nokaslr mitigations=off no_timer_check'

folder, prefix = pathlib.Path(sys.argv[1]), sys.argv[2]
cloud = openstack.connect()


def upload(name, file, **properties):
    """The id of a public image."""
    found = cloud.image.find_image(name)
    if found is None:
        found = cloud.image.create_image(
            name=name,
            filename=str(folder / file),
            disk_format='raw',
            container_format='bare',
            visibility='public',
            **properties,
        )
    return found.id


upload(
    'guest',
    'disk',
    kernel_id=upload('guest-kernel', 'vmlinux'),
    ramdisk_id=upload('guest-initramfs', 'initramfs'),
    os_command_line=f'{COMMAND_LINE} net={prefix}',
    hw_machine_type='pc',
    hw_disk_bus='virtio',
    hw_vif_model='virtio',
    hw_qemu_guest_agent='yes',
)
for action in ACTIONS:
    if cloud.compute.find_flavor(f'guest-{action}') is None:
        flavor = cloud.compute.create_flavor(
            name=f'guest-{action}', vcpus=1, ram=128, disk=1
        )
        cloud.compute.create_flavor_extra_specs(
            flavor, {'hw:watchdog_action': action}
        )
if not list(cloud.network.networks(name='guests')):
    network = cloud.network.create_network(name='guests', shared=True)
    cloud.network.create_subnet(
        network_id=network.id,
        name='guests',
        ip_version=4,
        cidr=f'{prefix}.0/24',
        # The lab's own addresses lie below.
        allocation_pools=[{'start': f'{prefix}.201', 'end': f'{prefix}.254'}],
        gateway_ip=None,
        enable_dhcp=False,
    )
