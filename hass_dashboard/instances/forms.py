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

"""Who is to be protected."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from horizon import forms
from openstack_dashboard import api as openstack

from hass_dashboard import api
from hass_dashboard import forms as base
from hassclient.v1 import proxy


class ProtectInstances(base.Form):
    instances = forms.MultipleChoiceField(
        label=_('Instances'), widget=forms.ThemableCheckboxSelectMultiple()
    )

    def __init__(self, request: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(request, *args, **kwargs)
        self.fields['instances'].choices = unprotected(
            request, self.initial['project_id']
        )

    def ask(self, client: proxy.Proxy, data: dict[str, Any]) -> str:
        for uuid in data['instances']:
            client.protect_instance(uuid=uuid)
        count = len(data['instances'])
        return (
            ngettext(
                'Protected %d instance.', 'Protected %d instances.', count
            )
            % count
        )


class EditProtection(base.Form):
    protected = forms.BooleanField(
        label=_('Chosen to be protected'),
        required=False,
        help_text=_(
            'If it is not chosen, its cluster and its metadata decide.'
        ),
    )

    def ask(self, client: proxy.Proxy, data: dict[str, Any]) -> str:
        uuid = self.initial['instance']
        if data['protected'] != self.initial['protected']:
            if data['protected']:
                client.protect_instance(uuid=uuid)
            else:
                client.unprotect_instance(uuid)
        return str(client.get_instance(uuid).why)


def unprotected(request: Any, project_id: str | None) -> list[tuple[str, str]]:
    """Nova's instances that were not chosen, to choose from.

    :param project_id: whose; None: of all projects
    :raises hass_dashboard.errors.Refused: the API cannot be asked
    """
    with api.asked(request) as client:
        chosen = {one.uuid for one in client.instances(project_id=project_id)}
    everybody = {'all_tenants': True} if project_id is None else None
    servers, _more = openstack.nova.server_list(request, everybody)
    return [
        (one.id, f'{one.name} ({one.status})')
        for one in servers
        if one.id not in chosen
    ]
