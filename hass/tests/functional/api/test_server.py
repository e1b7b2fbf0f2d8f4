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

"""The server of hass-api, and clients that keep it waiting."""

import socket
import threading
from urllib import request

from hass.api import server
from hass import clock
from hass.tests import base
from hass.tests.functional.api import test_service

MOST = 40
HALVES = (
    b'',
    b'GET /v1/hosts HTTP/1.1\r\nHost: x\r\nX-Auth-Tok',
    b'POST /v1/clusters HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{',
    b'GET /v1 HTTP/1.1\r\nHost: x\r\n\r\nGET /v1',
)
"""What a client sends that never sends the rest."""


class CrowdTest(base.TestCase):
    """Far more connections than are kept, none of them with a request."""

    def setUp(self):
        super().setUp()
        self.port = test_service.free_port()
        self.begun = threading.Event()
        self.let_go = threading.Event()
        self.serving = server.Server(
            self.application,
            clock.SystemClock(),
            host='127.0.0.1',
            port=self.port,
            threads=2,
            graceful_seconds=1,
            connections=MOST,
        )
        thread = threading.Thread(target=self.serving.run, daemon=True)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(self.serving.stop)
        self.addCleanup(self.let_go.set)

    def application(self, environ, start_response):
        if environ['PATH_INFO'] == '/slow':
            self.begun.set()
            self.let_go.wait(60)
        start_response('200 OK', [('Content-Type', 'text/plain')])
        return [b'answered']

    def crowd(self, sent, number=4 * MOST):
        """As many clients that have sent this and wait."""
        found = []
        for _ in range(number):
            client = socket.create_connection(('127.0.0.1', self.port), 60)
            self.addCleanup(client.close)
            client.sendall(sent)
            found.append(client)
        return found

    def ask(self, path='/'):
        url = f'http://127.0.0.1:{self.port}{path}'
        with request.urlopen(url, timeout=30) as answer:
            return answer.read()

    def test_a_new_request_is_answered_all_the_same(self):
        for sent in HALVES:
            self.crowd(sent)
            self.assertEqual(b'answered', self.ask())

    def test_so_it_is_while_they_send_a_little_now_and_then(self):
        clients = self.crowd(HALVES[1])
        for client in clients:
            try:
                client.sendall(b'X')
            except OSError:
                # Closed to make room for the others.
                continue
        self.assertEqual(b'answered', self.ask())

    def test_what_is_being_answered_is_not_cut_off(self):
        said = []
        asking = threading.Thread(
            target=lambda: said.append(self.ask('/slow')), daemon=True
        )
        asking.start()
        self.assertTrue(self.begun.wait(30))
        self.crowd(HALVES[1])
        self.assertEqual(b'answered', self.ask())
        self.let_go.set()
        asking.join(30)
        self.assertEqual([b'answered'], said)
