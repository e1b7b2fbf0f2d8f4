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

"""The agent as a service of oslo.service."""

from oslo_service import service as oslo_service

from hass.agent import service
from hass import clock
from hass.metrics import listener


class Daemon(oslo_service.ServiceBase):  # type: ignore[misc]
    """Runs one agent until SIGTERM."""

    def __init__(
        self, agent: service.Agent, metrics: listener.Listener
    ) -> None:
        self._agent = agent
        self._metrics = metrics

    def start(self) -> None:
        self._metrics.start()
        self._agent.start()

    def stop(self, graceful: bool = False) -> None:
        self._agent.stop(planned=True)
        self._metrics.stop()

    def wait(self) -> None:
        # The handler of SIGTERM stops the agent and ends the process.
        clock.wait_for_ever()

    def reset(self) -> None:
        """Nothing is read anew."""
