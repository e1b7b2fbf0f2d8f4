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

"""The gate: compute services wait here until no recovery needs them off.

``hass-agent gate`` is a oneshot unit before nova-compute and libvirt's
guests. It is open only when an engine says so.
"""

from collections.abc import Callable
import logging
import threading

from hass.agent import identity as identities
from hass import exception
from hass.rpc import api
from hass.rpc import messages

LOG = logging.getLogger(__name__)

SILENT = 'closed: no engine answers'


class Gate:
    """Asks until it is open.

    :param say: told each reason once, when it becomes the reason
    """

    def __init__(
        self,
        identity: identities.Identity,
        engine: api.Engine,
        say: Callable[[str], None],
        *,
        poll_seconds: float,
        call_seconds: float,
    ) -> None:
        self._identity = identity
        self._engine = engine
        self._say = say
        self._poll_seconds = poll_seconds
        self._call_seconds = call_seconds
        self._said = ''
        self._pause = threading.Event()

    def wait_open(self) -> None:
        """Return when an engine has opened the gate.

        A call may be stuck for as long as the message broker is away, so
        it has its own thread and the silence is told meanwhile.
        """
        opened = threading.Event()
        threading.Thread(
            target=self._ask_until, args=(opened,), daemon=True
        ).start()
        while not opened.wait(self._call_seconds):
            if not self._said:
                self._tell(SILENT)

    def force(self, user: str) -> None:
        """Open it without an answer, and tell all that can be reached."""
        LOG.critical('gate of %s forced open by %s', self._host, user)
        self._say(f'open: forced by {user}')
        call = threading.Thread(target=self._tell_engine, daemon=True)
        call.start()
        call.join(self._call_seconds)

    @property
    def _host(self) -> str:
        return self._identity.host

    def _ask_until(self, opened: threading.Event) -> None:
        while not self._ask():
            self._pause.wait(self._poll_seconds)
        opened.set()

    def _ask(self) -> bool:
        try:
            answer = self._engine.gate(
                self._identity.seal(messages.GateRequest)
            )
        except exception.EngineUnreachable as error:
            self._tell(f'{SILENT}: {error.reason}')
            return False
        except exception.MessageRefused as error:
            self._tell(f'closed: the engine refuses to answer: {error.reason}')
            return False
        is_open = answer.get('open') is True
        word = 'open' if is_open else 'closed'
        self._tell(f'{word}: {answer.get("why", "no reason given")}')
        return is_open

    def _tell_engine(self) -> None:
        try:
            self._engine.gate(
                self._identity.seal(messages.GateRequest, forced=True)
            )
        except (
            exception.EngineUnreachable,
            exception.MessageRefused,
        ) as error:
            LOG.error('no engine was told that the gate is forced: %s', error)

    def _tell(self, why: str) -> None:
        if why != self._said:
            self._said = why
            self._say(why)
