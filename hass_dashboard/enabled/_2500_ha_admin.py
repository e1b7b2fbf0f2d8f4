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

"""Horizon shows HA Admin: copy this into openstack_dashboard/local/enabled."""

from hass_dashboard import errors

DASHBOARD = 'ha_admin'
ADD_INSTALLED_APPS = ['hass_dashboard', 'hass_dashboard.ha_admin']
ADD_JS_FILES = ['hass_dashboard/live.js']
ADD_EXCEPTIONS = {
    'unauthorized': (errors.LoggedOut,),
    'not_found': (errors.Missing,),
    'recoverable': (errors.Refused,),
}
