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

"""What is filled in about clusters and their hosts."""

from typing import Any

from django.core import validators
from django import shortcuts
from django.utils.translation import gettext_lazy as _
from horizon import forms
from horizon.utils import http
from openstack_dashboard import api as openstack

from hass_dashboard import api
from hass_dashboard import forms as base
from hass_dashboard import words
from hassclient.v1 import host
from hassclient.v1 import proxy


class ClusterFields(base.Form):
    name = forms.CharField(label=_('Name'), max_length=64)
    mode = forms.ThemableChoiceField(
        label=_('Mode'),
        choices=words.MODES,
        help_text=_('How far HASS may go by itself.'),
    )
    layers = forms.MultipleChoiceField(
        label=_('Layers to protect'),
        choices=words.LAYERS,
        initial=words.DEFAULT_LAYERS,
        widget=forms.ThemableCheckboxSelectMultiple(),
        help_text=_('Faults of other layers are told, and not acted on.'),
    )
    protects = forms.ThemableChoiceField(
        label=_('Protects'), choices=words.PROTECTS
    )
    targets = forms.ThemableChoiceField(
        label=_('Evacuates to'), choices=words.TARGETS
    )
    shared_storage = forms.BooleanField(
        label=_('Shared storage'),
        required=False,
        help_text=_(
            'The disks of all instances are on storage that all hosts share. '
            'If that is not so, an evacuation makes a disk anew from its '
            'image.'
        ),
    )


class CreateCluster(ClusterFields):
    hosts = forms.MultipleChoiceField(
        label=_('Computing nodes'),
        required=False,
        widget=forms.ThemableCheckboxSelectMultiple(),
        help_text=_(
            'Give each the address of its BMC afterwards: a host without a '
            'working fence is not recovered.'
        ),
    )

    def __init__(self, request: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(request, *args, **kwargs)
        self.fields['hosts'].choices = free_hosts(request)

    def ask(self, client: proxy.Proxy, data: dict[str, Any]) -> Any:
        names = data.pop('hosts')
        made = client.create_cluster(
            hosts=[{'name': name} for name in names], **data
        )
        if made.hosts:
            added = [host.Host.existing(**one) for one in made.hosts]
            return keys_page(self.request, added)
        return str(_('Created cluster %s.') % made.name)


class UpdateCluster(ClusterFields):
    def ask(self, client: proxy.Proxy, data: dict[str, Any]) -> str:
        changed = client.update_cluster(self.initial['cluster'], **data)
        return str(_('Changed cluster %s.') % changed.name)


class AddHost(base.Form):
    name = forms.ThemableChoiceField(label=_('Computing node'))
    bmc_address = forms.CharField(
        label=_('BMC address'),
        required=False,
        help_text=_(
            'Without a BMC the host cannot be proved to be off, and its '
            'instances are not brought back.'
        ),
    )
    bmc_port = forms.IntegerField(
        label=_('BMC port'),
        initial=623,
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
    )

    def __init__(self, request: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(request, *args, **kwargs)
        self.fields['name'].choices = free_hosts(request)

    def ask(self, client: proxy.Proxy, data: dict[str, Any]) -> Any:
        fields = {'name': data['name']}
        if data['bmc_address']:
            fields['bmc'] = bmc(data)
        added = client.add_host(self.initial['cluster'], **fields)
        return keys_page(self.request, [added])


def bmc(data: dict[str, Any]) -> dict[str, Any]:
    """What the API wants to know of a BMC: what was filled in."""
    return {
        name: data[f'bmc_{name}']
        for name in ('address', 'port', 'username', 'password')
        if data[f'bmc_{name}']
    }


def free_hosts(request: Any) -> list[tuple[str, str]]:
    """Nova's compute hosts that are in no cluster, to choose from.

    :raises hass_dashboard.errors.Refused: the API cannot be asked
    """
    with api.asked(request) as client:
        taken = {one.name for one in client.hosts()}
    services = openstack.nova.service_list(request, binary='nova-compute')
    names = sorted({one.host for one in services} - taken)
    return [(name, name) for name in names]


def keys_page(request: Any, added: list[host.Host]) -> Any:
    """The keys of new hosts' agents, which are told only this once."""
    name = '_keys.html' if http.is_ajax(request) else 'keys.html'
    return shortcuts.render(
        request,
        f'hass_dashboard/{name}',
        {'hosts': added, 'hide': http.is_ajax(request)},
    )
