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

"""Recoveries are the operators' own."""

from oslo_policy import policy

from hass.policies import base

LIST = 'ha:recoveries:list'
SHOW = 'ha:recoveries:show'
RETRY = 'ha:recoveries:retry'
RELEASE = 'ha:recoveries:release'
ACKNOWLEDGE = 'ha:recoveries:acknowledge'

_ALL = '/v1/recoveries'
_ONE = '/v1/recoveries/{recovery}'


def list_rules() -> list[policy.RuleDefault]:
    return [
        base.rule(LIST, base.ADMIN, 'List recoveries.', ('GET', _ALL)),
        base.rule(
            SHOW,
            base.ADMIN,
            'Show a recovery with its history and evacuations.',
            ('GET', _ONE),
        ),
        base.rule(
            RETRY,
            base.ADMIN,
            'Let a held recovery look again and, in a cluster of mode ask, '
            'consent to what it does.',
            ('POST', f'{_ONE}/retry'),
        ),
        base.rule(
            RELEASE,
            base.ADMIN,
            'Let a held recovery give back what it touched and end.',
            ('POST', f'{_ONE}/release'),
        ),
        base.rule(
            ACKNOWLEDGE,
            base.ADMIN,
            'Stop the paging for a held recovery.',
            ('POST', f'{_ONE}/acknowledge'),
        ),
    ]
