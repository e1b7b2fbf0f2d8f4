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

"""Everyday verbs on servers, as the cloud's administrator.

servers.py await-hosts HOST… | boot N [HOST [ACTION [ROOT]]] | list
           | delete-all | await-active UUID… | force-down HOST | unforce HOST
           | evacuate UUID…
"""

import concurrent.futures
import json
import sys

import openstack
from openstack import exceptions
from waiting import until

WORKERS = 8

cloud = openstack.connect(
    compute_api_version='2.94', compute_default_microversion='2.94'
)
compute = cloud.compute


def await_hosts(*hosts):
    """Wait until these compute services are up and may be scheduled to."""

    def up():
        services = compute.services(binary='nova-compute')
        # A new service counts as up for a while before its first report,
        # and may be down for a moment right before it.
        known = {
            each.host
            for each in services
            if each.state == 'up' and each.updated_at
        }
        # A host in no cell yet has a service, but no hypervisor.
        mapped = {each.name for each in compute.hypervisors()}
        return set(hosts) <= known & mapped

    until(up, f'nova-compute on {", ".join(hosts)}')


def servers():
    """All servers of all projects, as short dicts."""
    return [
        {
            'id': each.id,
            'name': each.name,
            'host': each.compute_host,
            'status': each.status,
            'task': each.task_state,
        }
        for each in compute.servers(all_projects=True)
    ]


def boot(count, host='', action='none', root='file'):
    """Boot servers; print their ids.

    Without a network, or, where there are real guests, each with a port and
    with that action of its watchdog and its disk in a file or on a volume.
    """
    real = cloud.image.find_image('guest')
    image = (real or cloud.image.find_image('blank')).id
    flavor = compute.find_flavor(f'guest-{action}' if real else 'tiny').id
    taken = {each['name'] for each in servers()}
    names = (f'vm{n}' for n in range(1, 10000))
    wanted = []
    while len(wanted) < int(count):
        if (name := next(names)) not in taken:
            wanted.append(name)

    disk = {'image_id': image}
    if root == 'volume':
        disk = {'block_device_mapping': [volume_of(image)]}

    def create(name):
        where = {'host': host} if host else {}
        return compute.create_server(
            name=name,
            flavor_id=flavor,
            **disk,
            networks=[{'port': port()}] if real else 'none',
            **where,
        ).id

    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        made = list(pool.map(create, wanted))
    await_active(*made)
    print('\n'.join(made))


def volume_of(image):
    """A disk that Cinder makes of an image and Nova deletes in the end."""
    return {
        'boot_index': 0,
        'source_type': 'image',
        'uuid': image,
        'destination_type': 'volume',
        'volume_size': 1,
        'delete_on_termination': True,
    }


def port():
    """A port whose MAC address tells the guest the end of its address."""
    network = cloud.network.find_network('guests').id
    made = cloud.network.create_port(network_id=network, name='guest')
    octet = int(made.fixed_ips[0]['ip_address'].rpartition('.')[2])
    mac = f'fa:16:3e:00:00:{octet:02x}'
    return cloud.network.update_port(made, mac_address=mac).id


def await_active(*ids):
    """Wait until these servers are ACTIVE and at rest."""

    def active():
        mine = [each for each in servers() if each['id'] in ids]
        if failed := [each for each in mine if each['status'] == 'ERROR']:
            sys.exit(f'in ERROR: {json.dumps(failed)}')
        return len(mine) == len(ids) and all(
            each['status'] == 'ACTIVE' and each['task'] is None
            for each in mine
        )

    until(active, f'{len(ids)} servers to be ACTIVE')


def show():
    """Print all servers as JSON."""
    print(json.dumps(servers(), indent=1))


def delete_all():
    """Delete every server of every project."""
    for each in servers():
        compute.delete_server(each['id'], ignore_missing=True)
    until(lambda: not servers(), 'the last server to go')
    # Nova leaves ports alone that it has not made.
    for each in cloud.network.ports(name='guest'):
        cloud.network.delete_port(each)


def service_of(host):
    return next(compute.services(binary='nova-compute', host=host))


def force_down(host):
    """Assert that a host is fenced."""
    compute.update_service_forced_down(service_of(host), forced=True)


def unforce(host):
    """Take that back; refused until its evacuations are cleaned up."""

    def taken_back():
        try:
            compute.update_service_forced_down(service_of(host), forced=False)
        except exceptions.BadRequestException:
            return False
        return True

    until(taken_back, f'Nova to take {host} back')


def evacuate(*ids):
    """Evacuate servers in parallel; wait until they are ACTIVE."""
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(compute.evacuate_server, ids))
    await_active(*ids)


VERBS = {
    'await-hosts': await_hosts,
    'boot': boot,
    'list': show,
    'delete-all': delete_all,
    'await-active': await_active,
    'force-down': force_down,
    'unforce': unforce,
    'evacuate': evacuate,
}

if __name__ == '__main__':
    VERBS[sys.argv[1]](*sys.argv[2:])
