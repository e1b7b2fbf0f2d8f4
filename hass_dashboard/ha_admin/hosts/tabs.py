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

"""One host: what is known, its power, sensors, event log and layers."""

from collections.abc import Callable
from typing import Any

from django.utils.translation import gettext_lazy as _
from horizon import exceptions
from horizon import tabs

from hass_dashboard import actions
from hass_dashboard import api
from hass_dashboard import errors
from hass_dashboard.ha_admin.hosts import tables
from hass_dashboard import words
from hassclient.v1 import proxy

POWERS = {'on': _('On'), 'off': _('Off'), 'unknown': _('Unknown')}


class OverviewTab(tabs.Tab):
    name = _('Overview')
    slug = 'overview'
    template_name = 'hass_dashboard/facts.html'

    def get_context_data(self, request: Any) -> dict[str, Any]:
        found = self.tab_group.kwargs['found']
        return {
            'warnings': found.warnings,
            'facts': [
                (_('Name'), found.name),
                (_('ID'), found.uuid),
                (_('Cluster'), found.cluster),
                (_('Protected'), _('Yes') if found.protected else _('No')),
                (_('Why not'), '; '.join(found.unprotected_why)),
                (_('What HASS does'), self._explanation()),
                (_('Fence'), dict(words.FENCES).get(found.fence['state'])),
                (_('What the fence said'), found.fence['why']),
                (_('BMC address'), found.bmc['address']),
                (_('BMC user'), found.bmc['username']),
                (_('Addresses'), _pairs(found.addresses)),
                (_('Labels'), _pairs(found.labels)),
                (_('Availability zone'), found.availability_zone),
                (
                    _('Last report of its agent'),
                    words.moment(found.reported_at),
                ),
                (
                    _('Maintenance until'),
                    words.moment(found.maintenance_until),
                ),
                (_('Maintenance reason'), found.maintenance_why),
            ],
        }

    def _explanation(self) -> str | None:
        try:
            with api.asked(self.request) as client:
                said = client.explain(self.tab_group.kwargs['host'])
        except errors.Refused:
            return None
        text: str | None = said['explanation']
        return text


class FenceTab(tabs.Tab):
    """What stands behind the word of the overview."""

    name = _('Fence')
    slug = 'fence'
    template_name = 'hass_dashboard/facts.html'
    preload = False
    policy_rules = actions.rule('hosts:show_fence')

    def get_context_data(self, request: Any) -> dict[str, Any]:
        try:
            with api.asked(request) as client:
                found = client.get_fence(self.tab_group.kwargs['host'])
        except errors.Refused as error:
            return {'warnings': [str(error)], 'facts': []}
        waiver, wiring = found['waiver'] or {}, found['wiring'] or {}
        return {
            'warnings': found['doubts'],
            'facts': [
                (_('State'), dict(words.FENCES).get(found['state'])),
                (_('What it said'), found['why']),
                (_('Last answer'), words.moment(found['tested_at'])),
                (_('BMC address'), found['place']),
                (_('System by its BMC'), found['guid']),
                (_('System by its agent'), found['system_uuid']),
                (
                    _('Wiring'),
                    dict(words.WIRINGS).get(wiring.get('found', '')),
                ),
                (_('What the wiring showed'), wiring.get('why')),
                (_('Wiring looked at'), words.moment(wiring.get('at'))),
                (_('Vouched for by'), waiver.get('by')),
                (_('Vouched for since'), words.moment(waiver.get('at'))),
                (_('Vouched for because'), waiver.get('reason')),
            ],
        }


class PowerTab(tabs.Tab):
    """It is read again and again while somebody looks."""

    name = _('Power')
    slug = 'power'
    template_name = 'hass_dashboard/power.html'
    preload = False
    policy_rules = actions.rule('hosts:show_power')

    def get_context_data(self, request: Any) -> dict[str, Any]:
        said = power = ''
        try:
            with api.asked(request) as client:
                power = client.get_power(self.tab_group.kwargs['host'])
        except errors.Refused as error:
            said = str(error)
        return {
            'live_url': f'{request.path}?{self.get_query_string_of()}',
            'power': POWERS.get(power, power),
            'said': said,
        }

    def get_query_string_of(self) -> str:
        return f'{self.tab_group.param_name}={self.get_id()}'


class _Read(tabs.TableTab):
    """What an engine reads for this page."""

    preload = False
    template_name = 'horizon/common/_detail_table.html'

    def read(self, ask: Callable[[proxy.Proxy, str], list[Any]]) -> list[Any]:
        try:
            with api.asked(self.request) as client:
                return ask(client, self.tab_group.kwargs['host'])
        except errors.Refused:
            exceptions.handle(self.request, _('Unable to read it.'))
            return []


class SensorsTab(_Read):
    name = _('Sensors')
    slug = 'sensors'
    table_classes = (tables.SensorsTable,)
    policy_rules = actions.rule('hosts:show_sensors')

    def get_sensors_data(self) -> list[Any]:
        return self.read(lambda client, host: list(client.sensors(host)))


class EventsTab(_Read):
    name = _('Event log')
    slug = 'events'
    table_classes = (tables.EventsTable,)
    policy_rules = actions.rule('hosts:show_events')

    def get_events_data(self) -> list[Any]:
        return self.read(lambda client, host: list(client.bmc_events(host)))


class LayersTab(_Read):
    name = _('Layers')
    slug = 'layers'
    table_classes = (tables.LayersTable,)
    policy_rules = actions.rule('hosts:show_layers')

    def get_layers_data(self) -> list[Any]:
        return self.read(_standings)


class HostTabs(tabs.TabGroup):
    slug = 'host'
    tabs = (
        OverviewTab,
        FenceTab,
        PowerTab,
        SensorsTab,
        EventsTab,
        LayersTab,
    )
    sticky = True


def _standings(client: proxy.Proxy, host: str) -> list[Any]:
    found = client.layers(host)
    return [*found['layers'], *found['side_paths']]


def _pairs(named: dict[str, str]) -> str:
    return ', '.join(f'{name}: {one}' for name, one in named.items())
