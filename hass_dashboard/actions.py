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

"""What the buttons of tables have in common."""

from collections.abc import Sequence
from typing import Any

from horizon import exceptions
from horizon import messages
from horizon import tables

from hass_dashboard import api
from hass_dashboard import errors
from hassclient.v1 import proxy

Rules = tuple[tuple[str, str], ...]


def rule(name: str) -> Rules:
    """What policy_rules of an action wants: one rule of ours."""
    return (('ha', f'ha:{name}'),)


class Batch(tables.BatchAction):
    """Asks the API for each of the chosen rows, and tells what it says.

    Horizon shows help_text and asks once more if its action_type is danger.
    """

    def ask(self, client: proxy.Proxy, ref: str) -> Sequence[str]:
        """Do it to one.

        :returns: warnings
        """
        raise NotImplementedError

    def action(self, request: Any, ref: str) -> None:
        try:
            with api.asked(request) as client:
                warnings = self.ask(client, ref)
        except errors.Refused:
            exceptions.handle(request, '%(exc)s', escalate=True, details='')
        for warning in warnings:
            messages.warning(request, warning)


class Delete(Batch):
    """The same, in red."""

    name = 'delete'
    icon = 'trash'
    action_type = 'danger'
