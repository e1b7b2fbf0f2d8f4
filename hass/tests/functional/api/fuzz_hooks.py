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

"""What schemathesis is told of HASS that a schema cannot say.

It loads this file by itself: see test_fuzz.py.
"""

from typing import Any

import schemathesis

SEMANTIC = {
    'marker': ('no entry has',),
    'hosts': ('is given more than once',),
    'isolation': ('cannot be both lost and alive',),
    # No pattern that all dialects know tells which letters show.
    'name': ('visible characters',),
    'host': ('is in no cluster', 'there is no host'),
    'cluster': ('there is no cluster',),
    'generated_at': ('allowed: 20',),
    'subject': ('contradicts host',),
    # In the payload of a notification, which may hold anything else.
    'body': ('holds a NUL character',),
}
"""Fields of requests that are as their schema says and mean nothing, with
words of the sentence that refuses them."""


@schemathesis.hook
def filter_failure(
    context: Any, failure: Any, case: Any, response: Any
) -> bool:
    """Whether valid data were refused without such a reason, or worse."""
    kind = type(failure).__name__
    if kind == 'UseAfterFree':
        # An instance outlives its protection, which is what was deleted.
        return not case.operation.path.startswith('/v1/instances/')
    if kind != 'RejectedPositiveData':
        return True
    if response.status_code != 400:
        return True
    error = response.json()['error']
    # The description is that of the newest version.
    if 'is new in version' in error['message']:
        return False
    sentences = SEMANTIC.get(error.get('field', '').partition('.')[0], ())
    return not any(one in error['message'] for one in sentences)
