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
import types

import fixtures
from keystoneauth1 import exceptions
from openstack import exceptions as sdk

from hass.api import microversion
from hass.db import models
from hass import entitlement
from hass import faults
from hass.tests import base
import hassclient
from hassclient import clock
from hassclient import errors
from hassclient.osc import cluster
from hassclient.osc import command
from hassclient.osc import names
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

    def test_what_404_means_is_told(self):
        for said, then in (
            ('host x was not found', 'the lists tell what there is'),
            ('GET /v1/losses is new in version 1.6', '--os-hass-api-version'),
            ('there is no path /clusters', 'is the endpoint right?'),
            ('', 'is the endpoint right?'),
        ):
            error = sdk.NotFoundException(details=said, http_status=404)
            told = errors.sentence(error)
            self.assertIn(said, told)
            self.assertIn(then, told)

    def test_a_project_is_taken_as_it_is_where_no_catalog_names_keystone(self):
        bare = types.SimpleNamespace(identity=object())
        manager = types.SimpleNamespace(sdk_connection=bare)
        self.assertEqual('blue', names.project(manager, 'blue'))

    def test_a_sentence_keeps_the_dots_of_a_name(self):
        error = sdk.HttpException(details="must not be '..'.", http_status=400)
        self.assertEqual("must not be '..' (HTTP 400)", errors.words(error))

    def test_numbers_times_and_orders_are_read_and_mistakes_are_named(self):
        self.assertEqual(7, command.number(1)('7'))
        self.assertEqual(0.5, command.seconds(0)('0.5'))
        self.assertEqual(('name', None), command.order('name'))
        self.assertEqual(('name', 'desc'), command.order('name:desc'))
        for parse, text, wanted in (
            (command.number(1), '0', 'a whole number from 1 on'),
            (command.number(1), '1.5', 'a whole number from 1 on'),
            (command.number(1), '9' * 30, 'a whole number from 1 on'),
            (command.number(1, 9), '10', 'a whole number from 1 to 9'),
            (command.seconds(0), '-1', 'seconds, 0 or more'),
            (command.seconds(0), 'nan', 'seconds, 0 or more'),
            (command.seconds(0), 'inf', 'seconds, 0 or more'),
            (command.seconds(0.1, 9), 'x', 'seconds, 0.1 to 9'),
            (command.order, 'name:', 'KEY, KEY:asc or KEY:desc'),
            (command.order, 'name:up', 'KEY, KEY:asc or KEY:desc'),
        ):
            error = self.assertRaises(argparse.ArgumentTypeError, parse, text)
            self.assertIn(f'{text!r}: wanted', str(error))
            self.assertIn(wanted, str(error))

    def test_waiting_looks_until_it_is_done(self):
        still = StandsStill()
        found = progress.Wait(still, None, poll_seconds=2.0).until(
            lambda: still.seconds,
            lambda seconds: seconds >= 10,
            lambda seconds: progress.Stage('it takes its time'),
        )
        self.assertEqual(10, found)
