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

"""Group membership in real ZooKeeper, memcached and etcd."""

import contextlib
import os
import signal
import socketserver
import subprocess
import sys
import threading

import fixtures

from hass import clock
from hass.detection import membership_tooz
from hass import faults
from hass.tests.functional.detection import inside_case
from hass.tests.functional import servers
from tools import packages

HEALTHY = {faults.Verdict.HEALTHY}
FAILED = {faults.Verdict.FAILED}
UNKNOWN = {faults.Verdict.UNKNOWN}
MEMBER = """
import sys, threading
from hass.detection import groups
from hass import exception
group = groups.Group(*sys.argv[1:])
while True:
    try:
        group.beat()
    except exception.StoreUnreachable:
        pass
    threading.Event().wait(0.5)
"""


class Nonsense(socketserver.BaseRequestHandler):
    def handle(self):
        # Who hears this hangs up.
        with contextlib.suppress(ConnectionError):
            while self.request.recv(4096):
                self.request.sendall(b'\x00what? \xff\r\n')


class MembershipToozTest(inside_case.InsideContract):
    """The contract, and what more than one store tells, with memcached."""

    detector_class = membership_tooz.MembershipTooz
    secrets = ('geheim',)

    def start_server(self):
        return servers.memcached()

    def prepare(self):
        try:
            self.server = self.start_server()
        except packages.LeftOut as why:
            if 'CI' in os.environ:
                raise
            self.skipTest(str(why))
        self.addCleanup(self.start_again)
        scheme, _, rest = self.server.url().partition('://')
        self.url = f'{scheme}://hass:geheim@{rest}'
        self.make_reader(self.url)
        self.host = self.start_member('compute-1')

    def make_reader(self, *urls):
        self.make_detector('detection', membership_urls=list(urls))

    def start_member(self, name):
        """An agent's beats, in a process that can be killed."""
        process = subprocess.Popen(
            [sys.executable, '-c', MEMBER, self.url, name],
            env=os.environ | {'PYTHONPATH': os.getcwd()},
            stderr=subprocess.DEVNULL,
        )
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def start_again(self):
        self.server.kill()
        self.server.start()

    def fail_layer(self):
        self.useFixture(
            fixtures.MonkeyPatch(
                'hass.detection.attendance.ABSENT_SECONDS', 1.0
            )
        )
        self.host.kill()

    def silence(self):
        self.server.kill()
        self.wait_for(lambda: self.look() == UNKNOWN, why='it to be noticed')

    def hide(self):
        self.make_detector('detection', membership_urls=[self.url])
        self.host.kill()
        self.host.wait()
        self.start_again()

    def babble(self):
        self.server.kill()
        place = ('127.0.0.1', self.server.port)
        socketserver.ThreadingTCPServer.allow_reuse_address = True
        with socketserver.ThreadingTCPServer(place, Nonsense) as server:
            server.daemon_threads = True
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            try:
                self.wait_for(lambda: self.look() == UNKNOWN, why='nonsense')
                yield
            finally:
                server.shutdown()
                thread.join()

    def wait_until(self, verdict, **more):
        self.wait_for(lambda: self.look() == verdict, why=str(verdict))

    def assert_never_failed(self, seconds):
        hands = clock.SystemClock()
        end = hands.monotonic() + seconds
        self.wait_for(
            lambda: self.look() == FAILED or hands.monotonic() > end,
            why='the time',
            every=0.1,
        )
        self.assertGreater(hands.monotonic(), end, str(self.said[-9:]))

    def test_who_is_gone_has_failed_after_some_seconds(self):
        self.wait_until_healthy()
        self.host.kill()
        self.wait_until(FAILED)
        self.assertIn('compute-1 has been gone for 5 s', self.said[-1])

    def test_a_store_that_is_killed_and_restarted_accuses_nobody(self):
        self.wait_until_healthy()
        self.server.kill()
        self.wait_until(UNKNOWN)
        self.assert_never_failed(7)
        self.server.start()
        self.assert_never_failed(3)
        self.wait_until(HEALTHY)

    def test_each_of_two_stores_has_its_own_word(self):
        dead = 'memcached://127.0.0.1:1'
        self.make_reader(self.url, f'{dead}?timeout=1')
        self.wait_until(HEALTHY | UNKNOWN)
        said = {
            one.network: one.verdict
            for one in self.detector.probe(self.subject)
        }
        alive = self.url.partition('?')[0].replace('hass:geheim@', '')
        self.assertEqual(
            {alive: faults.Verdict.HEALTHY, dead: faults.Verdict.UNKNOWN},
            said,
        )

    def test_a_store_that_hangs_accuses_nobody(self):
        self.wait_until_healthy()
        os.killpg(self.server._process.pid, signal.SIGSTOP)
        try:
            self.wait_until(UNKNOWN)
            self.assert_never_failed(3)
        finally:
            os.killpg(self.server._process.pid, signal.SIGCONT)
        self.assert_never_failed(3)
        self.wait_until(HEALTHY)


class ZooKeeperTest(MembershipToozTest):
    """The same with ZooKeeper."""

    def start_server(self):
        return servers.zookeeper()


class EtcdTest(MembershipToozTest):
    """The same with etcd."""

    def start_server(self):
        return servers.etcd()
