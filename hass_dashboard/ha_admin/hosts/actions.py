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

"""What may be done to a host."""

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy
from horizon import tables

from hass_dashboard import actions
from hassclient.v1 import proxy


class PowerOn(actions.Batch):
    name = 'power_on'
    icon = 'play'
    policy_rules = actions.rule('hosts:set_power')
    help_text = _('Refused while a recovery of the host is open.')

    @staticmethod
    def action_present(count: int) -> Any:
        return ngettext_lazy('Power On Host', 'Power On Hosts', count)

    @staticmethod
    def action_past(count: int) -> Any:
        return ngettext_lazy(
            'Asked for power on of host', 'Asked for power on of hosts', count
        )

    def ask(self, client: proxy.Proxy, ref: str) -> Sequence[str]:
        return client.set_power(ref, 'on')


class PowerOff(actions.Batch):
    name = 'power_off'
    icon = 'power-off'
    action_type = 'danger'
    policy_rules = actions.rule('hosts:set_power')
    help_text = _(
        'The power is cut at once, with all that runs there. Outside of a '
        'maintenance window HASS takes a host that is off for one that has '
        'failed.'
    )

    @staticmethod
    def action_present(count: int) -> Any:
        return ngettext_lazy('Power Off Host', 'Power Off Hosts', count)

    @staticmethod
    def action_past(count: int) -> Any:
        return ngettext_lazy(
            'Asked for power off of host',
            'Asked for power off of hosts',
            count,
        )

    def ask(self, client: proxy.Proxy, ref: str) -> Sequence[str]:
        return client.set_power(ref, 'off')


class BringBack(actions.Batch):
    name = 'bring_back'
    icon = 'reply'
    action_type = 'danger'
    policy_rules = actions.rule('hosts:bring_back')
    help_text = _(
        'For a host that is off and was mended: it is powered on, and takes '
        'instances again when its agent and Nova say that it is well.'
    )

    @staticmethod
    def action_present(count: int) -> Any:
        return ngettext_lazy('Bring Back Host', 'Bring Back Hosts', count)

    @staticmethod
    def action_past(count: int) -> Any:
        return ngettext_lazy(
            'Began to bring back host', 'Began to bring back hosts', count
        )

    def ask(self, client: proxy.Proxy, ref: str) -> Sequence[str]:
        client.bring_host_back(ref)
        return ()


class TestFence(actions.Batch):
    name = 'test_fence'
    icon = 'plug'
    policy_rules = actions.rule('hosts:test_fence')
    help_text = _('The BMC is asked, and nothing is cut off.')

    @staticmethod
    def action_present(count: int) -> Any:
        return ngettext_lazy('Test Fence', 'Test Fences', count)

    @staticmethod
    def action_past(count: int) -> Any:
        return ngettext_lazy('Tested fence of', 'Tested fences of', count)

    def ask(self, client: proxy.Proxy, ref: str) -> Sequence[str]:
        return list(client.test_fence(ref).warnings)


class UnwaiveFence(actions.Batch):
    name = 'unwaive_fence'
    icon = 'ban'
    policy_rules = actions.rule('hosts:unwaive_fence')
    help_text = _(
        'Where nothing proves that the BMC is the one of the host, it is not '
        'fenced any more.'
    )

    @staticmethod
    def action_present(count: int) -> Any:
        return ngettext_lazy('End Waiver', 'End Waivers', count)

    @staticmethod
    def action_past(count: int) -> Any:
        return ngettext_lazy('Ended waiver of', 'Ended waivers of', count)

    def ask(self, client: proxy.Proxy, ref: str) -> Sequence[str]:
        client.unwaive_fence(ref)
        return ()


class WaiveFence(tables.LinkAction):
    name = 'waive_fence'
    verbose_name = _('Vouch for BMC')
    url = 'horizon:ha_admin:hosts:waive'
    classes = ('ajax-modal',)
    icon = 'handshake-o'
    policy_rules = actions.rule('hosts:waive_fence')


class EndMaintenance(actions.Batch):
    name = 'end_maintenance'
    icon = 'check'
    policy_rules = actions.rule('maintenance:end')
    help_text = _('From then on its faults are acted on again.')

    @staticmethod
    def action_present(count: int) -> Any:
        return ngettext_lazy('End Maintenance', 'End Maintenance', count)

    @staticmethod
    def action_past(count: int) -> Any:
        return ngettext_lazy(
            'Ended maintenance of', 'Ended maintenance of', count
        )

    def allowed(self, request: Any, datum: Any = None) -> bool:
        return datum is None or bool(datum.maintenance_until)

    def ask(self, client: proxy.Proxy, ref: str) -> Sequence[str]:
        client.end_maintenance('hosts', ref)
        return ()


class BeginMaintenance(tables.LinkAction):
    name = 'begin_maintenance'
    verbose_name = _('Begin Maintenance')
    url = 'horizon:ha_admin:hosts:maintenance'
    classes = ('ajax-modal',)
    icon = 'wrench'
    policy_rules = actions.rule('maintenance:begin')


class UpdateHost(tables.LinkAction):
    name = 'update'
    verbose_name = _('Edit Host')
    url = 'horizon:ha_admin:hosts:update'
    classes = ('ajax-modal',)
    icon = 'pencil'
    policy_rules = actions.rule('hosts:update')


class RotateKey(tables.LinkAction):
    name = 'rotate_key'
    verbose_name = _('Issue Agent Key')
    url = 'horizon:ha_admin:hosts:key'
    classes = ('ajax-modal',)
    icon = 'key'
    policy_rules = actions.rule('hosts:rotate_key')
