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

"""What may be asked of the engines over RPC.

Versions:

* 1.0: report, goodbye and gate on ``hass.reports``, the only topic that
  agents may write; wake and test_fence on ``hass.engine``.

The messages of agents have a version of their own:

* 1.1: observations may be of side paths.
* 1.2: reports carry events of instances.
* 1.3: reports carry looks at instances; answers to them carry orders, and
  reports what became of these.

Engines offer methods about the power of hosts in a namespace of their own,
``power``, which older ones do not have:

* 1.0: read_power, turn_power, bring_back, read_sensors and read_events on
  ``hass.engine``.

So are signs of life in the namespace ``signs``, which agents send when the
answer to a report asks for them:

* 1.0: alive on ``hass.reports``.

``hass.reports`` is on the exchange ``amq.topic``; in this release engines
listen on ``hass`` as well, where agents of the former one write.

Arguments and answers are JSON. An agent's arguments are envelopes: see
messages.py.
"""

from collections.abc import Mapping
from typing import Any, Protocol

import oslo_messaging

from hass import exception
from hass.rpc import messages
from hass.rpc import transport as wire

Answer = Mapping[str, Any]
POWER_NAMESPACE = 'power'
POWER_VERSION = '1.0'
SIGNS_NAMESPACE = 'signs'
SIGNS_VERSION = '1.0'


class Engine(Protocol):
    """What an agent asks for; a double in a test is enough."""

    def report(self, envelope: messages.Envelope) -> Answer: ...

    def goodbye(self, envelope: messages.Envelope) -> Answer: ...

    def gate(self, envelope: messages.Envelope) -> Answer: ...

    def alive(self, envelope: messages.Envelope) -> None: ...


class EngineAPI:
    """The agents' side of the engines.

    Each method raises MessageRefused when the engine does not believe the
    message, and EngineUnreachable when no engine answered.
    """

    def __init__(self, transport: Any, call_seconds: float) -> None:
        self._client = wire.client(transport, wire.REPORTS, call_seconds)
        self._signs = self._client.prepare(
            namespace=SIGNS_NAMESPACE, version=SIGNS_VERSION
        )

    def report(self, envelope: messages.Envelope) -> Answer:
        """Deliver a Report.

        :returns: ``patrol_seconds``: since any engine finished a turn of
            its patrol, or None; ``signs`` (true): the engine wants Alive;
            and ``orders``, the envelope of Orders, when there are any
        """
        return self._call('report', envelope)

    def goodbye(self, envelope: messages.Envelope) -> Answer:
        """Deliver a Goodbye; the answer is empty."""
        return self._call('goodbye', envelope)

    def gate(self, envelope: messages.Envelope) -> Answer:
        """Deliver a GateRequest.

        :returns: ``open`` (bool) and ``why``
        """
        return self._call('gate', envelope)

    def alive(self, envelope: messages.Envelope) -> None:
        """Send an Alive to any engine; nobody answers.

        :raises EngineUnreachable: the broker does not take it
        """
        try:
            self._signs.cast({}, 'alive', envelope=envelope)
        except oslo_messaging.MessagingException as error:
            raise exception.EngineUnreachable('alive', str(error)) from error

    def _call(self, method: str, envelope: messages.Envelope) -> Answer:
        answer = _ask(self._client, method, envelope=envelope)
        if 'refused' in answer:
            raise exception.MessageRefused('', str(answer['refused']))
        return answer


class OperatorAPI:
    """The API's side of the engines."""

    def __init__(self, transport: Any, call_seconds: float) -> None:
        self._client = wire.client(transport, wire.OPERATORS, call_seconds)
        self._power = self._client.prepare(
            namespace=POWER_NAMESPACE, version=POWER_VERSION
        )

    def wake(self) -> None:
        """Ring the bell: there is work. A bell that is lost costs a scan.

        :raises EngineUnreachable: the broker does not take it
        """
        try:
            self._client.cast({}, 'wake')
        except oslo_messaging.MessagingException as error:
            raise exception.EngineUnreachable('wake', str(error)) from error

    def ping(self, engine: str) -> None:
        """Ring one engine's bell and wait until it was heard.

        :raises EngineUnreachable: the broker carries nothing, or the
            engine is gone
        """
        _told(self._client.prepare(server=engine), 'wake')

    def test_fence(self, host: str) -> Answer:
        """Let an engine try the fence of a host without cutting it off.

        :returns: ``state`` (a FenceState), ``why``, ``guid`` and
            ``power_restore_policy`` (text or None)
        :raises EngineUnreachable: no engine answered
        """
        return _ask(self._client, 'test_fence', host=host)

    def read_power(self, host: str) -> Answer:
        """Let an engine read the power back from the host's device.

        :returns: ``power`` (on, off or unknown); ``failed`` (why the device
            did not tell) or ``refused`` (why it was not asked)
        :raises EngineUnreachable: no engine answered
        """
        return _ask(self._power, 'read_power', host=host)

    def turn_power(
        self, host: str, power: str, until: str, who: str
    ) -> Answer:
        """Let an engine ask the host's device for power, once.

        :param power: on or off
        :param until: moment in UTC by the database's clock; later nothing
            is done
        :param who: asks for it
        :returns: nothing when it was asked; ``failed`` or ``refused`` as
            of read_power()
        :raises EngineUnreachable: no engine answered; it may have been done
        """
        return _ask(
            self._power,
            'turn_power',
            host=host,
            power=power,
            until=until,
            who=who,
        )

    def bring_back(self, host: str, until: str, who: str) -> Answer:
        """Let an engine begin to bring a host that is off back to service.

        :returns: ``recovery``: its uuid; ``failed`` or ``refused`` as of
            read_power(); arguments are those of turn_power()
        :raises EngineUnreachable: no engine answered; it may have begun
        """
        return _ask(self._power, 'bring_back', host=host, until=until, who=who)

    def read_sensors(self, host: str) -> Answer:
        """Let an engine read the sensors of the host's BMC.

        :returns: ``sensors``: name, type, value, unit, health and states of
            each; ``failed`` or ``refused`` as of read_power()
        :raises EngineUnreachable: no engine answered
        """
        return _ask(self._power, 'read_sensors', host=host)

    def read_events(self, host: str) -> Answer:
        """Let an engine read the end of the event log of the host's BMC.

        :returns: ``events``, newest first: record (its number), at (ISO, by
            the BMC's clock, or None), sensor, type, state, asserted and
            health of each; ``failed`` or ``refused`` as of read_power()
        :raises EngineUnreachable: no engine answered
        """
        return _ask(self._power, 'read_events', host=host)


def _ask(client: Any, method: str, **arguments: Any) -> Answer:
    answer = _told(client, method, **arguments)
    if not isinstance(answer, dict):
        raise exception.EngineUnreachable(method, 'a senseless answer')
    return answer


def _told(client: Any, method: str, **arguments: Any) -> Any:
    try:
        return client.call({}, method, **arguments)
    except oslo_messaging.RemoteError as error:
        raise exception.EngineUnreachable(
            method, f'the engine failed: {error.exc_type}'
        ) from None
    except oslo_messaging.MessagingTimeout:
        raise exception.EngineUnreachable(
            method, 'no engine answered in time'
        ) from None
    except oslo_messaging.MessagingException as error:
        raise exception.EngineUnreachable(method, str(error)) from None
