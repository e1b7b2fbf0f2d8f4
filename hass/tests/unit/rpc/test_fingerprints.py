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
STAMP = 'host: str, boot_id: str, sequence: int, sent_at: float, uptime: float'
MESSAGES = {
    '1.1': {
        'Report': f'{STAMP}, addresses: dict[str, str], '
        'domains: list[str] | None, system_uuid: str | None, '
        'resume_guests: bool | None, watchdog: str, '
        'health: dict[str, str], '
        'observations: list[hass.rpc.messages.Sight], '
        'faults: list[hass.rpc.messages.Allegation]',
        'Goodbye': f'{STAMP}, why: str',
        'GateRequest': f'{STAMP}, forced: bool',
        'Sight': 'layer: hass.faults.Layer | hass.faults.SidePath, '
        'detector: str, verdict: Verdict, '
        'age: float, network: str, detail: str',
        'Allegation': 'layer: Layer, age: float, payload: dict[str, str]',
    }
}
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

    def test_messages_are_those_of_the_version(self):
        for name, recorded in MESSAGES[messages.VERSION].items():
            self.assertEqual(recorded, fields(getattr(messages, name)))

    def test_beats_are_those_of_their_magic(self):
        self.assertEqual(BEATS[beats.MAGIC], fields(beats.Beat))
