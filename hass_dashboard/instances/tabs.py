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

"""One instance: whether it is protected, and its recoveries."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from horizon import exceptions
from horizon import tabs

from hass_dashboard import actions
from hass_dashboard import api
from hass_dashboard import errors
from hass_dashboard.instances import tables
from hass_dashboard import words


class OverviewTab(tabs.Tab):
    name = _('Overview')
    slug = 'overview'
    template_name = 'hass_dashboard/facts.html'

    def get_context_data(self, request: Any) -> dict[str, Any]:
        found = self.tab_group.kwargs['found']
        return {
            'facts': [
                (_('Name'), found.name),
                (_('ID'), found.uuid),
                (_('Cluster'), found.cluster),
                (_('Protected'), _('Yes') if found.protected else _('No')),
                (_('Why'), found.why),
                (_('Layers'), words.layers(found.guest_layers or ())),
                (_('Why these layers'), found.guest_layers_why),
                (_('Chosen'), words.moment(found.created_at)),
                *map(_seen, found.observations or ()),
            ]
        }


class RecoveriesTab(tabs.TableTab):
    name = _('Recoveries')
    slug = 'recoveries'
    table_classes = (tables.RecoveriesTable,)
    template_name = 'horizon/common/_detail_table.html'
    preload = False
    policy_rules = actions.rule('instances:list_recoveries')

    def get_recoveries_data(self) -> list[Any]:
        found = self.tab_group.kwargs['found']
        try:
            with api.asked(self.request) as client:
                return list(client.instance_recoveries(found.uuid))
        except errors.Refused:
            exceptions.handle(self.request, _('Unable to retrieve the list.'))
            return []


class InstanceTabs(tabs.TabGroup):
    slug = 'instance'
    tabs = (OverviewTab, RecoveriesTab)
    sticky = True


def _seen(one: dict[str, Any]) -> tuple[str, str]:
    verdict = dict(words.VERDICTS).get(one['verdict'], one['verdict'])
    detail = f': {one["detail"]}' if one['detail'] else ''
    return words.layers([one['layer']]), f'{verdict}{detail}'
