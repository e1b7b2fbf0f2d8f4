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

"""Hosts are the operators' own."""

from oslo_policy import policy

from hass.policies import base

LIST = 'ha:hosts:list'
SHOW = 'ha:hosts:show'
ADD = 'ha:hosts:add'
UPDATE = 'ha:hosts:update'
REMOVE = 'ha:hosts:remove'
ROTATE_KEY = 'ha:hosts:rotate_key'
TEST_FENCE = 'ha:hosts:test_fence'
SHOW_FENCE = 'ha:hosts:show_fence'
WAIVE_FENCE = 'ha:hosts:waive_fence'
UNWAIVE_FENCE = 'ha:hosts:unwaive_fence'
SHOW_LAYERS = 'ha:hosts:show_layers'
EXPLAIN = 'ha:hosts:explain'
SHOW_PROTECTION = 'ha:hosts:show_protection'
SHOW_POWER = 'ha:hosts:show_power'
SET_POWER = 'ha:hosts:set_power'
BRING_BACK = 'ha:hosts:bring_back'
SHOW_SENSORS = 'ha:hosts:show_sensors'
SHOW_EVENTS = 'ha:hosts:show_events'

_OF_CLUSTER = '/v1/clusters/{cluster}/hosts'
_ONE = '/v1/hosts/{host}'


def list_rules() -> list[policy.RuleDefault]:
    return [
        base.rule(
            LIST,
            base.ADMIN,
            'List hosts.',
            ('GET', '/v1/hosts'),
            ('GET', _OF_CLUSTER),
        ),
        base.rule(SHOW, base.ADMIN, 'Show a host.', ('GET', _ONE)),
        base.rule(
            ADD, base.ADMIN, 'Add a host to a cluster.', ('POST', _OF_CLUSTER)
        ),
        base.rule(
            UPDATE,
            base.ADMIN,
            'Change labels, addresses and BMC of a host.',
            ('PATCH', _ONE),
        ),
        base.rule(
            REMOVE,
            base.ADMIN,
            'Remove a host that runs no protected instance.',
            ('DELETE', _ONE),
        ),
        base.rule(
            ROTATE_KEY,
            base.ADMIN,
            'Issue a new key for the agent of a host.',
            ('POST', f'{_ONE}/agent_key'),
        ),
        base.rule(
            TEST_FENCE,
            base.ADMIN,
            'Try the fence of a host again.',
            ('POST', f'{_ONE}/fence_test'),
        ),
        base.rule(
            SHOW_FENCE,
            base.ADMIN,
            'Show what is known of the fence of a host, and what is doubted.',
            ('GET', f'{_ONE}/fence'),
        ),
        base.rule(
            WAIVE_FENCE,
            base.ADMIN,
            'Vouch that the BMC of a host is its own, where nothing proves '
            'it.',
            ('PUT', f'{_ONE}/fence/waiver'),
        ),
        base.rule(
            UNWAIVE_FENCE,
            base.ADMIN,
            'Vouch for the BMC of a host no more.',
            ('DELETE', f'{_ONE}/fence/waiver'),
        ),
        base.rule(
            SHOW_LAYERS,
            base.ADMIN,
            'Show what is known of each layer of a host, and who saw it.',
            ('GET', f'{_ONE}/layers'),
        ),
        base.rule(
            EXPLAIN,
            base.ADMIN,
            'Show why HASS does or does not act on a host now.',
            ('GET', f'{_ONE}/explain'),
        ),
        base.rule(
            SHOW_PROTECTION,
            base.ADMIN,
            'Show which instances on a host would be brought back, and why '
            'others not.',
            ('GET', f'{_ONE}/protection'),
        ),
        base.rule(
            SHOW_POWER,
            base.ADMIN,
            'Read whether a host is powered on.',
            ('GET', f'{_ONE}/power'),
        ),
        base.rule(
            SET_POWER,
            base.ADMIN,
            'Power a host on or off that has no open recovery.',
            ('PUT', f'{_ONE}/power'),
        ),
        base.rule(
            BRING_BACK,
            base.ADMIN,
            'Begin to bring a host that is off back into service.',
            ('POST', f'{_ONE}/return'),
        ),
        base.rule(
            SHOW_SENSORS,
            base.ADMIN,
            'Read the sensors of a host.',
            ('GET', f'{_ONE}/sensors'),
        ),
        base.rule(
            SHOW_EVENTS,
            base.ADMIN,
            'Read the event log of the BMC of a host.',
            ('GET', f'{_ONE}/events'),
        ),
    ]
