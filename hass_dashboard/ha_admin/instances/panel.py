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

"""HA Instances."""

from django.utils.translation import gettext_lazy as _
import horizon

from hass_dashboard.ha_admin import dashboard


class Instances(horizon.Panel):
    """Who is protected, in all projects."""

    name = _('HA Instances')
    slug = 'instances'
    policy_rules = (('ha', 'ha:instances:list_all_projects'),)


dashboard.HaAdmin.register(Instances)
