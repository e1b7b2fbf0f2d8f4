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

"""What goes over the wire does not change without a new version."""

import dataclasses
import inspect

from hass import beats
from hass.engine import endpoint
from hass.engine import powering
from hass.engine import signs
from hass import faults
from hass.rpc import messages
from hass.rpc import transport
from hass.tests import base

# When a line here has to change, so has the version it stands under, and
# the history in rpc/api.py has to tell it.
RPC = {
    '1.0': {
        'ReportsEndpoint': {
            'gate(context, envelope)',
            'goodbye(context, envelope)',
            'report(context, envelope)',
        },
        'OperatorEndpoint': {
            'test_fence(context, host)',
            'wake(context)',
        },
    }
}
POWER = {
    '1.0': {
        'bring_back(context, host, until, who)',
        'read_events(context, host)',
        'read_power(context, host)',
        'read_sensors(context, host)',
        'turn_power(context, host, power, until, who)',
    }
}
SIGNS = {'1.0': {'alive(context, envelope)'}}
STAMP = 'host: str, boot_id: str, sequence: int, sent_at: float, uptime: float'
MESSAGES = {
    '1.3': {
        'Report': f'{STAMP}, addresses: dict[str, str], '
        'domains: list[str] | None, system_uuid: str | None, '
        'resume_guests: bool | None, watchdog: str, '
        'health: dict[str, str], '
        'observations: list[hass.rpc.messages.Sight], '
        'faults: list[hass.rpc.messages.Allegation], '
        'events: list[hass.rpc.messages.InstanceEvent], '
        'guests: list[hass.rpc.messages.InstanceLook], '
        'results: list[hass.rpc.messages.OrderResult]',
        'Orders': f'{STAMP}, orders: list[hass.rpc.messages.Order]',
        'Order': 'id: str, kind: str, subject: str, seconds: float',
        'OrderResult': 'id: str, done: bool, detail: str',
        'Goodbye': f'{STAMP}, why: str',
        'Alive': STAMP,
        'GateRequest': f'{STAMP}, forced: bool',
        'Sight': 'layer: hass.faults.Layer | hass.faults.SidePath, '
        'detector: str, verdict: Verdict, '
        'age: float, network: str, detail: str',
        'Allegation': 'layer: Layer, age: float, payload: dict[str, str]',
        'InstanceEvent': 'id: str, instance: str, incident: Incident, '
        'age: float, detail: str',
        'InstanceLook': 'instance: str, detector: str, layer: Layer, '
        'verdict: Verdict, age: float, detail: str',
    }
}
WORDS = {
    '1.3': {
        'Layer': 'power hardware os network instance guest_os guest_network',
        'SidePath': 'storage compute libvirt membership',
        'Verdict': 'healthy failed unknown',
        'Incident': 'killed crashed paused_by_storage panicked shut_down '
        'rebooted watchdog_none watchdog_pause watchdog_reset '
        'watchdog_poweroff watchdog_other agent_lost agent_silent '
        'network_lost',
    }
}
"""A word that is new is refused by those who do not know it: what holds it
needs the new version, see NEW_INCIDENTS in messages.py."""
BEATS = {b'HB1\n': f'{STAMP}, network: str, planned: bool'}


def methods(served):
    return {
        f'{name}({", ".join(list(inspect.signature(method).parameters)[1:])})'
        for name, method in inspect.getmembers(served, inspect.isfunction)
        if getattr(method, 'exposed', False)
    }


def fields(kind):
    return ', '.join(
        f'{field.name}: {getattr(field.type, "__name__", field.type)}'
        if isinstance(field.type, type) and not hasattr(field.type, '__args__')
        else f'{field.name}: {field.type}'
        for field in dataclasses.fields(kind)
    )


class FingerprintTest(base.TestCase):
    def test_methods_are_those_of_the_version(self):
        for name, recorded in RPC[transport.VERSION].items():
            self.assertEqual(recorded, methods(getattr(endpoint, name)))

    def test_methods_about_power_are_those_of_their_version(self):
        served = powering.PowerEndpoint
        self.assertEqual(POWER[served.target.version], methods(served))

    def test_signs_of_life_are_those_of_their_version(self):
        served = signs.SignsEndpoint
        self.assertEqual(SIGNS[served.target.version], methods(served))

    def test_messages_are_those_of_the_version(self):
        for name, recorded in MESSAGES[messages.VERSION].items():
            self.assertEqual(recorded, fields(getattr(messages, name)))

    def test_words_are_those_of_the_version(self):
        for name, recorded in WORDS[messages.VERSION].items():
            self.assertEqual(recorded, ' '.join(getattr(faults, name)))

    def test_beats_are_those_of_their_magic(self):
        self.assertEqual(BEATS[beats.MAGIC], fields(beats.Beat))
