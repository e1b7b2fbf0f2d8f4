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

"""Notifications: monitors allege faults, operators read them."""

from oslo_policy import policy

from hass.policies import base

LIST = 'ha:notifications:list'
SHOW = 'ha:notifications:show'
CREATE = 'ha:notifications:create'

_ALL = '/v1/notifications'
_ONE = '/v1/notifications/{notification}'


def list_rules() -> list[policy.RuleDefault]:
    return [
        base.rule(LIST, base.ADMIN, 'List notifications.', ('GET', _ALL)),
        base.rule(SHOW, base.ADMIN, 'Show a notification.', ('GET', _ONE)),
        base.rule(
            CREATE,
            base.SERVICE,
            'Allege a fault. It raises a suspicion and proves nothing.',
            ('POST', _ALL),
        ),
    ]
