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

"""The instances that were chosen, and the recoveries of one."""

from collections.abc import Sequence
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy
from horizon import tables

from hass_dashboard import actions
from hass_dashboard import tables as base
from hass_dashboard import words
from hassclient.v1 import instance
from hassclient.v1 import proxy


class InThisDashboard:
    """A link to a page of the dashboard that the table stands in."""

    page: str
    table: Any

    def get_link_url(self, datum: Any = None) -> str:
        args = () if datum is None else (datum.uuid,)
        url = f'horizon:{self.table.dashboard}:instances:{self.page}'
        return reverse(url, args=args)


class Protect(InThisDashboard, tables.LinkAction):
    name = 'protect'
    page = 'protect'
    verbose_name = _('Protect Instances')
    classes = ('ajax-modal',)
    icon = 'shield'
    policy_rules = actions.rule('instances:protect')


class EditProtection(InThisDashboard, tables.LinkAction):
    name = 'edit'
    page = 'edit'
    verbose_name = _('Edit Protection')
    classes = ('ajax-modal',)
    icon = 'pencil'
    policy_rules = actions.rule('instances:protect')

    def get_policy_target(self, request: Any, datum: Any) -> dict[str, Any]:
        return owner(datum)


class Unprotect(actions.Delete):
    name = 'unprotect'
    policy_rules = actions.rule('instances:unprotect')
    help_text = _(
        'From then on the cluster and the metadata of the instance decide '
        'whether it is brought back when its host fails.'
    )

    @staticmethod
    def action_present(count: int) -> Any:
        return ngettext_lazy(
            'Unprotect Instance', 'Unprotect Instances', count
        )

    @staticmethod
    def action_past(count: int) -> Any:
        return ngettext_lazy(
            'Unprotected Instance', 'Unprotected Instances', count
        )

    def get_policy_target(self, request: Any, datum: Any) -> dict[str, Any]:
        return owner(datum)

    def ask(self, client: proxy.Proxy, ref: str) -> Sequence[str]:
        client.unprotect_instance(ref)
        return ()


class InstancesTable(base.Table):
    """Columns of both dashboards.

    :cvar dashboard: slug of the one that it stands in
    """

    dashboard: str

    cluster = tables.Column('cluster', verbose_name=_('Cluster'))
    created_at = tables.Column(
        'created_at', verbose_name=_('Chosen'), filters=(words.moment,)
    )


class RecoveriesTable(base.DictTable):
    key, shown = 'uuid', 'workflow'
    workflow = tables.Column(
        'workflow',
        verbose_name=_('Kind'),
        display_choices=words.WORKFLOWS,
        filters=(words.plain,),
    )
    state = tables.Column(
        'state',
        verbose_name=_('State'),
        status=True,
        status_choices=words.STATE_STATUSES,
        display_choices=words.STATES,
    )
    opened_at = tables.Column(
        'opened_at', verbose_name=_('Opened'), filters=(words.moment,)
    )
    ended_at = tables.Column(
        'ended_at', verbose_name=_('Ended'), filters=(words.moment,)
    )

    class Meta:
        name = 'recoveries'
        verbose_name = _('Recoveries')


def owner(datum: instance.Instance | None) -> dict[str, Any]:
    """What the policy is asked about."""
    return {} if datum is None else {'project_id': datum.project_id}
