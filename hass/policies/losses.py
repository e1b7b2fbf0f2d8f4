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

"""Losses: what should run and does not; projects see their own."""

from oslo_policy import policy

from hass.policies import base

LIST = 'ha:losses:list'
LIST_ALL = 'ha:losses:list_all_projects'
SHOW = 'ha:losses:show'
ACKNOWLEDGE = 'ha:losses:acknowledge'

_ALL = '/v1/losses'
_ONE = '/v1/losses/{loss}'


def list_rules() -> list[policy.RuleDefault]:
    return [
        base.rule(
            LIST,
            base.READER,
            'List losses of the own project: instances that should run and '
            'do not.',
            ('GET', _ALL),
        ),
        base.rule(
            LIST_ALL,
            base.ADMIN,
            'List losses of all projects, with hosts and reasons.',
            ('GET', _ALL),
        ),
        base.rule(SHOW, base.READER, 'Show a loss.', ('GET', _ONE)),
        base.rule(
            ACKNOWLEDGE,
            base.ADMIN,
            'Stop the paging for a loss.',
            ('POST', f'{_ONE}/acknowledge'),
        ),
    ]
