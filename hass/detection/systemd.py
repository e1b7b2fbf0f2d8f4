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
import dataclasses
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


@dataclasses.dataclass(frozen=True, slots=True)
class State:
    """Where a unit is; the words are those of systemctl(1).

    :ivar job: what it waits for, '' for nothing
    """

    unit: str
    load: str
    active: str
    sub: str
    job: str

    def __str__(self) -> str:
        said = f'{self.unit} is {self.active} ({self.sub})'
        if self.load != 'loaded':
            said += f', the unit is {self.load}'
        if self.job:
            said += f', a job to {self.job} it waits'
        return said

    @property
    def is_up(self) -> bool:
        return self.active in UP

    @property
    def is_failed(self) -> bool:
        """It ended badly, or systemd starts it again and again."""
        return (
            self.load == 'loaded'
            and not self.job
            and not self.is_up
            and (
                self.active == 'failed' or self.sub.startswith('auto-restart')
            )
        )


class Manager:
    """systemd of this host, over a connection that is kept."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._bus: Any = None

    def call(
        self, member: str, signature: str, body: tuple[object, ...]
    ) -> jeepney.Message:
        """Call a method of org.freedesktop.systemd1.Manager.

        :returns: the reply, which may be an error
        :raises ERRORS: nothing answers
        """
        asked = jeepney.new_method_call(MANAGER, member, signature, body)
        with self._lock:
            if self._bus is None:
                self._bus = blocking.open_dbus_connection(
                    'SYSTEM', auth_timeout=CALL_SECONDS
                )
            try:
                return self._bus.send_and_get_reply(
                    asked, timeout=CALL_SECONDS
                )
            except BaseException:
                self._hang_up()
                raise

    def state(self, unit: str) -> State | None:
        """Where a unit is; None: systemd does not say.

        :raises ERRORS: nothing answers
        """
        reply = self.call('ListUnitsByNames', 'as', ([unit],))
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
            ) if answered(reply):
                return State(unit, load, active, sub, kind if job else '')
        return None

    def close(self) -> None:
        """Leave the bus."""
        with self._lock:
            self._hang_up()

    def _hang_up(self) -> None:
        bus, self._bus = self._bus, None
        if bus is not None:
            with contextlib.suppress(OSError):
                bus.close()


class Unit(base.Detector):
    """Asks the manager of this host for one unit: org.freedesktop.systemd1(5).

    One that is being started or stopped is neither healthy nor failed, nor is
    one that was stopped in good order: somebody wanted that.

    :ivar unit: its name
    :ivar booted: a folder that exists where systemd runs, see sd_booted(3)
    """

    in_band = True
    seconds = 2 * CALL_SECONDS + base.GRACE_SECONDS
    unit: str
    booted = '/run/systemd/system'

    def __init__(self, tools: base.Tools) -> None:
        super().__init__(tools)
        self._manager = Manager()

    def lacks(self, subject: base.Subject) -> str:
        found = os.path.isdir(self.booted)
        return '' if found else 'systemd does not run here'

    def probe(self, subject: base.Subject) -> list[base.Finding]:
        """Running is healthy, failed and always restarted are failed.

        :raises hass.exception.DetectorFailed: systemd does not say
        """
        try:
            state = self._manager.state(self.unit)
        except ERRORS as error:
            why = f'D-Bus: {type(error).__name__}: {error}'
            raise self._failed(subject, why) from None
        if state is None:
            raise self._failed(subject, 'systemd answers no state')
        verdict = faults.Verdict.UNKNOWN
        if state.is_up:
            verdict = faults.Verdict.HEALTHY
        elif state.is_failed:
            verdict = faults.Verdict.FAILED
        return [base.Finding(verdict, str(state))]

    def close(self) -> None:
        """Leave the bus."""
        self._manager.close()

    def _failed(
        self, subject: base.Subject, why: str
    ) -> exception.DetectorFailed:
        name = type(self).__module__.rpartition('.')[2]
        return exception.DetectorFailed(name, subject.host, why)


def answered(reply: jeepney.Message) -> bool:
    """Whether a reply is an answer, and no error."""
    kind = reply.header.message_type
    return kind is jeepney.MessageType.method_return
