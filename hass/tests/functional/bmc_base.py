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

"""BMCs that speak IPMI on loopback, and the door to them."""

import contextlib
import os
import sys
import uuid

import psutil

from hass import bmc
from hass.bmc import pool
from hass import clock
from hass.simulation import bmc as simulation
from hass.tests import base
from tools import packages

USERNAME = 'admin'
PASSWORD = 'Zk7.of.a.BMC'


class BmcTest(base.TestCase):
    """``self.bmcs`` is the door; make_responder() makes BMCs."""

    call_seconds = 5.0
    workers = 2

    def setUp(self):
        super().setUp()
        self.clock = clock.SystemClock()
        self.bmcs = bmc.Bmc(
            self.clock, call_seconds=self.call_seconds, workers=self.workers
        )
        self.addCleanup(self.bmcs.close)

    def make_responder(self, **chassis):
        machine = simulation.Chassis(self.clock, uuid.uuid4(), **chassis)
        return self.serve(machine)

    def serve(self, machine, port=0):
        responder = simulation.Responder(
            machine, self.clock, USERNAME, PASSWORD, port=port
        )
        responder.start()
        self.addCleanup(responder.stop)
        return responder

    def address(self, responder, password=PASSWORD):
        return bmc.Address('127.0.0.1', responder.port, USERNAME, password)

    def deadline(self, seconds=60):
        return clock.FixedDeadline(self.clock, seconds)

    def processes(self):
        """Those that talk to BMCs; other tests leave servers running."""
        found = []
        for child in psutil.Process().children():
            # One that just ended has no command line any more.
            with contextlib.suppress(psutil.NoSuchProcess):
                if pool.MODULE in child.cmdline():
                    found.append(child)
        return found

    def need(self, *names):
        """Debian packages without which the test is left out, not in CI."""
        try:
            packages.ensure(*names)
        except packages.LeftOut as why:
            if 'CI' in os.environ:
                raise
            sys.stderr.write(f'{self.id()}: {why}\n')
            self.skipTest(str(why))
