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

"""Waiting for the cloud."""

import sys
import time

from keystoneauth1.exceptions import ClientException
from openstack.exceptions import SDKException

LIMIT_SECONDS = 240


def until(true, what):
    """Wait for a condition, or leave with a sentence.

    What a service that has just started answers with an error, or not at
    all, is asked again.
    """
    deadline = time.monotonic() + LIMIT_SECONDS
    while True:
        why = ''
        try:
            if true():
                return
        except (ClientException, SDKException) as error:
            why = f': {error}'
        if time.monotonic() > deadline:
            sys.exit(f'waited {LIMIT_SECONDS} s for {what}{why}')
        time.sleep(0.3)
