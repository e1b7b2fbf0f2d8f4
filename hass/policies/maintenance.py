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

"""Maintenance windows are the operators' own."""

from oslo_policy import policy

from hass.policies import base

BEGIN = 'ha:maintenance:begin'
END = 'ha:maintenance:end'

_HOST = '/v1/hosts/{host}/maintenance'
_CLUSTER = '/v1/clusters/{cluster}/maintenance'


def list_rules() -> list[policy.RuleDefault]:
    return [
        base.rule(
            BEGIN,
            base.ADMIN,
            'Begin a maintenance window of a host or a cluster.',
            ('PUT', _HOST),
            ('PUT', _CLUSTER),
        ),
        base.rule(
            END,
            base.ADMIN,
            'End a maintenance window before its time.',
            ('DELETE', _HOST),
            ('DELETE', _CLUSTER),
        ),
    ]
