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

"""/notifications"""

from openstack import resource

from hassclient.v1 import resource as base


class Notification(base.Resource):
    """A fault as somebody alleges it."""

    base_path = '/notifications'
    resources_key = 'notifications'

    _query_mapping = resource.QueryParameters(
        *base.SORTED,
        'host',
        'state',
        'source',
    )

    source = resource.Body('source')
    host = resource.Body('host')
    layer = resource.Body('layer')
    payload = resource.Body('payload')
    generated_at = resource.Body('generated_at')
    received_at = resource.Body('received_at')
    state = resource.Body('state')
    why = resource.Body('why')
