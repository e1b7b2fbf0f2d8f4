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

"""The pages of HA Instances, of all projects."""

from hass_dashboard.ha_admin.instances import tables
from hass_dashboard.instances import views


class Ours:
    """In this dashboard."""

    dashboard = 'ha_admin'
    everybody = True
    table_class = tables.InstancesTable


class IndexView(Ours, views.IndexView):
    pass


class ProtectView(Ours, views.ProtectView):
    pass


class EditView(Ours, views.EditView):
    pass


class DetailView(Ours, views.DetailView):
    pass
