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

"""Call hass-api with a token: rest.py METHOD PATH, the body on stdin.

It speaks the newest version. The body is JSON, null for none. Prints the
answer's body; an error's goes to stderr with its status, and the exit code
is 1.
"""

import json
import sys

import openstack

method, path = sys.argv[1:]
body = json.load(sys.stdin)
answer = openstack.connect().session.request(
    path,
    method,
    json=body,
    headers={'OpenStack-API-Version': 'hass latest'},
    endpoint_filter={'service_type': 'hass', 'interface': 'public'},
    endpoint_override='http://192.0.2.1:15868',
    raise_exc=False,
)
if answer.status_code >= 400:
    sys.exit(f'{answer.status_code} {answer.text}')
print(answer.text, end='')
