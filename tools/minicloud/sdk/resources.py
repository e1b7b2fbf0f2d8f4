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

"""The image, the flavour and the network; safe to repeat."""

import openstack

cloud = openstack.connect()
# Neutron answers 500 to GET /ports until it has been asked for networks.
if not list(cloud.network.networks(name='lab')):
    network = cloud.network.create_network(name='lab', shared=True)
    cloud.network.create_subnet(
        network_id=network.id,
        name='lab',
        ip_version=4,
        cidr='10.77.0.0/16',
        gateway_ip=None,
        enable_dhcp=False,
    )
list(cloud.network.ports())
if cloud.compute.find_flavor('tiny') is None:
    cloud.compute.create_flavor(name='tiny', vcpus=1, ram=64, disk=1)
if cloud.image.find_image('blank') is None:
    cloud.image.create_image(
        name='blank',
        data=bytes(1024),
        disk_format='raw',
        container_format='bare',
        visibility='public',
    )
