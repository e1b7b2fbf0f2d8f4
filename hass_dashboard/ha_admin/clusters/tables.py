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

"""The clusters, and the hosts of one."""

from collections.abc import Sequence
from typing import Any

from django.template import defaultfilters
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy
from horizon import tables

from hass_dashboard import actions
from hass_dashboard import tables as base
from hass_dashboard import words
from hassclient.v1 import proxy


class CreateCluster(tables.LinkAction):
    name = 'create'
    verbose_name = _('Create Cluster')
    url = 'horizon:ha_admin:clusters:create'
    classes = ('ajax-modal',)
    icon = 'plus'
    policy_rules = actions.rule('clusters:create')


class UpdateCluster(tables.LinkAction):
    name = 'update'
    verbose_name = _('Edit Cluster')
    url = 'horizon:ha_admin:clusters:update'
    classes = ('ajax-modal',)
    icon = 'pencil'
    policy_rules = actions.rule('clusters:update')


class DeleteCluster(actions.Delete):
    policy_rules = actions.rule('clusters:delete')
    help_text = _(
        'Instances on its hosts are no longer brought back when a host '
        'fails. A cluster that still has hosts is not deleted.'
    )

    @staticmethod
    def action_present(count: int) -> Any:
        return ngettext_lazy('Delete Cluster', 'Delete Clusters', count)

    @staticmethod
    def action_past(count: int) -> Any:
        return ngettext_lazy('Deleted Cluster', 'Deleted Clusters', count)

    def ask(self, client: proxy.Proxy, ref: str) -> Sequence[str]:
        client.delete_cluster(ref)
        return ()


class AddHost(tables.LinkAction):
    name = 'add_host'
    verbose_name = _('Add Host')
    url = 'horizon:ha_admin:clusters:add'
    classes = ('ajax-modal',)
    icon = 'plus'
    policy_rules = actions.rule('hosts:add')


class ClusterFilter(tables.FilterAction):
    name = 'filter_ha_clusters'
    filter_type = 'server'
    filter_choices = (
        ('name', _('Name ='), True),
        ('mode', _('Mode ='), True, _('observe, ask or act')),
    )


class ClustersTable(base.Table):
    name = tables.Column(
        'name',
        verbose_name=_('Name'),
        link='horizon:ha_admin:clusters:detail',
    )
    mode = tables.Column(
        'mode', verbose_name=_('Mode'), display_choices=words.MODES
    )
    layers = tables.Column(
        'layers',
        verbose_name=_('Layers to protect'),
        filters=(words.layers,),
    )
    protects = tables.Column(
        'protects', verbose_name=_('Protects'), display_choices=words.PROTECTS
    )
    targets = tables.Column(
        'targets',
        verbose_name=_('Evacuates to'),
        display_choices=words.TARGETS,
    )
    shared_storage = tables.Column(
        'shared_storage',
        verbose_name=_('Shared storage'),
        filters=(defaultfilters.yesno, defaultfilters.capfirst),
    )

    class Meta:
        name = 'clusters'
        verbose_name = _('HA Clusters')
        table_actions = (ClusterFilter, CreateCluster, DeleteCluster)
        row_actions = (UpdateCluster, AddHost, DeleteCluster)


class AddHostHere(AddHost):
    """The same, to the cluster whose page this is."""

    def get_link_url(self, datum: Any = None) -> str:
        return reverse(self.url, args=(self.table.kwargs['cluster'],))


class RemoveHost(actions.Delete):
    name = 'remove'
    policy_rules = actions.rule('hosts:remove')
    help_text = _(
        'HASS no longer watches the host and no longer brings its instances '
        'back. A host that runs protected instances is not removed: '
        'unprotect or move them first.'
    )

    @staticmethod
    def action_present(count: int) -> Any:
        return ngettext_lazy('Remove Host', 'Remove Hosts', count)

    @staticmethod
    def action_past(count: int) -> Any:
        return ngettext_lazy('Removed Host', 'Removed Hosts', count)

    def ask(self, client: proxy.Proxy, ref: str) -> Sequence[str]:
        client.remove_host(ref)
        return ()


def protection(host: Any) -> Any:
    """Whether its instances would be brought back, or why not."""
    return _('Yes') if host.protected else '; '.join(host.unprotected_why)


class HostsTable(base.Table):
    name = tables.Column(
        'name',
        verbose_name=_('Name'),
        link='horizon:ha_admin:hosts:detail',
    )
    fence = tables.Column(
        lambda host: host.fence['state'],
        verbose_name=_('Fence'),
        display_choices=words.FENCES,
    )
    protected = tables.Column(protection, verbose_name=_('Protected'))
    warnings = tables.Column(
        lambda host: '; '.join(host.warnings), verbose_name=_('Warnings')
    )

    class Meta:
        name = 'hosts'
        verbose_name = _('Hosts')
        table_actions = (AddHostHere, RemoveHost)
        row_actions = (RemoveHost,)
