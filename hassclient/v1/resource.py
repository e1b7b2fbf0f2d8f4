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

"""What all resources have in common."""

from openstack import resource

MAX_MICROVERSION = '1.7'
"""The newest that this client knows. An older server is spoken to in its
newest."""

SORTED = ('since', 'sort_key', 'sort_dir')
"""What all long lists take beside their filters."""


class Resource(resource.Resource):
    """Fields are named as in the API."""

    allow_list = True
    _max_microversion = MAX_MICROVERSION

    uuid = resource.Body('uuid', alternate_id=True)
