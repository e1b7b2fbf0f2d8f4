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

"""What hass-engine refuses to start with, and what it starts with."""

import os
import pathlib
import signal
import socket
import subprocess
import sys

from hass.tests.functional.engine import base

TELL = """
import os, signal, sys, threading
from hass.cmd import engine
from hass.engine import service
start = service.Engine.start

def started(self):
    start(self)
    found = {name.partition('.')[0] for name in sys.modules}
    names = sorted(found & {'eventlet', 'greenlet'})
    print(f'with {names}', flush=True)
    os.kill(os.getpid(), signal.SIGTERM)

service.Engine.start = started
engine.main()
"""


class RefusalsTest(base.EngineTest):
    """One line that names section and option, code 1, and no open port."""

    def setUp(self):
        super().setUp()
        self.world = self.make_world()
        if 'not_migrated' not in self.id():
            self.world.migrate()

    def refused(self, *words, **changes):
        """The port is taken: who opened it would complain of that."""
        path = self.world.configure(**changes)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
            taken.bind(('127.0.0.1', self.world.ports['engine-1']))
            done = subprocess.run(
                [base.ENGINE, '--config-file', path],
                capture_output=True,
                text=True,
            )
        self.assertEqual(1, done.returncode, done.stderr)
        lines = done.stderr.strip().splitlines()
        self.assertEqual(1, len(lines), done.stderr)
        for word in ('hass-engine: ', *words):
            self.assertIn(word, lines[0])
        return lines[0]

    def test_a_value_that_is_no_number(self):
        self.refused(
            '[engine] workers',
            "'many'",
            'a whole number from 2 to 256',
            engine__workers='many',
        )

    def test_a_value_out_of_its_range(self):
        self.refused(
            '[recovery] claim_seconds',
            'greater than or equal to 2',
            recovery__claim_seconds='1',
        )

    def test_an_address_without_a_port(self):
        self.refused('[engine] listen: ', engine__listen='127.0.0.1')

    def test_an_option_of_the_database_library(self):
        self.refused(
            '[database] max_pool_size', database__max_pool_size='lots'
        )

    def test_a_port_that_cannot_be(self):
        self.refused('[engine] listen', engine__listen='127.0.0.1:99999')

    def test_a_port_for_panics_that_cannot_be(self):
        self.refused(
            '[detection] kdump_listen',
            detection__kdump_listen='127.0.0.1:99999',
        )

    def test_a_database_url_that_is_none(self):
        self.refused(
            '[database] connection',
            'driver://user:password@host/name',
            database__connection='mariadb at home',
        )

    def test_a_database_that_hass_does_not_know(self):
        said = self.refused(
            '[database] connection',
            'postgresql+psycopg',
            database__connection='oracle://hass:hunter2@db/hass',
        )
        self.assertNotIn('hunter2', said)

    def test_a_keyring_that_is_not_there(self):
        self.refused(
            '[secrets] keyring_file',
            'hass-manage keyring create',
            secrets__keyring_file='/nowhere/keyring',
        )

    def test_a_keyring_that_others_may_read(self):
        path = pathlib.Path(self.world.folder, 'keyring')
        path.chmod(0o644)
        self.refused('[secrets] keyring_file', '0600')

    def test_a_fencer_that_nobody_knows(self):
        self.refused(
            '[fencing] levels',
            "'telepathy' is not known",
            'ipmi',
            fencing__levels='telepathy',
        )

    def test_a_nova_without_a_log_in(self):
        self.refused('[nova] auth_type', nova__auth_type=None)

    def test_a_nova_url_that_is_missing(self):
        self.refused('[nova] auth_url', nova__auth_url=None)

    def test_a_message_bus_that_nobody_knows(self):
        self.refused('transport_url', DEFAULT__transport_url='carrot://x/')

    def test_notifications_from_a_message_bus_that_nobody_knows(self):
        said = self.refused(
            '[nova] notifications_url',
            'there is no driver carrot',
            nova__notifications_url='carrot://hass:hunter2@nova/',
        )
        self.assertNotIn('hunter2', said)

    def test_notifications_from_queues_of_no_known_kind(self):
        said = self.refused(
            '[nova] notifications_url',
            'perhaps',
            nova__notifications_url=(
                'rabbit://hass:hunter2@nova/?rabbit_quorum_queue=perhaps'
            ),
        )
        self.assertNotIn('hunter2', said)

    def test_a_database_that_was_not_migrated(self):
        self.refused('is at revision none', 'run hass-manage db sync')

    def test_a_credentials_file_that_is_not_there(self):
        self.refused(
            '[bmc] credentials_file',
            'FileNotFoundError',
            bmc__credentials_file='/nowhere/bmcs.yaml',
        )


class StartTest(base.EngineTest):
    def test_a_port_that_is_taken_is_one_line(self):
        world = self.make_world()
        world.migrate()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
            taken.bind(('127.0.0.1', world.ports['engine-1']))
            process = world.start()
            self.assertEqual(1, process.wait())
        self.assertIn('[engine] listen: ', world.said())
        self.assertNotIn('Traceback', world.said())

    def test_a_port_for_panics_that_is_taken_is_one_line(self):
        world = self.make_world()
        world.migrate()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
            taken.bind(('127.0.0.1', 0))
            port = taken.getsockname()[1]
            world.configure(detection__kdump_listen=f'127.0.0.1:{port}')
            process = world.start()
            self.assertEqual(1, process.wait())
        self.assertIn('[detection] kdump_listen: ', world.said())
        self.assertNotIn('Traceback', world.said())

    def test_no_eventlet_is_loaded_in_a_running_engine(self):
        world = self.make_world()
        world.migrate()
        path = world.configure()
        done = subprocess.run(
            [sys.executable, '-c', TELL, '--config-file', path],
            capture_output=True,
            text=True,
            env=os.environ | {'PYTHONPATH': os.pathsep.join(sys.path)},
        )
        self.assertIn('with []\n', done.stdout, done.stderr)

    def test_it_stops_when_it_is_told_and_leaves_no_voice(self):
        world = self.make_world()
        world.migrate()
        process = world.start()
        self.wait_ready(world)
        process.send_signal(signal.SIGTERM)
        self.assertEqual(0, process.wait(), world.said())
        self.assertFalse(world.hears_all())
        self.assertNotIn('Traceback', world.said())
