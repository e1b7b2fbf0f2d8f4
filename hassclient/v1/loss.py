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

"""/losses"""

from openstack import resource

from hassclient.v1 import resource as base


class Loss(base.Resource):
    """An instance that should run and does not."""

    base_path = '/losses'
    resources_key = 'losses'

    _query_mapping = resource.QueryParameters(
        *base.SORTED,
        'host',
        'instance',
        'open',
        'project_id',
        'recovery',
    )

    instance = resource.Body('instance')
    instance_name = resource.Body('instance_name')
    project_id = resource.Body('project_id')
    host = resource.Body('host')
    recovery = resource.Body('recovery')
    why = resource.Body('why')
    since = resource.Body('since')
    acknowledged_at = resource.Body('acknowledged_at')
    ended_at = resource.Body('ended_at')
    ended_how = resource.Body('ended_how')
    ended_why = resource.Body('ended_why')
