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

"""One cluster."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from horizon import exceptions
from horizon import tabs

from hass_dashboard import api
from hass_dashboard import errors
from hass_dashboard.ha_admin.clusters import tables
from hass_dashboard import words
from hassclient.v1 import host


class OverviewTab(tabs.Tab):
    name = _('Overview')
    slug = 'overview'
    template_name = 'hass_dashboard/facts.html'

    def get_context_data(self, request: Any) -> dict[str, Any]:
        found = self.tab_group.kwargs['found']
        modes = dict(words.MODES)
        return {
            'facts': [
                (_('Name'), found.name),
                (_('ID'), found.uuid),
                (_('Mode'), modes.get(found.mode, found.mode)),
                (_('Layers to protect'), words.layers(found.layers)),
                (_('Protects'), dict(words.PROTECTS).get(found.protects)),
                (_('Evacuates to'), dict(words.TARGETS).get(found.targets)),
                (
                    _('Shared storage'),
                    _('Yes') if found.shared_storage else _('No'),
                ),
                (
                    _('Maintenance until'),
                    words.moment(found.maintenance_until),
                ),
                (_('Maintenance reason'), found.maintenance_why),
                (_('Created'), words.moment(found.created_at)),
            ]
        }


class HostsTab(tabs.TableTab):
    name = _('Hosts')
    slug = 'hosts'
    table_classes = (tables.HostsTable,)
    template_name = 'horizon/common/_detail_table.html'
    preload = False

    def get_hosts_data(self) -> list[host.Host]:
        try:
            with api.asked(self.request) as client:
                return list(client.hosts(self.tab_group.kwargs['cluster']))
        except errors.Refused:
            exceptions.handle(self.request, _('Unable to retrieve hosts.'))
            return []


class ClusterTabs(tabs.TabGroup):
    slug = 'cluster'
    tabs = (HostsTab, OverviewTab)
    sticky = True
