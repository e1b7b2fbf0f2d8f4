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

"""The recoveries, and what belongs to one."""

from collections.abc import Sequence
from typing import Any

from django import http
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy
from horizon import tables

from hass_dashboard import actions
from hass_dashboard import api
from hass_dashboard import errors
from hass_dashboard import tables as base
from hass_dashboard import words
from hassclient.v1 import proxy
from hassclient.v1 import recovery


class OfHeld(actions.Batch):
    """Only while a recovery is held, and nobody has said what to do."""

    def allowed(self, request: Any, datum: Any = None) -> bool:
        return datum is None or (datum.state == words.HELD and not datum.wish)


class Retry(OfHeld):
    name = 'retry'
    icon = 'repeat'
    action_type = 'danger'
    policy_rules = actions.rule('recoveries:retry')
    help_text = _(
        'It looks again from the beginning. In a cluster that asks, this is '
        'the consent to fence and evacuate.'
    )

    @staticmethod
    def action_present(count: int) -> Any:
        return ngettext_lazy('Retry Recovery', 'Retry Recoveries', count)

    @staticmethod
    def action_past(count: int) -> Any:
        return ngettext_lazy(
            'Let look again: recovery of',
            'Let look again: recoveries of',
            count,
        )

    def ask(self, client: proxy.Proxy, ref: str) -> Sequence[str]:
        client.retry_recovery(ref)
        return ()


class Release(OfHeld):
    name = 'release'
    icon = 'undo'
    action_type = 'danger'
    policy_rules = actions.rule('recoveries:release')
    help_text = _(
        'It gives back what it touched, and ends. Instances that were not '
        'yet brought back stay where they are.'
    )

    @staticmethod
    def action_present(count: int) -> Any:
        return ngettext_lazy('Release Recovery', 'Release Recoveries', count)

    @staticmethod
    def action_past(count: int) -> Any:
        return ngettext_lazy(
            'Let go: recovery of', 'Let go: recoveries of', count
        )

    def ask(self, client: proxy.Proxy, ref: str) -> Sequence[str]:
        client.release_recovery(ref)
        return ()


class Acknowledge(actions.Batch):
    name = 'acknowledge'
    icon = 'bell-slash'
    policy_rules = actions.rule('recoveries:acknowledge')
    help_text = _('Nobody is paged about it any more; it stays held.')

    @staticmethod
    def action_present(count: int) -> Any:
        return ngettext_lazy(
            'Acknowledge Recovery', 'Acknowledge Recoveries', count
        )

    @staticmethod
    def action_past(count: int) -> Any:
        return ngettext_lazy(
            'Acknowledged recovery of', 'Acknowledged recoveries of', count
        )

    def allowed(self, request: Any, datum: Any = None) -> bool:
        return datum is None or (
            datum.state == words.HELD and not datum.acknowledged_at
        )

    def ask(self, client: proxy.Proxy, ref: str) -> Sequence[str]:
        client.acknowledge_recovery(ref)
        return ()


class RecoveryRow(tables.Row):
    """Asked for again and again while it changes."""

    ajax = True

    def get_data(self, request: Any, ref: str) -> recovery.Recovery:
        try:
            with api.asked(request) as client:
                return client.get_recovery(ref)
        except errors.Missing:
            raise http.Http404 from None


class RecoveryFilter(tables.FilterAction):
    name = 'filter_ha_recoveries'
    filter_type = 'server'
    filter_choices = (
        ('subject', _('Host or instance ='), True),
        ('cluster', _('Cluster ='), True),
        ('state', _('State ='), True),
        ('workflow', _('Kind ='), True),
        ('open', _('Open ='), True, _('true or false')),
    )


class RecoveriesTable(base.Table):
    subject = tables.Column(
        'subject',
        verbose_name=_('Host or instance'),
        link='horizon:ha_admin:recoveries:detail',
    )
    workflow = tables.Column(
        'workflow',
        verbose_name=_('Kind'),
        display_choices=words.WORKFLOWS,
        filters=(words.plain,),
    )
    cluster = tables.Column('cluster', verbose_name=_('Cluster'))
    state = tables.Column(
        'state',
        verbose_name=_('State'),
        status=True,
        status_choices=words.STATE_STATUSES,
        display_choices=words.STATES,
    )
    why = tables.Column('why', verbose_name=_('Why'))
    opened_at = tables.Column(
        'opened_at', verbose_name=_('Opened'), filters=(words.moment,)
    )
    ended_at = tables.Column(
        'ended_at', verbose_name=_('Ended'), filters=(words.moment,)
    )

    def get_object_display(self, datum: recovery.Recovery) -> str:
        return str(datum.subject)

    class Meta:
        name = 'recoveries'
        verbose_name = _('Recoveries')
        status_columns = ('state',)
        row_class = RecoveryRow
        table_actions = (RecoveryFilter, Retry, Release, Acknowledge)
        row_actions = (Retry, Release, Acknowledge)


class EvidenceTable(base.DictTable):
    shown = 'detector'
    layer = tables.Column(
        'layer',
        verbose_name=_('Layer'),
        display_choices=(*words.LAYERS, *words.SIDE_PATHS),
    )
    verdict = tables.Column(
        'verdict',
        verbose_name=_('Verdict'),
        status=True,
        status_choices=words.VERDICT_STATUSES,
        display_choices=words.VERDICTS,
    )
    detector = tables.Column('detector', verbose_name=_('Detector'))
    seen_by = tables.Column('seen_by', verbose_name=_('Seen by'))
    network = tables.Column('network', verbose_name=_('Network'))
    seen_at = tables.Column(
        'seen_at', verbose_name=_('Seen'), filters=(words.moment,)
    )
    detail = tables.Column('detail', verbose_name=_('Detail'))

    def get_object_id(self, datum: Any) -> str:
        parts = (datum['layer'], datum['detector'], datum['network'] or '')
        return '-'.join(parts)

    class Meta:
        name = 'evidence'
        verbose_name = _('Evidence')


class EvacuationsTable(base.DictTable):
    key, shown = 'uuid', 'instance_name'
    instance = tables.Column(
        lambda one: one['instance_name'] or one['instance'],
        verbose_name=_('Instance'),
    )
    state = tables.Column(
        'state',
        verbose_name=_('State'),
        status=True,
        status_choices=words.STATE_STATUSES,
        display_choices=words.STATES,
    )
    to = tables.Column(
        lambda one: one['destination'] or one['target'],
        verbose_name=_('To host'),
    )
    why = tables.Column('why', verbose_name=_('Why'))
    ended_at = tables.Column(
        'ended_at', verbose_name=_('Ended'), filters=(words.moment,)
    )

    class Meta:
        name = 'evacuations'
        verbose_name = _('Evacuations')
