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

"""Who may do what, one module for each resource."""

import itertools

from oslo_policy import policy

from hass.policies import base
from hass.policies import clusters
from hass.policies import hosts
from hass.policies import instances
from hass.policies import losses
from hass.policies import maintenance
from hass.policies import notifications
from hass.policies import recoveries
from hass.policies import services


def list_rules() -> list[policy.RuleDefault]:
    """Every rule of ours with its default."""
    return list(
        itertools.chain(
            base.list_rules(),
            clusters.list_rules(),
            hosts.list_rules(),
            instances.list_rules(),
            losses.list_rules(),
            maintenance.list_rules(),
            notifications.list_rules(),
            recoveries.list_rules(),
            services.list_rules(),
        )
    )
