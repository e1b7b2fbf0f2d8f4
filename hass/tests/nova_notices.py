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

"""Payloads of Nova's versioned notifications."""

from typing import Any

UUID = '178b0921-8f85-4257-88b6-2e743b5a975c'


def payload(
    uuid: object = UUID, name: object = 'vm', host: object = 'compute-1'
) -> dict[str, Any]:
    """InstanceActionPayload 1.9 of Nova 34.0.0 (2026.2), all of it."""
    return {
        'nova_object.name': 'InstanceActionPayload',
        'nova_object.namespace': 'nova',
        'nova_object.version': '1.9',
        'nova_object.data': {
            'fault': None,
            'request_id': 'req-344a6880-eba6-4dfd-bacc-a74a89616d6e',
            'uuid': uuid,
            'user_id': 'fake-user',
            'tenant_id': 'fake-project',
            'reservation_id': None,
            'display_name': name,
            'display_description': None,
            'host_name': None,
            'host': host,
            'node': host,
            'os_type': None,
            'architecture': None,
            'availability_zone': None,
            'flavor': {
                'nova_object.name': 'FlavorPayload',
                'nova_object.namespace': 'nova',
                'nova_object.version': '1.4',
                'nova_object.data': {'name': 'test_flavor', 'vcpus': 1},
            },
            'image_uuid': None,
            'key_name': None,
            'kernel_id': None,
            'ramdisk_id': None,
            'created_at': '2030-01-01T00:00:00Z',
            'launched_at': None,
            'terminated_at': None,
            'deleted_at': None,
            'updated_at': None,
            'state': 'active',
            'power_state': None,
            'task_state': None,
            'progress': None,
            'ip_addresses': [],
            'block_devices': [],
            'metadata': {},
            'locked': False,
            'auto_disk_config': 'MANUAL',
            'action_initiator_user': 'fake-user',
            'action_initiator_project': 'fake-project',
            'locked_reason': None,
            'shares': [],
        },
    }


def update(old_name: str | None = None, **changes: object) -> dict[str, Any]:
    """InstanceUpdatePayload 2.1 of the same Nova."""
    body = payload(**changes)
    del body['nova_object.data']['fault']
    body['nova_object.data'] |= {
        'state_update': {
            'nova_object.name': 'InstanceStateUpdatePayload',
            'nova_object.namespace': 'nova',
            'nova_object.version': '1.0',
            'nova_object.data': {'old_state': 'active', 'state': 'active'},
        },
        'old_display_name': old_name,
        'tags': [],
    }
    return body | {
        'nova_object.name': 'InstanceUpdatePayload',
        'nova_object.version': '2.1',
    }
