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

"""/hosts/{host}/protection and /clusters/{cluster}/protection"""

from openstack import resource

from hassclient.v1 import resource as base


class Protection(base.Resource):
    """A host, with what would become of the instances on it."""

    base_path = '/hosts'
    resources_key = 'hosts'

    _query_mapping = resource.QueryParameters(*base.SORTED)

    name = resource.Body('name')
    protected = resource.Body('protected')
    unprotected_why = resource.Body('unprotected_why')
    instances = resource.Body('instances')
