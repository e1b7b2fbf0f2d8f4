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

"""The page of Losses."""

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext_lazy as _

from hass_dashboard.ha_admin.losses import tables
from hass_dashboard import views
from hassclient.v1 import loss
from hassclient.v1 import proxy


class IndexView(views.TableView):
    table_class = tables.LossesTable
    page_title = _('Losses')

    def ask(self, client: proxy.Proxy, **query: Any) -> Iterator[loss.Loss]:
        return client.losses(**query)
