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

"""An HTTP server that is told, and behaves as badly as a test wants."""

from http import server
import json
import ssl
import threading

import fixtures


class Receiver(fixtures.Fixture):
    """Remembers each post.

    :ivar posts: path, headers and body (bytes) of each
    :ivar answers: statuses of the next answers; then 204
    :param context: TLS; None: plain HTTP
    :ivar hang: answers wait for this event, while it is set
    """

    def __init__(self, context: ssl.SSLContext | None = None):
        super().__init__()
        self._context = context

    def _setUp(self):
        self.posts: list[tuple[str, dict[str, str], bytes]] = []
        self.answers: list[int] = []
        self.hang: threading.Event | None = None
        self.go_elsewhere: str | None = None
        outer = self

        class Handler(server.BaseHTTPRequestHandler):
            def do_POST(self):
                size = int(self.headers['Content-Length'])
                body = self.rfile.read(size)
                outer.posts.append((self.path, dict(self.headers), body))
                if outer.hang is not None:
                    outer.hang.wait(60)
                status = outer.answers.pop(0) if outer.answers else 204
                self.send_response(status)
                if outer.go_elsewhere:
                    self.send_header('Location', outer.go_elsewhere)
                self.send_header('Content-Length', '0')
                self.end_headers()

            def log_message(self, *words):
                """Nothing."""

        self._server = server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
        self._server.daemon_threads = True
        if self._context is not None:
            self._server.socket = self._context.wrap_socket(
                self._server.socket, server_side=True
            )
        self.port = self._server.server_port
        thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), daemon=True
        )
        thread.start()
        self.addCleanup(self._stop)

    def _stop(self):
        if self.hang is not None:
            self.hang.set()
        self._server.shutdown()
        self._server.server_close()

    def url(self, path='/hook'):
        scheme = 'https' if self._context else 'http'
        return f'{scheme}://127.0.0.1:{self.port}{path}'

    def payloads(self):
        return [body['payload'] for body in self.bodies()]

    def bodies(self):
        return [json.loads(body) for _path, _headers, body in self.posts]
