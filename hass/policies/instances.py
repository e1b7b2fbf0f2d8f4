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

"""Protected instances belong to their projects."""

from oslo_policy import policy

from hass.policies import base

LIST = 'ha:instances:list'
LIST_ALL = 'ha:instances:list_all_projects'
SHOW = 'ha:instances:show'
PROTECT = 'ha:instances:protect'
UNPROTECT = 'ha:instances:unprotect'
LIST_RECOVERIES = 'ha:instances:list_recoveries'

_ALL = '/v1/instances'
_ONE = '/v1/instances/{instance}'


def list_rules() -> list[policy.RuleDefault]:
    return [
        base.rule(
            LIST,
            base.READER,
            'List the chosen instances of the own project.',
            ('GET', _ALL),
        ),
        base.rule(
            LIST_ALL,
            base.ADMIN,
            'List the chosen instances of all projects.',
            ('GET', _ALL),
        ),
        base.rule(
            SHOW,
            base.READER,
            'Show an instance, and whether it is protected.',
            ('GET', _ONE),
        ),
        base.rule(
            PROTECT,
            base.MEMBER,
            'Choose an instance to be protected.',
            ('POST', _ALL),
        ),
        base.rule(
            UNPROTECT,
            base.MEMBER,
            'Take back that an instance was chosen.',
            ('DELETE', _ONE),
        ),
        base.rule(
            LIST_RECOVERIES,
            base.READER,
            'List what befell an instance, and how it was brought back.',
            ('GET', f'{_ONE}/recoveries'),
        ),
    ]
