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

"""hass-engine: diagnoses, fences, evacuates, returns."""

import socket
import sys

from oslo_service import service as oslo_service

from hass import clock
from hass import conf as options
from hass.engine import service
from hass import exception
from hass import origin


class EngineService(oslo_service.ServiceBase):  # type: ignore[misc]
    """The engine as oslo.service wants it."""

    def __init__(self, engine: service.Engine) -> None:
        self._engine = engine

    def start(self) -> None:
        self._engine.start()

    def stop(self) -> None:
        self._engine.stop()

    def wait(self) -> None:
        # The handler of SIGTERM stops the engine and ends the process.
        clock.wait_for_ever()

    def reset(self) -> None:
        """Options are read at the start only."""


def main() -> None:
    """Run one engine until it is told to stop."""
    conf = options.prepare(sys.argv[1:], 'hass-engine')
    try:
        engine = EngineService(service.Engine(conf, clock.SystemClock()))
        origin.set_up(conf, 'hass-engine', socket.gethostname())
        oslo_service.launch(conf, engine, workers=1, no_fork=True)
    except exception.HassError as error:
        sys.exit(f'hass-engine: {error}')
