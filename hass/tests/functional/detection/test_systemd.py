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

"""Units of systemd, on a real bus; who answers there for systemd is a fake."""

from typing import ClassVar

from hass.detection import compute_systemd
from hass.detection import libvirt_systemd
from hass.detection import systemd
from hass import faults
from hass.tests.functional.detection import fake_systemd
from hass.tests.functional.detection import inside_case


class ComputeSystemdTest(inside_case.InsideContract):
    detector_class: ClassVar[type[systemd.Unit]] = (
        compute_systemd.ComputeSystemd
    )
    unit = 'nova-compute.service'

    def prepare(self):
        self.need('dbus-daemon')
        self.bus, self.systemd = fake_systemd.start(self)
        self.make_detector()
        self.detector.booted = '/'

    def fail_layer(self):
        self.systemd.state = ('loaded', 'failed', 'failed')

    def silence(self):
        self.systemd.mute = True

    def hide(self):
        self.systemd.state = ('not-found', 'inactive', 'dead')

    def babble(self):
        for signature, body in (
            ('', ()),
            ('s', ('nonsense',)),
            ('as', (['nonsense'],)),
            ('a(ss)', ([('active', 'running')],)),
            ('a(ssssssouso)', ([],)),
        ):
            self.systemd.signature, self.systemd.body = signature, body
            yield
        self.systemd.body = None
        self.systemd.state = ('loaded', 'bewitched', 'dancing')
        yield

    def assert_state(self, verdict, *state, job=(0, '')):
        self.systemd.state, self.systemd.job = state, job
        self.assertEqual({verdict}, self.look(), str(self.said))
        self.assertIn(f'{self.unit} is {state[1]}', self.said[-1])

    def test_states(self):
        unknown = faults.Verdict.UNKNOWN
        failed = faults.Verdict.FAILED
        self.assert_state(unknown, 'loaded', 'inactive', 'dead')
        self.assert_state(failed, 'loaded', 'activating', 'auto-restart')
        self.assert_state(unknown, 'loaded', 'activating', 'start')
        self.assert_state(unknown, 'loaded', 'deactivating', 'stop-sigterm')
        self.assert_state(unknown, 'masked', 'inactive', 'dead')
        self.assert_state(
            unknown, 'loaded', 'inactive', 'dead', job=(7, 'start')
        )

    def test_without_systemd_it_does_not_look(self):
        self.detector.booted = '/does/not/exist'
        self.assertEqual(
            'systemd does not run here', self.detector.lacks(self.subject)
        )

    def test_a_bus_that_ended_tells_nothing(self):
        self.wait_until_healthy()
        self.bus.kill()
        self.assert_unknown()
        self.assert_unknown()


class LibvirtSystemdTest(ComputeSystemdTest):
    detector_class = libvirt_systemd.LibvirtSystemd
    unit = 'libvirtd.service'
