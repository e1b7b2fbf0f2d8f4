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

"""The names of a recovery's states, and of the workflows of the house.

Rows of the database hold these words, and the API shows them.
"""

import enum


class State(enum.StrEnum):
    """States of all workflows: *-ing* in progress, participles ended."""

    # host_failure
    CONFIRMING = 'confirming'
    FENCING = 'fencing'
    FORCING_DOWN = 'forcing_down'
    PLANNING = 'planning'
    EVACUATING = 'evacuating'
    VERIFYING = 'verifying'
    FINISHED = 'finished'
    # host_return
    POWERING_ON = 'powering_on'
    AWAITING_AGENT = 'awaiting_agent'
    SETTLING = 'settling'
    UNFORCING = 'unforcing'
    ENABLING = 'enabling'
    RESTARTING = 'restarting'
    RETURNED = 'returned'
    # instance_failure, which has confirming, verifying and finished as well
    RESUMING = 'resuming'
    REBOOTING = 'rebooting'
    STOPPING = 'stopping'
    STARTING = 'starting'
    MIGRATING = 'migrating'
    # service_failure, beside some of the above
    DISABLING = 'disabling'
    # all of them
    HELD = 'held'
    GIVING_BACK = 'giving_back'
    DISMISSED = 'dismissed'


ENDED = frozenset({State.FINISHED, State.RETURNED, State.DISMISSED})


class WorkflowName(enum.StrEnum):
    """What a recovery is of, and how it goes: see recovery/workflow.py."""

    HOST_FAILURE = 'host_failure'
    HOST_RETURN = 'host_return'
    INSTANCE_FAILURE = 'instance_failure'
    SERVICE_FAILURE = 'service_failure'
