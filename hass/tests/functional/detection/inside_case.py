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

"""A host, as its detectors see it from inside."""

import os
import subprocess
import sys
from typing import Any

from oslo_config import cfg

from hass import clock
from hass import conf
from hass.detection import base as detection
from hass.tests import base
from hass.tests.contracts import detector
from tools import packages


class BesideCase(base.TestCase):
    """Runs programs beside the test."""

    def need(self, *names):
        """Debian packages without which the test is left out, not in CI."""
        try:
            packages.ensure(*names)
        except packages.LeftOut as why:
            if 'CI' in os.environ:
                raise
            sys.stderr.write(f'{self.id()}: {why}\n')
            self.skipTest(str(why))

    def run_beside(self, *command: str) -> Any:
        """A program that ends with the test."""
        pipe, null = subprocess.PIPE, subprocess.DEVNULL
        process = subprocess.Popen(
            command, stdin=pipe, stdout=pipe, stderr=null
        )
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        return process


class InsideContract(BesideCase, detector.DetectorContract):
    """The detector gets the options that a test sets."""

    detector: Any

    def make_detector(self, group='agent', **options):
        settings = cfg.ConfigOpts()
        conf.register(settings)
        settings([], default_config_files=[])
        for option, value in options.items():
            settings.set_override(option, value, group)
        tools = detection.Tools(settings, clock.SystemClock())
        self.subject = detection.Subject('compute-1')
        self.detector = self.detector_class(tools)
        self.addCleanup(self.detector.close)
