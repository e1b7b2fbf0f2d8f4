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

"""What the pages have in common."""

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext_lazy as _
from horizon import exceptions
from horizon import forms
from horizon import tables
from horizon import tabs
from horizon.utils import functions
from horizon.utils import memoized

from hass_dashboard import api
from hass_dashboard import errors
from hassclient.v1 import proxy
from hassclient.v1 import resource


class TableView(tables.DataTableView):
    """One page of a list, by one call of the API."""

    _more = False

    def ask(
        self, client: proxy.Proxy, **query: Any
    ) -> Iterator[resource.Resource]:
        """The list.

        :param query: limit, marker, and what the table filters by
        """
        raise NotImplementedError

    def get_data(self) -> list[resource.Resource]:
        size = functions.get_page_size(self.request)
        marker = self.request.GET.get(self.table_class._meta.pagination_param)
        query = self.get_filters({'limit': size + 1, 'marker': marker})
        try:
            with api.asked(self.request) as client:
                found = list(self.ask(client, **query))
        except errors.Refused:
            exceptions.handle(self.request, _('Unable to retrieve the list.'))
            return []
        self._more = len(found) > size
        return found[:size]

    def has_more_data(self, table: Any) -> bool:
        return self._more


class FormView(forms.ModalFormView):
    """A form in a dialogue.

    :cvar explanation: what stands beside its fields
    """

    template_name = 'hass_dashboard/form.html'
    explanation: Any = ''

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(explanation=self.explanation, **kwargs)


class OfOne:
    """Pages about one thing, which the API is asked for once.

    :cvar unable: what is said when that fails
    """

    unable: Any
    request: Any

    def ask_one(self, client: proxy.Proxy) -> resource.Resource:
        """The thing that the URL names."""
        raise NotImplementedError

    def index_url(self) -> str:
        """Where one is led when there is no such thing."""
        raise NotImplementedError

    @memoized.memoized_method
    def get_object(self) -> Any:
        try:
            with api.asked(self.request) as client:
                return self.ask_one(client)
        except errors.Refused:
            exceptions.handle(
                self.request, self.unable, redirect=self.index_url()
            )


class DetailView(OfOne, tabs.TabbedTableView):
    """One thing in tabs.

    :cvar table_class: the list that it stands in; its buttons are here too
    """

    table_class: Any
    template_name = 'horizon/common/_detail.html'
    _tab_group: Any = None
    page_title = '{{ title }}'

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        table = self.table_class(self.request)
        found = self.get_object()
        return super().get_context_data(
            title=table.get_object_display(found),
            url=self.index_url(),
            actions=table.render_row_actions(found),
            **kwargs,
        )

    def get_tabs(self, request: Any, **kwargs: Any) -> tabs.TabGroup:
        if self._tab_group is None:
            self._tab_group = self.tab_group_class(
                request, found=self.get_object(), **self.kwargs
            )
        return self._tab_group
