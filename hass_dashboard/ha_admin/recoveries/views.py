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

"""The pages of Recoveries."""

from collections.abc import Iterator
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from hass_dashboard.ha_admin.recoveries import tables
from hass_dashboard.ha_admin.recoveries import tabs as recovery_tabs
from hass_dashboard import views
from hassclient.v1 import proxy
from hassclient.v1 import recovery

INDEX = 'horizon:ha_admin:recoveries:index'


class IndexView(views.TableView):
    table_class = tables.RecoveriesTable
    page_title = _('Recoveries')

    def ask(
        self, client: proxy.Proxy, **query: Any
    ) -> Iterator[recovery.Recovery]:
        return client.recoveries(**query)


class DetailView(views.DetailView):
    tab_group_class = recovery_tabs.RecoveryTabs
    table_class = tables.RecoveriesTable
    unable = _('Unable to retrieve the recovery.')

    def ask_one(self, client: proxy.Proxy) -> recovery.Recovery:
        return client.get_recovery(self.kwargs['recovery'])

    def index_url(self) -> str:
        return reverse(INDEX)
