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

"""How the simulated Nova writes its rows as JSON (views of microversion)."""

import datetime
from typing import Any

from hass.simulation import nova_rows as rows

JSON = dict[str, Any]
RESERVED = {'MEMORY_MB': 512}


def _moment(moment: datetime.datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def service(compute: rows.Compute, up: bool) -> JSON:
    """At 2.69 or later: the id is a UUID, and a down cell is told."""
    if compute.in_down_cell:
        return {
            'binary': 'nova-compute',
            'host': compute.host.name,
            'status': 'UNKNOWN',
        }
    return {
        'id': compute.uuid,
        'binary': 'nova-compute',
        'host': compute.host.name,
        'zone': compute.zone,
        'status': 'disabled' if compute.disabled else 'enabled',
        'state': 'up' if up else 'down',
        'updated_at': _moment(compute.updated_at),
        'disabled_reason': compute.disabled_reason,
        'forced_down': compute.forced_down,
    }


def daemon(row: rows.Daemon) -> JSON:
    """Only what differs from a nova-compute is of interest."""
    return {
        'binary': row.binary,
        'host': row.host,
        'state': 'up' if row.up else 'down',
        'status': 'enabled',
        'zone': 'internal',
    }


def hypervisor(compute: rows.Compute) -> JSON:
    """At 2.53 or later: the id is that of the resource provider."""
    return {
        'id': compute.provider.uuid,
        'hypervisor_hostname': compute.host.name,
        'service': {'id': compute.uuid, 'host': compute.host.name},
    }


def traits(provider: rows.Provider) -> JSON:
    """As Placement shows them."""
    return {
        'traits': sorted(provider.traits),
        'resource_provider_generation': provider.generation,
    }


def inventories(provider: rows.Provider) -> JSON:
    """As Placement shows them; of memory some is the host's own."""
    return {
        'inventories': {
            name: {
                'total': number + RESERVED.get(name, 0),
                'reserved': RESERVED.get(name, 0),
            }
            for name, number in provider.inventory.items()
        },
        'resource_provider_generation': provider.generation,
    }


def network_agent(host: str, agent: rows.NetworkAgent, *, alive: bool) -> JSON:
    """As Neutron shows it."""
    return {
        'agent_type': agent.type,
        'host': host,
        'alive': alive,
        'admin_state_up': True,
        'heartbeat_timestamp': str(agent.heard_at),
    }


_STATUS = {
    'active': 'ACTIVE',
    'stopped': 'SHUTOFF',
    'error': 'ERROR',
    'deleted': 'DELETED',
    'paused': 'PAUSED',
    'suspended': 'SUSPENDED',
    'resized': 'VERIFY_RESIZE',
    'rescued': 'RESCUE',
    'shelved_offloaded': 'SHELVED_OFFLOADED',
    'building': 'BUILD',
}


def server(row: rows.Server) -> JSON:
    """What an administrator sees at 2.73."""
    status = _STATUS.get(row.vm_state, 'UNKNOWN')
    if (row.task_state or '').startswith('rebuild'):
        status = 'REBUILD'
    return {
        'id': row.uuid,
        'name': row.name,
        'tenant_id': row.project_id,
        'status': status,
        'OS-EXT-SRV-ATTR:host': row.host,
        'OS-EXT-SRV-ATTR:hypervisor_hostname': row.host,
        'OS-EXT-STS:vm_state': row.vm_state,
        'OS-EXT-STS:task_state': row.task_state,
        'OS-EXT-STS:power_state': row.power_state,
        'OS-SRV-USG:launched_at': _moment(row.launched_at),
        'image': {'id': 'image'} if row.image_backed else '',
        'flavor': _flavor(row),
        'locked': row.locked,
        'locked_reason': row.locked_reason,
        'created': f'{_moment(row.created_at)}Z',
        'updated': f'{_moment(row.updated_at)}Z',
        'metadata': dict(row.metadata),
        'addresses': {},
        'os-extended-volumes:volumes_attached': (
            [{'id': f'volume-of-{row.uuid}', 'delete_on_termination': True}]
            if row.has_volumes
            else []
        ),
    } | _fault(row)


def _fault(row: rows.Server) -> JSON:
    if row.vm_state != 'error' or not row.fault:
        return {}
    return {'fault': {'code': 500, 'message': row.fault}}


def _flavor(row: rows.Server) -> JSON:
    """At 2.47 or later: as it was when the server was made."""
    return {
        'original_name': 'demo',
        'vcpus': 1,
        'ram': 512,
        'disk': 1 if row.image_backed else 0,
        'ephemeral': row.ephemeral_gb,
        'swap': 0,
        'extra_specs': {},
    }


def migration(row: rows.Migration) -> JSON:
    """At 2.59 or later: with its uuid."""
    return {
        'uuid': row.uuid,
        'id': row.id,
        'instance_uuid': row.instance_uuid,
        'migration_type': row.type,
        'status': row.status,
        'source_compute': row.source,
        'source_node': row.source,
        'dest_compute': row.destination,
        'dest_node': row.destination_node,
        'dest_host': None,
        'created_at': _moment(row.created_at),
        'updated_at': _moment(row.updated_at),
        'new_instance_type_id': None,
        'old_instance_type_id': None,
    }


def action(row: rows.Action) -> JSON:
    """At 2.58 or later."""
    return {
        'action': row.name,
        'instance_uuid': row.instance_uuid,
        'request_id': row.request_id,
        'start_time': _moment(row.started_at),
        'updated_at': _moment(row.updated_at),
        'message': 'Error' if row.failed else None,
        'project_id': row.user_id and 'demo',
        'user_id': row.user_id,
    }


def port(row: rows.Server) -> JSON:
    """The one port of a server, at 2.70 or later."""
    return {
        'net_id': 'network',
        'port_id': f'port-of-{row.uuid}',
        'mac_addr': 'fa:16:3e:00:00:01',
        'port_state': row.port_state,
        'fixed_ips': [],
        'tag': None,
    }
