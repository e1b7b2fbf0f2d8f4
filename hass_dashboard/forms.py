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

"""What the forms have in common."""

from typing import Any

from horizon import exceptions
from horizon import forms
from horizon import messages

from hass_dashboard import api
from hass_dashboard import errors
from hassclient.v1 import proxy


class Form(forms.SelfHandlingForm):
    """Asks the API for what was filled in."""

    def ask(self, client: proxy.Proxy, data: dict[str, Any]) -> Any:
        """Do it.

        :returns: what the user is told, or a page
        """
        raise NotImplementedError

    def handle(self, request: Any, data: dict[str, Any]) -> Any:
        """A refusal leaves the form open, with the API's own words."""
        try:
            with api.asked(request) as client:
                done = self.ask(client, data)
        except errors.Refused as error:
            self.api_error(str(error))
            return False
        except errors.LoggedOut:
            exceptions.handle(request)
        if isinstance(done, str):
            messages.success(request, done)
            return True
        return done
