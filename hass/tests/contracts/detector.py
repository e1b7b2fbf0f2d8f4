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

"""What every detector must do. A new one passes this before it is believed."""

from collections.abc import Iterator
import configparser
import pathlib
import threading
from typing import ClassVar

from hass.detection import base as detection
from hass import exception
from hass import faults
from hass.tests import base

HEALTHY = faults.Verdict.HEALTHY
FAILED = faults.Verdict.FAILED
UNKNOWN = faults.Verdict.UNKNOWN
SETUP = pathlib.Path(__file__).parents[3] / 'setup.cfg'
SLACK_SECONDS = 10.0
"""What a slow machine may add to the time that a look takes."""
THREADS = 8


class DetectorContract(base.TestCase):
    """Derive from it, name the class, and write how its world changes.

    Every plugin of hass.detectors has such a test: another test looks.

    :cvar detector_class: the plugin
    :cvar calm: what it says of a host that is well; *unknown* for one that
        only ever sees failures
    :cvar secrets: texts that no sentence and no line of a log may hold
    :ivar detector: made by prepare()
    :ivar subject: likewise
    """

    detector_class: ClassVar[type[detection.Detector]]
    calm: ClassVar[faults.Verdict] = HEALTHY
    secrets: ClassVar[tuple[str, ...]] = ()
    detector: detection.Detector
    subject: detection.Subject

    def prepare(self) -> None:
        """Set detector and subject; the host is well."""
        raise NotImplementedError

    def fail_layer(self) -> None:
        """What the detector looks at fails."""
        raise NotImplementedError

    def silence(self) -> None:
        """What it looks with says nothing more.

        A BMC is mute, libvirtd is frozen. Where silence is the very failure
        that is looked for, its means are gone: permission, socket, route.
        """
        raise NotImplementedError

    def hide(self) -> None:
        """What it looks at is not there to be seen: no watchdog runs."""
        self.silence()

    def babble(self) -> Iterator[None]:
        """Put up one kind of nonsense after the other; yield after each."""
        raise NotImplementedError
        yield

    def setUp(self):
        super().setUp()
        self.said: list[str] = []
        self.prepare()

    def look(self) -> set[faults.Verdict]:
        """The verdicts of one look; to be unable to look is unknown."""
        try:
            found = self.detector.probe(self.subject)
        except exception.HassError as error:
            self.said.append(str(error))
            return {UNKNOWN}
        self.said += [one.detail for one in found]
        return {one.verdict for one in found}

    def becomes_healthy(self) -> bool:
        seen = self.look()
        self.assertNotIn(FAILED, seen, str(self.said))
        return seen == {self.calm}

    def wait_until_healthy(self) -> None:
        """Some have to look more than once before they can tell."""
        self.wait_for(self.becomes_healthy, why='the host to read healthy')

    def assert_unknown(self) -> None:
        self.assertEqual({UNKNOWN}, self.look(), str(self.said))

    def test_its_class_module_and_entry_point_agree(self):
        room, _, name = self.detector_class.__module__.rpartition('.')
        parser = configparser.ConfigParser()
        parser.read(SETUP)
        said = parser['entry_points'][detection.NAMESPACE].split('\n')
        where = f'{room}.{name}:{self.detector_class.__name__}'
        self.assertIn(f'{name} = {where}', said)
        layer = self.detector_class.layer
        if isinstance(layer, faults.Layer):
            self.assertTrue(name.startswith(f'{layer}_'), name)

    def test_it_lacks_nothing_here(self):
        self.assertEqual('', self.detector.lacks(self.subject))

    def test_a_host_that_is_well_becomes_healthy_and_never_failed(self):
        self.wait_until_healthy()
        for _ in range(3):
            self.assertNotIn(FAILED, self.look(), str(self.said))
        self.assertNotIn('', self.said)

    def test_a_failure_is_seen(self):
        self.wait_until_healthy()
        self.fail_layer()
        self.wait_for(lambda: FAILED in self.look(), why='the failure')
        self.assertNotIn('', self.said)

    def test_what_is_not_there_is_neither_healthy_nor_failed(self):
        self.hide()
        self.assert_unknown()
        self.assertNotIn('', self.said)

    def test_silence_is_neither_healthy_nor_failed_and_ends_in_time(self):
        self.wait_until_healthy()
        self.silence()
        look = threading.Thread(target=self.assert_unknown, daemon=True)
        look.start()
        look.join(self.detector.seconds + SLACK_SECONDS)
        self.assertFalse(look.is_alive(), 'it has not come back')
        self.assert_unknown()

    def test_nonsense_is_neither_healthy_nor_failed(self):
        self.wait_until_healthy()
        for _ in self.babble():
            self.assert_unknown()

    def test_no_secret_is_told(self):
        self.look()
        for _ in self.babble():
            self.look()
        self.silence()
        self.look()
        told = '\n'.join([*self.said, self.log.output])
        self.assertEqual([], [one for one in self.secrets if one in told])

    def test_many_threads_may_look_at_once(self):
        self.wait_until_healthy()
        self.wait_for(self.look_from_threads, why='all to read healthy')

    def look_from_threads(self) -> bool:
        seen: list[set[faults.Verdict]] = []
        threads = [
            threading.Thread(target=lambda: seen.append(self.look()))
            for _ in range(THREADS)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(THREADS, len(seen))
        self.assertNotIn(FAILED, set.union(*seen), str(self.said))
        return seen == [{self.calm}] * THREADS
