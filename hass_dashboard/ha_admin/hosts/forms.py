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

"""What is filled in about a host."""

from typing import Any

from django.core import validators
from django.utils.translation import gettext_lazy as _
from horizon import forms

from hass_dashboard import forms as base
from hass_dashboard.ha_admin.clusters import forms as cluster_forms
from hassclient.v1 import host
from hassclient.v1 import proxy

WEEK_MINUTES = 7 * 24 * 60


class UpdateHost(base.Form):
    """A password that is not filled in stays as it is."""

    bmc_address = forms.CharField(label=_('BMC address'), required=False)
    bmc_port = forms.IntegerField(
        label=_('BMC port'),
        validators=[
            validators.MinValueValidator(1),
            validators.MaxValueValidator(65535),
        ],
    )
    bmc_username = forms.CharField(label=_('BMC user'), required=False)
    bmc_password = forms.CharField(
        label=_('BMC password'),
        required=False,
        widget=forms.PasswordInput(attrs={'autocomplete': 'off'}),
        help_text=_('Left empty, it stays as it is.'),
    )

    def ask(self, client: proxy.Proxy, data: dict[str, Any]) -> str:
        changed = client.update_host(
            self.initial['host'],
            bmc=cluster_forms.bmc(data) if data['bmc_address'] else None,
        )
        return str(_('Changed host %s.') % changed.name)


class RotateKey(base.Form):
    """Nothing but the question whether."""

    def ask(self, client: proxy.Proxy, data: dict[str, Any]) -> Any:
        issued = client.rotate_agent_key(self.initial['host'])
        return cluster_forms.keys_page(
            self.request, [host.Host.existing(**issued)]
        )


class WaiveFence(base.Form):
    reason = forms.CharField(
        label=_('Reason'),
        max_length=255,
        help_text=_('How it was seen that the BMC is the one in this host.'),
    )

    def ask(self, client: proxy.Proxy, data: dict[str, Any]) -> str:
        found = client.waive_fence(self.initial['host'], data['reason'])
        return str(_('You vouch for the BMC of host %s.') % found['host'])


class BeginMaintenance(base.Form):
    minutes = forms.IntegerField(
        label=_('Minutes'),
        initial=60,
        validators=[
            validators.MinValueValidator(1),
            validators.MaxValueValidator(WEEK_MINUTES),
        ],
        help_text=_('The window ends by itself.'),
    )
    reason = forms.CharField(label=_('Reason'), max_length=255)

    def ask(self, client: proxy.Proxy, data: dict[str, Any]) -> str:
        client.begin_maintenance(
            'hosts', self.initial['host'], data['minutes'] * 60, data['reason']
        )
        return str(_('The maintenance window is open.'))
