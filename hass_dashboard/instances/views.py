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

"""The pages about instances; each dashboard has its own of them."""

from collections.abc import Iterator
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from hass_dashboard.instances import forms
from hass_dashboard.instances import tabs as instance_tabs
from hass_dashboard import views
from hassclient.v1 import instance
from hassclient.v1 import proxy


class OfDashboard:
    """Pages of one dashboard.

    :cvar dashboard: its slug
    :cvar everybody: whether it is about all projects
    """

    kwargs: Any
    request: Any
    dashboard: str
    everybody = False

    def link(self, page: str) -> str:
        """Another page with the arguments of this one."""
        args = {} if page == 'index' else self.kwargs
        url = f'horizon:{self.dashboard}:instances:{page}'
        return reverse(url, kwargs=args)

    @property
    def success_url(self) -> str:
        return self.link('index')

    @property
    def project_id(self) -> str | None:
        """Whose instances; None: of all projects."""
        if self.everybody:
            return None
        project: str = self.request.user.project_id
        return project

    unable = _('Unable to retrieve the instance.')

    def ask_one(self, client: proxy.Proxy) -> instance.Instance:
        return client.get_instance(self.kwargs['instance'])

    def index_url(self) -> str:
        return self.link('index')


class IndexView(OfDashboard, views.TableView):
    page_title = _('HA Instances')

    def ask(
        self, client: proxy.Proxy, **query: Any
    ) -> Iterator[instance.Instance]:
        return client.instances(**{'project_id': self.project_id, **query})


class ProtectView(OfDashboard, views.FormView):
    form_class = forms.ProtectInstances
    form_id = 'protect_instances'
    page_title = _('Protect Instances')
    submit_label = _('Protect')
    explanation = _(
        'A protected instance is brought back on another host when its host '
        'fails; it starts anew there. It must be active, on a host of a '
        'cluster, and its root disk must be a volume or on storage that the '
        'hosts share. Faults inside are seen if its flavor or image has a '
        'watchdog (hw:watchdog_action) and a guest agent '
        '(hw_qemu_guest_agent).'
    )

    @property
    def submit_url(self) -> str:
        return self.link('protect')

    def get_initial(self) -> dict[str, Any]:
        return {'project_id': self.project_id}


class EditView(OfDashboard, views.OfOne, views.FormView):
    form_class = forms.EditProtection
    form_id = 'edit_protection'
    page_title = _('Edit Protection')
    submit_label = _('Save')

    @property
    def submit_url(self) -> str:
        return self.link('edit')

    @property
    def explanation(self) -> str:
        return str(self.get_object().why)

    def get_initial(self) -> dict[str, Any]:
        found = self.get_object()
        return {
            'instance': found.uuid,
            'protected': found.created_at is not None,
        }


class DetailView(OfDashboard, views.DetailView):
    tab_group_class = instance_tabs.InstanceTabs
