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

"""/instances"""

from openstack import resource

from hassclient.v1 import resource as base


class Instance(base.Resource):
    """An instance, chosen to be protected or not."""

    base_path = '/instances'
    resources_key = 'instances'

    _query_mapping = resource.QueryParameters(
        *base.SORTED,
        'cluster',
        'host',
        'name',
        'project_id',
    )

    name = resource.Body('name')
    project_id = resource.Body('project_id')
    cluster = resource.Body('cluster')
    created_at = resource.Body('created_at')
    protected = resource.Body('protected')
    decided_by = resource.Body('decided_by')
    why = resource.Body('why')
    guest_layers = resource.Body('guest_layers')
    guest_layers_why = resource.Body('guest_layers_why')
    observations = resource.Body('observations')
