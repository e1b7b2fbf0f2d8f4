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

"""A real engine, a key that is exchanged, and who signs with another one."""

import socket
import threading

from hass import beats
from hass.db import hosts
from hass.db import services
from hass.tests.functional.engine import base

HOST = 'a'
NEWEST = 'the-newest-key'


class Sender(threading.Thread):
    """Beats of one agent, five times a second."""

    def __init__(self, world, host, key):
        super().__init__(daemon=True)
        self._world = world
        self._host = host
        self._key = key
        self._stopping = threading.Event()

    def run(self):
        clock = self._world.clock
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            number = 1_000_000
            while not self._stopping.wait(0.2):
                number += 1
                beat = beats.Beat(
                    self._host,
                    'boot-1',
                    number,
                    beats.wall(clock),
                    clock.monotonic(),
                    'management',
                )
                datagram = beats.pack(beat, self._key.encode())
                for port in self._world.ports.values():
                    sender.sendto(datagram, ('127.0.0.1', port))

    def stop(self):
        self._stopping.set()
        self.join()


class KeysTest(base.EngineTest):
    def setUp(self):
        super().setUp()
        self.world = self.make_world()
        self.world.migrate()

    def rotate(self, key):
        self.world.database.write(
            hosts.rotate_key, HOST, self.world.keyring.encrypt(key)
        )

    def send(self, host, key):
        sender = Sender(self.world, host, key)
        sender.start()
        self.addCleanup(sender.stop)

    def counting(self):
        """How many keys of the host count."""
        return len(self.world.database.read(hosts.agent_keys)[HOST])

    def strangers(self):
        return [
            (one['name'], one['known'], one['address'])
            for row in self.world.database.read(services.strangers, 30.0)
            for one in row or ()
        ]

    def test_an_agent_is_heard_until_it_uses_the_newest_of_all_keys(self):
        self.rotate('never-used')
        self.rotate(NEWEST)
        self.world.start()
        self.wait_ready(self.world)
        self.assertEqual(2, self.counting())
        self.send(HOST, NEWEST)
        self.wait_for(
            lambda: self.counting() == 1, why='the engine ends the old key'
        )
        self.wait_for(
            lambda: self.strangers() == [(HOST, True, '127.0.0.1')],
            why='the engine tells who signs with the old key',
        )

    def test_beats_in_a_name_that_no_host_has_are_told(self):
        self.world.start()
        self.send('z', base.KEY)
        self.wait_for(
            lambda: self.strangers() == [('z', False, '127.0.0.1')],
            why='the engine tells who has a wrong name',
        )
