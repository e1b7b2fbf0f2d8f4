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

"""The storage path, on real file systems; a stopped child stands for one
that waits for its device."""

import contextlib
import os
import signal
import subprocess
import sys

from hass.detection import storage_file
from hass import faults
from hass.tests.functional.detection import inside_case

NAMESPACE = 'mount -t tmpfs -o size=64k none "$0" && echo ready && exec cat'


class StorageFileTest(inside_case.InsideContract):
    detector_class = storage_file.StorageFile
    storage_seconds = 2.0

    def prepare(self):
        self.folder = self.make_folder()
        self.make_detector(
            instances_path=self.folder, storage_seconds=self.storage_seconds
        )

    def signal_child(self, number):
        os.kill(self.detector.child.pid, number)

    def fail_layer(self):
        self.signal_child(signal.SIGSTOP)
        self.addCleanup(self.signal_child, signal.SIGCONT)

    def silence(self):
        for name in os.listdir(self.folder):
            os.unlink(os.path.join(self.folder, name))
        os.rmdir(self.folder)
        self.addCleanup(os.makedirs, self.folder, exist_ok=True)

    def babble(self):
        for nonsense in ('', 'what', 'ok ok', '\ufffd', '0 the file is odd'):
            code = f'import os\nwhile os.read(0, 64): print({nonsense!r})'
            self.detector.close()
            self.detector.program = (sys.executable, '-u', '-c', code)
            yield

    def test_while_it_hangs_no_second_one_starts(self):
        self.wait_until_healthy()
        child = self.detector.child
        self.fail_layer()
        for _ in range(3):
            self.assertEqual({faults.Verdict.FAILED}, self.look())
            self.assertIs(child, self.detector.child)
        self.assertIn('hangs in state T', self.said[-1])
        self.signal_child(signal.SIGCONT)
        self.wait_for(self.comes_back, why='it to go on')
        self.assertIs(child, self.detector.child)

    def comes_back(self):
        return self.look() == {faults.Verdict.HEALTHY}

    def test_a_child_that_was_killed_is_replaced(self):
        self.wait_until_healthy()
        self.signal_child(signal.SIGKILL)
        self.wait_until_healthy()

    def test_a_link_in_place_of_the_file_is_not_followed(self):
        target = os.path.join(self.make_folder(), 'precious')
        with open(target, 'w', encoding='utf-8') as file:
            file.write('precious')
        link = os.path.join(self.folder, '.hass-agent-compute-1')
        os.symlink(target, link)
        self.assert_unknown()
        os.unlink(link)
        os.link(target, link)
        self.assert_unknown()
        with open(target, encoding='utf-8') as file:
            self.assertEqual('precious', file.read())


class FullOrReadOnlyTest(inside_case.InsideContract):
    """On a small file system in a mount namespace of its own."""

    detector_class = storage_file.StorageFile

    def prepare(self):
        if os.geteuid() != 0:
            self.skipTest('only root may mount')
        inside = self.make_folder()
        holder = self.run_beside(
            'unshare', '--mount', 'sh', '-c', NAMESPACE, inside
        )
        self.holder = holder
        self.assertEqual(b'ready\n', holder.stdout.readline())
        self.inside = inside
        self.folder = f'/proc/{self.holder.pid}/root{inside}'
        self.make_detector(instances_path=self.folder)

    def remount(self, how):
        target = f'--target={self.holder.pid}'
        command = ['mount', '-o', f'remount,{how}', self.inside]
        subprocess.run(['nsenter', target, '--mount', *command], check=True)

    def fill(self):
        self.look()
        os.unlink(f'{self.folder}/.hass-agent-compute-1')
        with (
            contextlib.suppress(OSError),
            open(f'{self.folder}/full', 'wb', buffering=0) as file,
        ):
            while True:
                file.write(b'x' * 4096)

    fail_layer = fill

    def silence(self):
        """It is read-only, and was so when the agent started."""
        self.detector.close()
        self.make_detector(instances_path=self.folder)
        self.remount('ro')

    def babble(self):
        os.mkfifo(f'{self.folder}/fifo')
        path = f'{self.folder}/.hass-agent-compute-1'
        os.rename(f'{self.folder}/fifo', path)
        yield
        os.unlink(path)
        os.mkdir(path)
        yield

    def test_what_could_be_written_and_is_read_only_now_has_failed(self):
        self.wait_until_healthy()
        self.remount('ro')
        self.assertEqual({faults.Verdict.FAILED}, self.look())
        self.assertIn('Read-only file system', self.said[-1])

    def test_full_is_said(self):
        self.wait_until_healthy()
        self.fill()
        self.assertEqual({faults.Verdict.FAILED}, self.look())
        self.assertIn('No space left on device', self.said[-1])
