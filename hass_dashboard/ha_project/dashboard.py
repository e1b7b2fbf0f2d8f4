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

"""HA Project: what tenants see."""

from django.utils.translation import gettext_lazy as _
import horizon

from hass_dashboard import api


class HaProject(horizon.Dashboard):
    """Only where the cloud has HASS."""

    name = _('HA Project')
    slug = 'ha_project'
    panels = ('instances',)
    default_panel = 'instances'
    permissions = (api.IN_CATALOG,)
    policy_rules = (('ha', 'ha:instances:list'),)


horizon.register(HaProject)
