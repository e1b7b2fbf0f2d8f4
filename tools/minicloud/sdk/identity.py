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

"""Users, roles, services and endpoints, made once; safe to repeat.

identity.py PASSWORD
"""

import sys

import openstack
from openstack.connection import Connection

CONTROLLER = 'http://192.0.2.1'
SERVICES = (
    # user, type, url
    ('placement', 'placement', f'{CONTROLLER}:8778'),
    ('cinder', 'block-storage', f'{CONTROLLER}:8776/v3'),
    ('glance', 'image', f'{CONTROLLER}:9292'),
    ('neutron', 'network', f'{CONTROLLER}:9696'),
    ('nova', 'compute', f'{CONTROLLER}:8774/v2.1'),
    ('hass', 'hass', f'{CONTROLLER}:15868/v1'),
)


def create_service(
    cloud: Connection, password: str, name: str, kind: str, url: str
) -> None:
    """Make the user with its roles, the service and its endpoints."""
    identity = cloud.identity
    domain = identity.find_domain('Default')
    project = identity.find_project('service') or identity.create_project(
        name='service', domain_id=domain.id
    )
    user = identity.find_user(name) or identity.create_user(
        name=name, password=password, domain_id=domain.id
    )
    for role in ('admin', 'service'):
        found = identity.find_role(role) or identity.create_role(name=role)
        identity.assign_project_role_to_user(project, user, found)
    service = identity.find_service(name) or identity.create_service(
        name=name, type=kind
    )
    endpoints = identity.endpoints(service_id=service.id)
    made = {each.interface for each in endpoints}
    for interface in {'public', 'internal', 'admin'} - made:
        identity.create_endpoint(
            service_id=service.id,
            interface=interface,
            region_id='RegionOne',
            url=url,
        )


def create_member(cloud: Connection, password: str) -> None:
    """An ordinary user of an ordinary project: demo."""
    identity = cloud.identity
    domain = identity.find_domain('Default')
    project = identity.find_project('demo') or identity.create_project(
        name='demo', domain_id=domain.id
    )
    user = identity.find_user('demo') or identity.create_user(
        name='demo', password=password, domain_id=domain.id
    )
    role = identity.find_role('member')
    identity.assign_project_role_to_user(project, user, role)


if __name__ == '__main__':
    connection = openstack.connect()
    for service in SERVICES:
        create_service(connection, sys.argv[1], *service)
    create_member(connection, sys.argv[1])
