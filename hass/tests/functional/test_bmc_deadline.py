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

"""Nothing is sent to a BMC after the deadline, whoever was stopped."""

import dataclasses
import json
import signal
import subprocess
import sys
import threading

import psutil

from hass import bmc
from hass import exception
from hass.tests.functional import bmc_base

CHASSIS_CONTROL = (0x00, 0x02)
ENGINE = """
import json, os, signal, sys
from hass import bmc, clock, exception
hands = clock.SystemClock()
bmcs = bmc.Bmc(hands, call_seconds=5, workers=1)
address = bmc.Address(*json.loads(sys.stdin.readline()))
deadline = clock.FixedDeadline(hands, 2)
bmcs.power(address)
print('looked', flush=True)
os.kill(os.getpid(), signal.SIGSTOP)
try:
    bmcs.power_off(address, deadline)
    print('sent', flush=True)
except exception.ClaimExpired:
    print('refused', flush=True)
bmcs.close()
"""


class Drifting:
    """A deadline that passes just after the last look at it."""

    def __init__(self, deadline):
        self.deadline = deadline

    def at(self):
        return self.deadline.at()

    def check(self):
        """The parent believes that there is time."""


class DeadlineTest(bmc_base.BmcTest):
    call_seconds = 10.0
    workers = 1

    def setUp(self):
        super().setUp()
        self.changes: list[bool] = []
        self.responder = self.make_responder(
            hook=lambda is_on, cause: self.changes.append(is_on)
        )
        self.at = self.address(self.responder)
        self.assertEqual(bmc.PowerState.ON, self.bmcs.power(self.at))

    def wait_until_past(self, deadline):
        self.wait_for(
            lambda: self.clock.monotonic() > deadline.at(), why='deadline'
        )

    def test_the_worker_itself_refuses(self):
        self.assertRaises(
            exception.ClaimExpired,
            self.bmcs.power_off,
            self.at,
            Drifting(self.deadline(-0.1)),
        )
        self.assertEqual(bmc.PowerState.ON, self.bmcs.power(self.at))
        self.assertEqual([], self.changes)

    def test_a_worker_that_was_stopped_sends_nothing_when_continued(self):
        (worker,) = self.processes()
        worker.suspend()
        self.addCleanup(worker.resume)
        deadline = self.deadline(0.5)
        outcome = []
        caller = threading.Thread(
            target=lambda: outcome.append(
                self.assertRaises(
                    exception.ClaimExpired,
                    self.bmcs.power_off,
                    self.at,
                    deadline,
                )
            )
        )
        caller.start()
        self.wait_until_past(deadline)
        worker.resume()
        caller.join()
        self.assertEqual(1, len(outcome))
        self.assertEqual(bmc.PowerState.ON, self.bmcs.power(self.at))
        self.assertEqual([], self.changes)

    def test_an_engine_stopped_between_look_and_act_sends_nothing(self):
        engine = subprocess.Popen(
            [sys.executable, '-c', ENGINE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.addCleanup(engine.communicate)
        self.addCleanup(engine.send_signal, signal.SIGCONT)
        orders, answers = engine.stdin, engine.stdout
        assert orders and answers
        orders.write(json.dumps(dataclasses.astuple(self.at)) + '\n')
        orders.flush()
        self.assertEqual('looked\n', answers.readline())
        self.wait_for(
            lambda: psutil.Process(engine.pid).status() == 'stopped',
            why='the engine to be stopped',
        )
        self.wait_until_past(self.deadline(2))
        engine.send_signal(signal.SIGCONT)
        self.assertEqual('refused\n', answers.readline())
        self.assertEqual([], self.changes)

    def test_an_act_whose_answer_is_lost_is_not_repeated(self):
        impatient = bmc.Bmc(self.clock, call_seconds=2, workers=1)
        self.addCleanup(impatient.close)
        commands = self.responder.commands
        commands.scripted[CHASSIS_CONTROL] = None
        self.assertRaises(
            exception.BmcUnreachable,
            impatient.power_off,
            self.at,
            self.deadline(),
        )
        self.assertEqual(1, commands.asked[CHASSIS_CONTROL])
        self.assertEqual([False], self.changes)
