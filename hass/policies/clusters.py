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

"""Clusters are the operators' own."""

from oslo_policy import policy

from hass.policies import base

LIST = 'ha:clusters:list'
SHOW = 'ha:clusters:show'
CREATE = 'ha:clusters:create'
UPDATE = 'ha:clusters:update'
DELETE = 'ha:clusters:delete'
SHOW_STRATEGY = 'ha:clusters:show_strategy'
SHOW_PROTECTION = 'ha:clusters:show_protection'

_ALL = '/v1/clusters'
_ONE = '/v1/clusters/{cluster}'


def list_rules() -> list[policy.RuleDefault]:
    return [
        base.rule(LIST, base.ADMIN, 'List clusters.', ('GET', _ALL)),
        base.rule(SHOW, base.ADMIN, 'Show a cluster.', ('GET', _ONE)),
        base.rule(
            CREATE,
            base.ADMIN,
            'Create a cluster with its hosts.',
            ('POST', _ALL),
        ),
        base.rule(UPDATE, base.ADMIN, 'Change a cluster.', ('PATCH', _ONE)),
        base.rule(
            DELETE, base.ADMIN, 'Delete an empty cluster.', ('DELETE', _ONE)
        ),
        base.rule(
            SHOW_STRATEGY,
            base.ADMIN,
            'Show how a failed layer would be looked for in a cluster now.',
            ('GET', f'{_ONE}/strategy'),
        ),
        base.rule(
            SHOW_PROTECTION,
            base.ADMIN,
            'Show which instances in a cluster would be brought back, and '
            'why others not.',
            ('GET', f'{_ONE}/protection'),
        ),
    ]
