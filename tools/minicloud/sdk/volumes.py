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
"""Wait until volumes can be made: volumes.py DAEMON…"""

import sys

import openstack
from waiting import until

# What a scheduler is asked before it listens is lost: Cinder would wait for
# its answer for a minute, and then tell of an error of its own.
ANSWER_SECONDS = 10

storage = openstack.connect(api_timeout=ANSWER_SECONDS).block_storage


def up():
    """Whether all daemons are, and the scheduler knows where to make them."""
    found = {each.binary for each in storage.services() if each.state == 'up'}
    return {*sys.argv[1:]} <= found and list(storage.backend_pools())


until(up, f'{", ".join(sys.argv[1:])} and a pool')
