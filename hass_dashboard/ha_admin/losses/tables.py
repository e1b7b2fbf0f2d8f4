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

"""The losses."""

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy
from horizon import tables

from hass_dashboard import actions
from hass_dashboard import tables as base
from hass_dashboard import words
from hassclient.v1 import loss
from hassclient.v1 import proxy


class Acknowledge(actions.Batch):
    name = 'acknowledge'
    icon = 'bell-slash'
    policy_rules = actions.rule('losses:acknowledge')
    help_text = _(
        'Nobody is paged about it any more; it stays here until the instance '
        'runs.'
    )

    @staticmethod
    def action_present(count: int) -> Any:
        return ngettext_lazy('Acknowledge Loss', 'Acknowledge Losses', count)

    @staticmethod
    def action_past(count: int) -> Any:
        return ngettext_lazy(
            'Acknowledged loss of', 'Acknowledged losses of', count
        )

    def allowed(self, request: Any, datum: Any = None) -> bool:
        return datum is None or not (datum.ended_at or datum.acknowledged_at)

    def ask(self, client: proxy.Proxy, ref: str) -> Sequence[str]:
        client.acknowledge_loss(ref)
        return ()


class LossFilter(tables.FilterAction):
    name = 'filter_ha_losses'
    filter_type = 'server'
    filter_choices = (
        ('host', _('Host ='), True),
        ('instance', _('Instance ID ='), True),
        ('project_id', _('Project ID ='), True),
        ('open', _('Open ='), True, _('true or false')),
    )


class LossesTable(base.Table):
    instance = tables.Column(
        lambda one: one.instance_name or one.instance,
        verbose_name=_('Instance'),
    )
    project_id = tables.Column('project_id', verbose_name=_('Project ID'))
    host = tables.Column('host', verbose_name=_('Host'))
    why = tables.Column('why', verbose_name=_('Why'))
    since = tables.Column(
        'since', verbose_name=_('Since'), filters=(words.moment,)
    )
    acknowledged_at = tables.Column(
        'acknowledged_at',
        verbose_name=_('Acknowledged'),
        filters=(words.moment,),
    )
    ended_at = tables.Column(
        'ended_at', verbose_name=_('Ended'), filters=(words.moment,)
    )
    ended_how = tables.Column(
        'ended_how', verbose_name=_('How'), display_choices=words.LOSS_ENDS
    )

    def get_object_display(self, datum: loss.Loss) -> str:
        return str(datum.instance_name or datum.instance)

    class Meta:
        name = 'losses'
        verbose_name = _('Losses')
        table_actions = (LossFilter, Acknowledge)
        row_actions = (Acknowledge,)
