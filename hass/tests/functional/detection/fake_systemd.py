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

"""A system bus of a test's own, and who answers there for systemd.

No systemd runs where the tests do, and none is started.
"""

import os
import threading

import fixtures
import jeepney
from jeepney.io import blocking

from hass.detection import systemd

BUS = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus
 Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><listen>unix:path={path}</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*" eavesdrop="true"/>
<allow eavesdrop="true"/><allow own="*"/></policy></busconfig>
"""


class FakeSystemd:
    """Answers as systemd 252 does.

    :ivar cures: a restart helps
    :ivar refusal: what RestartUnit answers instead of a job
    :ivar restarted: units, in order
    """

    def __init__(self, address):
        self.state = ('loaded', 'active', 'running')
        self.job = (0, '')
        self.signature, self.body = '', None
        self.mute = False
        self.cures = True
        self.refusal = ''
        self.reset: set[str] = set()
        self.restarted: list[str] = []
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
            answer = getattr(self, f'_{member}', None)
            if answer is not None and not self.mute:
                self._bus.send(answer(asked))

    def _ListUnitsByNames(self, asked):
        if self.body is not None:
            return jeepney.new_method_return(asked, self.signature, self.body)
        units = [
            (name, name, *self.state, '', '/', self.job[0], self.job[1], '/')
            for name in asked.body[0]
        ]
        return jeepney.new_method_return(asked, 'a(ssssssouso)', (units,))

    def _ResetFailedUnit(self, asked):
        self.reset.add(asked.body[0])
        return jeepney.new_method_return(asked)

    def _RestartUnit(self, asked):
        unit, mode = asked.body
        if self.refusal or mode != 'replace' or unit not in self.reset:
            return jeepney.new_error(
                asked,
                'org.freedesktop.systemd1.Refused',
                's',
                (self.refusal or 'start-limit-hit',),
            )
        self.restarted.append(unit)
        if self.cures:
            self.state = ('loaded', 'active', 'running')
        job = '/org/freedesktop/systemd1/job/7'
        return jeepney.new_method_return(asked, 'o', (job,))


def start(test):
    """The bus, which is the system bus until the test ends, and systemd.

    :param test: needs dbus-daemon, make_folder and run_beside
    """
    folder = test.make_folder()
    path = os.path.join(folder, 'bus')
    config = os.path.join(folder, 'bus.conf')
    with open(config, 'w', encoding='utf-8') as file:
        file.write(BUS.format(path=path))
    bus = test.run_beside(
        'dbus-daemon',
        f'--config-file={config}',
        '--nofork',
        '--print-address',
    )
    # It says so when it listens.
    test.assertIn(path, bus.stdout.readline().decode())
    address = f'unix:path={path}'
    test.useFixture(
        fixtures.EnvironmentVariable('DBUS_SYSTEM_BUS_ADDRESS', address)
    )
    return bus, FakeSystemd(address)
