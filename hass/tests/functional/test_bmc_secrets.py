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

"""A BMC's password is where it must be and nowhere else."""

import logging
import pathlib
import traceback

from hass import exception
from hass.tests.functional import bmc_base


class SecretTest(bmc_base.BmcTest):
    call_seconds = 0.5

    def setUp(self):
        super().setUp()
        self.responder = self.make_responder()
        self.secrets = [bmc_base.PASSWORD, 'Zk8.not.the.password']
        self.failures = []
        for password in self.secrets:
            self.try_everything(self.address(self.responder, password))

    def try_everything(self, address):
        logging.getLogger().info('asking %r, %s', address, address)
        for verb in ('power', 'identity', 'sensors', 'watchdog'):
            self.note(getattr(self.bmcs, verb), address)
        for verb in ('power_on', 'power_off'):
            for seconds in (5, -5):
                act = getattr(self.bmcs, verb)
                self.note(act, address, self.deadline(seconds))
        self.responder.chassis.mute = True
        self.note(self.bmcs.power, address)
        self.responder.chassis.mute = False

    def note(self, call, *arguments):
        try:
            call(*arguments)
        except exception.HassError as error:
            self.failures.append(error)
            logging.getLogger().exception('as a service would log it')

    def assert_clean(self, text):
        for secret in self.secrets:
            self.assertNotIn(secret, text)

    def test_no_error_and_no_log_tells_it(self):
        self.assertGreater(len(self.failures), 5)
        for error in self.failures:
            told = traceback.format_exception(error)
            self.assert_clean(''.join(told) + repr(error) + repr(vars(error)))
        self.assert_clean(self.log.output)

    def test_no_process_shows_it(self):
        self.assertNotEqual([], self.processes())
        for process in pathlib.Path('/proc').glob('[0-9]*'):
            try:
                shown = (process / 'cmdline').read_bytes()
            except OSError:
                continue
            self.assert_clean(shown.decode(errors='replace'))
        for child in self.processes():
            self.assert_clean(repr(child.environ()))
