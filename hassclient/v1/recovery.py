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

"""/recoveries"""

from openstack import resource

from hassclient.v1 import resource as base


class Recovery(base.Resource):
    """The recovery of one host or instance."""

    base_path = '/recoveries'
    resources_key = 'recoveries'

    _query_mapping = resource.QueryParameters(
        *base.SORTED,
        'cluster',
        'host',
        'open',
        'state',
        'subject',
        'workflow',
    )

    workflow = resource.Body('workflow')
    subject = resource.Body('subject')
    cluster = resource.Body('cluster')
    state = resource.Body('state')
    state_since = resource.Body('state_since')
    why = resource.Body('why')
    attempt = resource.Body('attempt')
    held_kind = resource.Body('held_kind')
    goes_on_when = resource.Body('goes_on_when')
    looked_at = resource.Body('looked_at')
    wish = resource.Body('wish')
    opened_at = resource.Body('opened_at')
    turned_at = resource.Body('turned_at')
    deadline_at = resource.Body('deadline_at')
    ended_at = resource.Body('ended_at')
    acknowledged_at = resource.Body('acknowledged_at')
    claimed_by = resource.Body('claimed_by')
    fault = resource.Body('fault')
    history = resource.Body('history')
    evacuations = resource.Body('evacuations')
