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

"""The hosts, their sensors, event logs and layers."""

from typing import Any

from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from horizon import tables

from hass_dashboard.ha_admin.clusters import tables as cluster_tables
from hass_dashboard.ha_admin.hosts import actions
from hass_dashboard import tables as base
from hass_dashboard import words


def _cluster_link(host: Any) -> str:
    return reverse('horizon:ha_admin:clusters:detail', args=(host.cluster,))


class HostsTable(cluster_tables.HostsTable):
    cluster = tables.Column(
        'cluster',
        verbose_name=_('Cluster'),
        link=_cluster_link,
    )
    reported_at = tables.Column(
        'reported_at',
        verbose_name=_('Last report of its agent'),
        filters=(words.moment,),
    )
    maintenance_until = tables.Column(
        'maintenance_until',
        verbose_name=_('Maintenance until'),
        filters=(words.moment,),
    )

    class Meta:
        name = 'hosts'
        verbose_name = _('HA Hosts')
        columns = (
            'name',
            'cluster',
            'fence',
            'protected',
            'reported_at',
            'maintenance_until',
            'warnings',
        )
        table_actions = (actions.PowerOn, actions.PowerOff)
        row_actions = (
            actions.UpdateHost,
            actions.PowerOn,
            actions.PowerOff,
            actions.BringBack,
            actions.TestFence,
            actions.WaiveFence,
            actions.UnwaiveFence,
            actions.BeginMaintenance,
            actions.EndMaintenance,
            actions.RotateKey,
            cluster_tables.RemoveHost,
        )


def _value(sensor: Any) -> str | None:
    if sensor['value'] is None:
        return None
    return f'{sensor["value"]:g} {sensor["unit"] or ""}'.strip()


HEALTH: dict[str, Any] = {
    'verbose_name': _('Health'),
    'status': True,
    'status_choices': (
        ('ok', True),
        ('warning', None),
        ('critical', False),
        ('failed', False),
    ),
    'display_choices': (
        ('ok', _('Good')),
        ('warning', _('Warning')),
        ('critical', _('Critical')),
        ('failed', _('Failed')),
    ),
}


class SensorsTable(base.DictTable):
    key = shown = 'name'
    name = tables.Column('name', verbose_name=_('Sensor'))
    type = tables.Column('type', verbose_name=_('Type'))
    value = tables.Column(_value, verbose_name=_('Reading'))
    health = tables.Column('health', **HEALTH)
    states = tables.Column(
        lambda sensor: ', '.join(sensor['states']), verbose_name=_('States')
    )

    class Meta:
        name = 'sensors'
        verbose_name = _('Sensors')


class EventsTable(base.DictTable):
    key = shown = 'record'
    record = tables.Column('record', verbose_name=_('Number'))
    at = tables.Column(
        lambda event: words.moment(event['at']), verbose_name=_('Time')
    )
    sensor = tables.Column('sensor', verbose_name=_('Sensor'))
    type = tables.Column('type', verbose_name=_('Type'))
    state = tables.Column('state', verbose_name=_('State'))
    change = tables.Column(
        lambda event: _('Begins') if event['asserted'] else _('Ends'),
        verbose_name=_('Change'),
    )
    health = tables.Column('health', **HEALTH)

    class Meta:
        name = 'events'
        verbose_name = _('Event log')


class LayersTable(base.DictTable):
    key = shown = 'layer'
    layer = tables.Column(
        'layer',
        verbose_name=_('Layer'),
        display_choices=(*words.LAYERS, *words.SIDE_PATHS),
    )
    state = tables.Column(
        'state',
        verbose_name=_('State'),
        status=True,
        status_choices=words.VERDICT_STATUSES,
        display_choices=words.VERDICTS,
    )
    detector = tables.Column('detector', verbose_name=_('Detector'))
    seen_by = tables.Column('seen_by', verbose_name=_('Seen by'))
    age_seconds = tables.Column(
        'age_seconds', verbose_name=_('Age in seconds')
    )
    detail = tables.Column('detail', verbose_name=_('Detail'))

    class Meta:
        name = 'layers'
        verbose_name = _('Layers')
