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

"""Serves signs of life that agents send over the bus."""

import oslo_messaging

from hass.engine import endpoint
from hass.rpc import api
from hass.rpc import messages
from hass.rpc import transport


class SignsEndpoint:
    """Serves ``signs`` on ``hass.reports``.

    :param reports: believes messages of agents, and notes when they were sent
    """

    target = oslo_messaging.Target(
        namespace=api.SIGNS_NAMESPACE, version=api.SIGNS_VERSION
    )

    def __init__(self, reports: endpoint.ReportsEndpoint) -> None:
        self._reports = reports

    @transport.exposed
    def alive(self, context: object, envelope: object) -> None:
        """See rpc/api.py."""
        self._reports.answer(messages.Alive, envelope, lambda alive: {})
