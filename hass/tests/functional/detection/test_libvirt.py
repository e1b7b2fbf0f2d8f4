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

"""A real libvirtd, of a user who may do nothing, on a socket of its own."""

import os
import pathlib
import signal
import socketserver
import threading
from typing import Any

from hass.detection import libvirt_keepalive
from hass import faults
from hass.tests.functional import debian_libvirt
from hass.tests.functional.detection import inside_case
from hass.tests.functional import servers


class Nonsense(socketserver.BaseRequestHandler):
    def handle(self):
        self.request.recv(4096)
        self.request.sendall(b'what?' * 1000)


class Libvirtd(servers.Server):
    """libvirtd in a session: it touches nothing of the machine's."""

    _process: Any
    needs = ('libvirt-daemon', 'libvirt-daemon-driver-qemu')
    user = 'daemon'

    def prepare(self):
        self.home = self.folder / 'home'
        self.home.mkdir()
        os.chown(self.home, 1, 1)

    @property
    def socket(self):
        return self.home / 'libvirt' / 'libvirt-sock'

    @property
    def uri(self):
        return f'qemu+unix:///session?socket={self.socket}'

    def command(self):
        return ['libvirtd']

    def environment(self):
        names = ['HOME', 'XDG_RUNTIME_DIR', 'XDG_CONFIG_HOME']
        names += ['XDG_CACHE_HOME', 'XDG_DATA_HOME']
        return dict.fromkeys(names, str(self.home))

    def ready(self):
        return self.socket.exists()

    def signal(self, number):
        os.killpg(self._process.pid, number)


class LibvirtKeepaliveTest(inside_case.InsideContract):
    detector_class = libvirt_keepalive.LibvirtKeepalive

    def prepare(self):
        self.need('python3-libvirt', *Libvirtd.needs)
        debian_libvirt.borrow()
        self.libvirtd = Libvirtd()
        self.addCleanup(self.libvirtd.kill)
        self.make_detector(guests_uri=self.libvirtd.uri)

    def fail_layer(self):
        self.libvirtd.signal(signal.SIGSTOP)
        self.addCleanup(self.libvirtd.signal, signal.SIGCONT)

    def silence(self):
        """What should be a folder on the way to the socket is none."""
        self.look_at(f'session?socket={__file__}/libvirt-sock')

    def look_at(self, path):
        self.detector.close()
        self.make_detector(guests_uri=f'qemu+unix:///{path}')

    def babble(self):
        for path in ('nowhere', 'system'):
            self.look_at(f'{path}?socket={self.libvirtd.socket}')
            yield
        path = os.path.join(self.make_folder(), 'socket')
        with socketserver.ThreadingUnixStreamServer(path, Nonsense) as server:
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            try:
                self.look_at(f'session?socket={path}')
                yield
            finally:
                server.shutdown()
                thread.join()

    def test_a_hung_libvirtd_has_failed_and_comes_back(self):
        self.wait_until_healthy()
        self.fail_layer()
        self.wait_for(
            lambda: self.look() == {faults.Verdict.FAILED}, why='the failure'
        )
        self.assertIn('hangs: silent for 4 s', self.said[-1])
        # It takes no new connection either, and comes back by itself.
        self.assertEqual({faults.Verdict.FAILED}, self.look())
        self.libvirtd.signal(signal.SIGCONT)
        self.wait_for(
            lambda: self.look() == {faults.Verdict.HEALTHY}, why='its return'
        )

    def test_a_killed_libvirtd_has_failed_and_a_restarted_one_has_not(self):
        self.wait_until_healthy()
        self.libvirtd.kill()
        self.assertEqual({faults.Verdict.FAILED}, self.look())
        self.assertIn('libvirtd is gone', self.said[-1])
        self.libvirtd.start()
        self.wait_for(
            lambda: self.look() == {faults.Verdict.HEALTHY}, why='its return'
        )
        self.libvirtd.kill()
        pathlib.Path(self.libvirtd.socket).unlink(missing_ok=True)
        self.libvirtd.start()
        self.assertEqual({faults.Verdict.HEALTHY}, self.look())
