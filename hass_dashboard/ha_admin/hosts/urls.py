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

"""/ha_admin/hosts/"""

from django.urls import path

from hass_dashboard.ha_admin.hosts import views

urlpatterns = [
    path('', views.IndexView.as_view(), name='index'),
    path('<str:host>/', views.DetailView.as_view(), name='detail'),
    path('<str:host>/update/', views.UpdateView.as_view(), name='update'),
    path('<str:host>/key/', views.KeyView.as_view(), name='key'),
    path('<str:host>/waive/', views.WaiveView.as_view(), name='waive'),
    path(
        '<str:host>/maintenance/',
        views.MaintenanceView.as_view(),
        name='maintenance',
    ),
]
