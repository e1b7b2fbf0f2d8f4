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

"""Units of systemd, on a real bus; who answers there for systemd is a fake.

No systemd runs where the tests do, and none is started.
"""

import os
import threading
from typing import ClassVar

import fixtures
import jeepney
from jeepney.io import blocking

from hass.detection import compute_systemd
from hass.detection import libvirt_systemd
from hass.detection import systemd
from hass import faults
from hass.tests.functional.detection import inside_case

BUS = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus
 Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><listen>unix:path={path}</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*" eavesdrop="true"/>
<allow eavesdrop="true"/><allow own="*"/></policy></busconfig>
"""


class FakeSystemd:
    """Answers ListUnitsByNames as systemd 252 does."""

    def __init__(self, address):
        self.state = ('loaded', 'active', 'running')
        self.job = (0, '')
        self.signature, self.body = '', None
        self.mute = False
        self._bus = blocking.open_dbus_connection(address, auth_timeout=20)
        name = systemd.MANAGER.bus_name
        self._bus.send_and_get_reply(
            jeepney.message_bus.RequestName(name), timeout=10
        )
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self):
        while True:
            try:
                asked = self._bus.receive()
            except (OSError, ValueError, KeyError):
                return
            member = asked.header.fields.get(jeepney.HeaderFields.member)
            if member == 'ListUnitsByNames' and not self.mute:
                self._bus.send(self._reply(asked))

    def _reply(self, asked):
        if self.body is not None:
            return jeepney.new_method_return(asked, self.signature, self.body)
        units = [
            (name, name, *self.state, '', '/', self.job[0], self.job[1], '/')
            for name in asked.body[0]
        ]
        return jeepney.new_method_return(asked, 'a(ssssssouso)', (units,))


class ComputeSystemdTest(inside_case.InsideContract):
    detector_class: ClassVar[type[systemd.Unit]] = (
        compute_systemd.ComputeSystemd
    )
    stopped = faults.Verdict.FAILED
    unit = 'nova-compute.service'

    def prepare(self):
        self.need('dbus-daemon')
        self.folder = self.make_folder()
        path = os.path.join(self.folder, 'bus')
        config = os.path.join(self.folder, 'bus.conf')
        with open(config, 'w', encoding='utf-8') as file:
            file.write(BUS.format(path=path))
        self.bus = self.run_beside(
            'dbus-daemon',
            f'--config-file={config}',
            '--nofork',
            '--print-address',
        )
        # It says so when it listens.
        self.assertIn(path, self.bus.stdout.readline().decode())
        address = f'unix:path={path}'
        self.useFixture(
            fixtures.EnvironmentVariable('DBUS_SYSTEM_BUS_ADDRESS', address)
        )
        self.systemd = FakeSystemd(address)
        self.make_detector()
        self.detector.booted = self.folder

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
        self.assert_state(self.stopped, 'loaded', 'inactive', 'dead')
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
    stopped = faults.Verdict.UNKNOWN
    unit = 'libvirtd.service'
