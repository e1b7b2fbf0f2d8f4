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

"""The client stands alone, and knows the words of the services."""

import argparse
import pathlib
import pkgutil
import subprocess
import sys

import fixtures
from keystoneauth1 import exceptions

from hass.api import microversion
from hass.db import models
from hass import entitlement
from hass import faults
from hass.tests import base
import hassclient
from hassclient import clock
from hassclient.osc import cluster
from hassclient.osc import command
from hassclient.osc import notification
from hassclient.osc import plugin
from hassclient.osc import progress
from hassclient.v1 import proxy
from hassclient.v1 import resource

ALONE = """
import sys, threading
before = set(threading.enumerate())
import {modules}
assert set(threading.enumerate()) == before, 'it starts threads'
alien = [m for m in sys.modules if m.split('.')[0] in ('hass', 'eventlet')]
assert not alien, alien
"""


class StandsStill(clock.Clock):
    """Time passes only while somebody waits."""

    seconds = 0.0

    def monotonic(self):
        return self.seconds

    def pause(self, seconds):
        self.seconds += seconds


class TestClient(base.TestCase):
    def test_it_imports_nothing_of_the_services(self):
        found = pkgutil.walk_packages(hassclient.__path__, 'hassclient.')
        modules = ', '.join(module.name for module in found)
        done = subprocess.run(
            [sys.executable, '-c', ALONE.format(modules=modules)],
            capture_output=True,
            text=True,
        )
        self.assertEqual(0, done.returncode, done.stderr)

    def test_it_knows_the_words_of_the_services(self):
        for known, words in (
            (cluster.LAYERS, faults.Layer),
            (cluster.MODES, models.Mode),
            (cluster.TARGETS, models.Targets),
            (cluster.PROTECTS, entitlement.Protects),
            (notification.STATES, models.NotificationState),
        ):
            self.assertEqual(list(words), list(known))

    def test_it_speaks_the_newest_version_of_the_api(self):
        self.assertEqual(str(microversion.MAX), resource.MAX_MICROVERSION)
        self.assertIn(str(microversion.MIN), plugin.API_VERSIONS)

    def test_the_former_type_is_warned_of_once(self):
        proxy._warn_of_former_type.cache_clear()
        logged = self.useFixture(fixtures.FakeLogger())
        for offered, found in (
            ({'hass', 'ha', 'instance-ha'}, 'hass'),
            ({'ha', 'instance-ha'}, 'ha'),
            ({'ha'}, 'ha'),
        ):
            kind = proxy.service_type(offered.__contains__)
            self.assertEqual(found, kind)
        self.assertEqual(1, logged.output.count('has to register it'))
        self.assertRaises(
            exceptions.EndpointNotFound,
            proxy.service_type,
            {'instance-ha'}.__contains__,
        )

    def test_pairs_and_documents_are_read_and_mistakes_are_named(self):
        self.assertEqual(('a', 'b=c'), command.pair('a=b=c'))
        self.assertEqual([1], command.document('[1]'))
        path = pathlib.Path(self.make_folder(), 'rules')
        path.write_text('- lost: [storage]')
        found = command.document(f'@{path}')
        self.assertEqual([{'lost': ['storage']}], found)
        for parse, text in (
            (command.pair, 'rack'),
            (command.pair, '=r1'),
            (command.document, '{'),
            (command.document, '@/nowhere'),
        ):
            self.assertRaises(argparse.ArgumentTypeError, parse, text)

    def test_waiting_looks_until_it_is_done(self):
        still = StandsStill()
        found = progress.Wait(still, None, poll_seconds=2.0).until(
            lambda: still.seconds,
            lambda seconds: seconds >= 10,
            lambda seconds: progress.Stage('it takes its time'),
        )
        self.assertEqual(10, found)
