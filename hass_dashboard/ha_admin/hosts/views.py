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

"""The pages of HA Hosts."""

from collections.abc import Iterator
from typing import Any

from django.urls import reverse
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _

from hass_dashboard.ha_admin.hosts import forms
from hass_dashboard.ha_admin.hosts import tables
from hass_dashboard.ha_admin.hosts import tabs as host_tabs
from hass_dashboard import views
from hassclient.v1 import host
from hassclient.v1 import proxy

INDEX = 'horizon:ha_admin:hosts:index'


class IndexView(views.TableView):
    table_class = tables.HostsTable
    page_title = _('HA Hosts')

    def ask(self, client: proxy.Proxy, **query: Any) -> Iterator[host.Host]:
        return client.hosts(**query)


class OfHost:
    """Pages about one host."""

    kwargs: Any
    unable = _('Unable to retrieve the host.')

    def ask_one(self, client: proxy.Proxy) -> host.Host:
        return client.get_host(self.kwargs['host'])

    def index_url(self) -> str:
        return reverse(INDEX)


class HostFormView(OfHost, views.OfOne, views.FormView):
    """A dialogue about one host.

    :cvar url: name of its own URL
    """

    url: str
    success_url = reverse_lazy(INDEX)

    @property
    def submit_url(self) -> str:
        return reverse(
            f'horizon:ha_admin:hosts:{self.url}', kwargs=self.kwargs
        )

    def get_initial(self) -> dict[str, Any]:
        return dict(self.kwargs)


class UpdateView(HostFormView):
    url = 'update'
    form_class = forms.UpdateHost
    form_id = 'update_host'
    page_title = _('Edit Host')
    submit_label = _('Save')
    explanation = _(
        'HASS tries the fence again when its BMC is changed. Without an '
        'address the host has no fence, and is not recovered.'
    )

    def get_initial(self) -> dict[str, Any]:
        found = self.get_object()
        names = ('address', 'port', 'username')
        return {
            **super().get_initial(),
            **{f'bmc_{name}': found.bmc[name] for name in names},
        }


class KeyView(HostFormView):
    url = 'key'
    form_class = forms.RotateKey
    form_id = 'rotate_key'
    page_title = _('Issue Agent Key')
    submit_label = _('Issue Agent Key')
    explanation = _(
        'A new key for the agent of the host, shown only once. The one that '
        'it used last counts until it has used this one.'
    )


class WaiveView(HostFormView):
    url = 'waive'
    form_class = forms.WaiveFence
    form_id = 'waive_fence'
    page_title = _('Vouch for BMC')
    submit_label = _('Vouch for BMC')
    explanation = _(
        'For a host of which nothing proves that its BMC is its own. If it is '
        'the BMC of another host, that one is powered off instead, and '
        'instances run twice. It stays as a warning until it is ended.'
    )


class MaintenanceView(HostFormView):
    url = 'maintenance'
    form_class = forms.BeginMaintenance
    form_id = 'begin_maintenance'
    page_title = _('Begin Maintenance')
    submit_label = _('Begin Maintenance')
    explanation = _(
        'No recovery of the host begins meanwhile: its instances are not '
        'brought back if it fails.'
    )


class DetailView(OfHost, views.DetailView):
    tab_group_class = host_tabs.HostTabs
    table_class = tables.HostsTable
