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

"""The pages of HA Clusters."""

from collections.abc import Iterator
from typing import Any

from django.urls import reverse
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _

from hass_dashboard.ha_admin.clusters import forms
from hass_dashboard.ha_admin.clusters import tables
from hass_dashboard.ha_admin.clusters import tabs as cluster_tabs
from hass_dashboard import views
from hassclient.v1 import cluster
from hassclient.v1 import proxy

INDEX = 'horizon:ha_admin:clusters:index'


class IndexView(views.TableView):
    table_class = tables.ClustersTable
    page_title = _('HA Clusters')

    def ask(
        self, client: proxy.Proxy, **query: Any
    ) -> Iterator[cluster.Cluster]:
        return client.clusters(**query)


class CreateView(views.FormView):
    form_class = forms.CreateCluster
    form_id = 'create_cluster'
    page_title = _('Create Cluster')
    submit_label = _('Create Cluster')
    submit_url = reverse_lazy('horizon:ha_admin:clusters:create')
    success_url = reverse_lazy(INDEX)
    explanation = _(
        'When a host of the cluster fails, HASS cuts it off and brings its '
        'protected instances back on another. A cluster needs two hosts at '
        'least.'
    )


class OfCluster:
    """Pages about one cluster."""

    kwargs: Any
    unable = _('Unable to retrieve the cluster.')

    def ask_one(self, client: proxy.Proxy) -> cluster.Cluster:
        return client.get_cluster(self.kwargs['cluster'])

    def index_url(self) -> str:
        return reverse(INDEX)


class UpdateView(OfCluster, views.OfOne, views.FormView):
    form_class = forms.UpdateCluster
    form_id = 'update_cluster'
    page_title = _('Edit Cluster')
    submit_label = _('Save')
    success_url = reverse_lazy(INDEX)
    explanation = _(
        'What is changed counts from the next fault on. Recoveries that are '
        'under way go on as they began.'
    )

    @property
    def submit_url(self) -> str:
        return reverse('horizon:ha_admin:clusters:update', kwargs=self.kwargs)

    def get_initial(self) -> dict[str, Any]:
        found = self.get_object()
        names = forms.ClusterFields.base_fields
        return {
            'cluster': found.uuid,
            **{name: getattr(found, name) for name in names},
        }


class AddHostView(views.FormView):
    form_class = forms.AddHost
    form_id = 'add_host'
    page_title = _('Add Host')
    submit_label = _('Add Host')
    explanation = _(
        'HASS tries the fence of the host at once, without cutting it off. '
        'The key of its agent is shown only once, on the next page.'
    )

    @property
    def submit_url(self) -> str:
        return reverse('horizon:ha_admin:clusters:add', kwargs=self.kwargs)

    @property
    def success_url(self) -> str:
        return reverse('horizon:ha_admin:clusters:detail', kwargs=self.kwargs)

    def get_initial(self) -> dict[str, Any]:
        return dict(self.kwargs)


class DetailView(OfCluster, views.DetailView):
    tab_group_class = cluster_tabs.ClusterTabs
    table_class = tables.ClustersTable
