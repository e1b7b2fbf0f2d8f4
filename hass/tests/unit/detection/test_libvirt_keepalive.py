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

"""What every thread of a process shares of libvirt."""

import pathlib
import subprocess
import sys

from hass.tests import base

# Its event loop never ends, and who begins takes a while for it.
LIBVIRT = """
import threading
threads = threading.Event()
def virEventRegisterDefaultImpl():
    threads.wait(0.2)
def registerErrorHandler(handler, context):
    pass
def virEventRunDefaultImpl():
    threads.wait()
"""
SCRIPT = """
import sys, threading
sys.path.insert(0, sys.argv[1])
from hass.detection import libvirt_keepalive
many = [
    threading.Thread(target=libvirt_keepalive.start_events) for _ in range(8)
]
for one in many:
    one.start()
for one in many:
    one.join()
print([one.name for one in threading.enumerate()].count('libvirt-events'))
"""


class EventsTest(base.TestCase):
    def test_threads_that_want_it_at_once_share_one_event_loop(self):
        folder = self.make_folder()
        pathlib.Path(folder, 'libvirt.py').write_text(LIBVIRT)
        done = subprocess.run(
            [sys.executable, '-c', SCRIPT, folder],
            capture_output=True,
            text=True,
        )
        self.assertEqual(('1\n', ''), (done.stdout, done.stderr))
