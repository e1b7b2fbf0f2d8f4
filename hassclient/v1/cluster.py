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

"""/clusters"""

from openstack import resource

from hassclient.v1 import resource as base


class Cluster(base.Resource):
    """Hosts that may take over from each other."""

    base_path = '/clusters'
    resources_key = 'clusters'

    _query_mapping = resource.QueryParameters(
        *base.SORTED,
        'name',
        'mode',
    )

    name = resource.Body('name')
    mode = resource.Body('mode')
    layers = resource.Body('layers')
    shared_storage = resource.Body('shared_storage')
    targets = resource.Body('targets')
    protects = resource.Body('protects')
    isolation = resource.Body('isolation')
    maintenance_until = resource.Body('maintenance_until')
    maintenance_why = resource.Body('maintenance_why')
    created_at = resource.Body('created_at')
    updated_at = resource.Body('updated_at')
    hosts = resource.Body('hosts')
