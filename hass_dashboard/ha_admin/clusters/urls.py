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

"""/ha_admin/: the default panel has no name of its own there."""

from django.urls import path

from hass_dashboard.ha_admin.clusters import views

urlpatterns = [
    path('', views.IndexView.as_view(), name='index'),
    path('create/', views.CreateView.as_view(), name='create'),
    path('cluster/<str:cluster>/', views.DetailView.as_view(), name='detail'),
    path(
        'cluster/<str:cluster>/update/',
        views.UpdateView.as_view(),
        name='update',
    ),
    path(
        'cluster/<str:cluster>/add_host/',
        views.AddHostView.as_view(),
        name='add',
    ),
]
