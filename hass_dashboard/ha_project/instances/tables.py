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

"""Who is protected in the own project."""

from django.utils.translation import gettext_lazy as _
from horizon import tables

from hass_dashboard.instances import tables as base


class InstancesTable(base.InstancesTable):
    dashboard = 'ha_project'
    name = tables.Column(
        'name',
        verbose_name=_('Name'),
        link='horizon:ha_project:instances:detail',
    )

    class Meta:
        name = 'instances'
        verbose_name = _('HA Instances')
        columns = ('name', 'cluster', 'created_at')
        table_actions = (base.Protect, base.Unprotect)
        row_actions = (base.EditProtection, base.Unprotect)
