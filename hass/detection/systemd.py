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

"""What systemd says of a unit, over D-Bus."""

import contextlib
import os
import threading
from typing import Any

import jeepney
from jeepney.io import blocking

from hass.detection import base
from hass import exception
from hass import faults

CALL_SECONDS = 2.0
MANAGER = jeepney.DBusAddress(
    '/org/freedesktop/systemd1',
    bus_name='org.freedesktop.systemd1',
    interface='org.freedesktop.systemd1.Manager',
)
ERRORS = (
    OSError,
    RuntimeError,
    ValueError,
    jeepney.DBusErrorResponse,
    jeepney.auth.AuthenticationError,
)
UP = frozenset({'active', 'reloading', 'refreshing'})


class Unit(base.Detector):
    """Asks the manager of this host for one unit: org.freedesktop.systemd1(5).

    One that is being started or stopped is neither healthy nor failed.

    :ivar unit: its name
    :cvar stopped: what it means that it was stopped in good order
    :ivar booted: a folder that exists where systemd runs, see sd_booted(3)
    """

    in_band = True
    seconds = 2 * CALL_SECONDS + base.GRACE_SECONDS
    unit: str
    stopped = faults.Verdict.FAILED
    booted = '/run/systemd/system'

    def __init__(self, tools: base.Tools) -> None:
        super().__init__(tools)
        self._lock = threading.Lock()
        self._bus: Any = None

    def lacks(self, subject: base.Subject) -> str:
        found = os.path.isdir(self.booted)
        return '' if found else 'systemd does not run here'

    def probe(self, subject: base.Subject) -> list[base.Finding]:
        """Running is healthy, failed and always restarted are failed.

        :raises hass.exception.DetectorFailed: systemd does not say
        """
        try:
            with self._lock:
                reply = self._ask()
        except ERRORS as error:
            why = f'D-Bus: {type(error).__name__}: {error}'
            raise self._failed(subject, why) from None
        match reply.body:
            case (
                [
                    (
                        str(),
                        str(),
                        str() as load,
                        str() as active,
                        str() as sub,
                        str(),
                        _,
                        int() as job,
                        str() as kind,
                        *_,
                    )
                ],
            ) if (
                reply.header.message_type is jeepney.MessageType.method_return
            ):
                return [self._judge(load, active, sub, kind if job else '')]
        raise self._failed(subject, 'systemd answers no state')

    def close(self) -> None:
        """Leave the bus."""
        with self._lock:
            self._hang_up()

    def _ask(self) -> jeepney.Message:
        if self._bus is None:
            self._bus = blocking.open_dbus_connection(
                'SYSTEM', auth_timeout=CALL_SECONDS
            )
        call = jeepney.new_method_call(
            MANAGER, 'ListUnitsByNames', 'as', ([self.unit],)
        )
        try:
            return self._bus.send_and_get_reply(call, timeout=CALL_SECONDS)
        except BaseException:
            self._hang_up()
            raise

    def _hang_up(self) -> None:
        bus, self._bus = self._bus, None
        if bus is not None:
            with contextlib.suppress(OSError):
                bus.close()

    def _judge(
        self, load: str, active: str, sub: str, job: str
    ) -> base.Finding:
        said = f'{self.unit} is {active} ({sub})'
        if load != 'loaded':
            said += f', the unit is {load}'
        if job:
            said += f', a job to {job} it waits'
        verdict = faults.Verdict.UNKNOWN
        if active in UP:
            verdict = faults.Verdict.HEALTHY
        elif load == 'loaded' and not job:
            if active == 'failed' or sub.startswith('auto-restart'):
                verdict = faults.Verdict.FAILED
            elif active == 'inactive':
                verdict = self.stopped
        return base.Finding(verdict, said)

    def _failed(
        self, subject: base.Subject, why: str
    ) -> exception.DetectorFailed:
        name = type(self).__module__.rpartition('.')[2]
        return exception.DetectorFailed(name, subject.host, why)


def _answered(reply: jeepney.Message) -> bool:
    kind = reply.header.message_type
    return kind is jeepney.MessageType.method_return
