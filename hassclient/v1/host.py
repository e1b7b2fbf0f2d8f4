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

"""/hosts"""

from openstack import resource

from hassclient.v1 import resource as base


class Host(base.Resource):
    """A compute host of a cluster."""

    base_path = '/hosts'
    resources_key = 'hosts'

    _query_mapping = resource.QueryParameters(*base.SORTED)

    name = resource.Body('name')
    cluster = resource.Body('cluster')
    labels = resource.Body('labels')
    addresses = resource.Body('addresses')
    bmc = resource.Body('bmc')
    fence = resource.Body('fence')
    watched_sensors = resource.Body('watched_sensors')
    system_uuid = resource.Body('system_uuid')
    boot_id = resource.Body('boot_id')
    resume_guests = resource.Body('resume_guests')
    reported_at = resource.Body('reported_at')
    planned_until = resource.Body('planned_until')
    availability_zone = resource.Body('availability_zone')
    aggregates = resource.Body('aggregates')
    maintenance_until = resource.Body('maintenance_until')
    maintenance_why = resource.Body('maintenance_why')
    protected = resource.Body('protected')
    unprotected_why = resource.Body('unprotected_why')
    agent_key_rotated_at = resource.Body('agent_key_rotated_at')
    created_at = resource.Body('created_at')
    warnings = resource.Body('warnings')
    agent_key = resource.Body('agent_key')
