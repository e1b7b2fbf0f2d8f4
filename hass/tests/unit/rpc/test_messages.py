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

import json
from typing import Any

from hass import beats
from hass import exception
from hass import faults
from hass.rpc import messages
from hass.tests import base

KEY = b'k' * 32
STAMP: dict[str, Any] = {
    'host': 'compute-1',
    'boot_id': 'boot-1',
    'sequence': 1,
    'sent_at': 1.5,
    'uptime': 2.5,
}


def keys(host):
    return [KEY] if host == 'compute-1' else []


def make_report(**changes):
    fields: dict[str, Any] = {
        'addresses': {'management': '192.0.2.1'},
        'domains': ['a', 'b'],
        'system_uuid': None,
        'resume_guests': False,
        'watchdog': 'off',
        'health': {'beats': 'ok'},
        'observations': [
            messages.Sight(
                faults.Layer.OS, 'systemd', faults.Verdict.HEALTHY, 0.5
            )
        ],
        'faults': [
            messages.Allegation(faults.Layer.INSTANCE, 3.0, {'a': 'b'})
        ],
    }
    return messages.Report(**STAMP | fields | changes)


def sealed(values, kind=b'report'):
    """An envelope with whatever body, rightly signed."""
    body = values if isinstance(values, str) else json.dumps(values)
    return {
        'version': messages.VERSION,
        'body': body,
        'mac': beats.sign(kind, body.encode(), KEY).hex(),
    }


class MessagesTest(base.TestCase):
    def refused(self, envelope, kind=messages.Report):
        return str(
            self.assertRaises(
                exception.MessageRefused, messages.unseal, kind, envelope, keys
            )
        )

    def test_what_was_sealed_is_read(self):
        for message in (
            make_report(),
            make_report(domains=None, resume_guests=None),
            messages.Goodbye(**STAMP, why='stopped'),
            messages.GateRequest(**STAMP, forced=True),
        ):
            envelope = json.loads(json.dumps(messages.seal(message, KEY)))
            self.assertEqual(
                message, messages.unseal(type(message), envelope, keys)
            )

    def test_what_says_nothing_new_is_for_older_engines_too(self):
        envelope = messages.seal(make_report(), KEY)
        self.assertEqual('1.2', envelope['version'])
        self.assertNotIn('results', json.loads(envelope['body']))
        result = messages.OrderResult('1', True)
        envelope = messages.seal(make_report(results=[result]), KEY)
        self.assertEqual('1.3', envelope['version'])
        self.assertEqual(
            [result],
            messages.unseal(messages.Report, envelope, keys).results,
        )

    def test_a_wrong_key_is_a_forgery(self):
        envelope = messages.seal(make_report(), b'x' * 32)
        self.assertIn(beats.Refusal.FORGED, self.refused(envelope))

    def test_nothing_in_the_body_may_be_changed(self):
        envelope = messages.seal(make_report(), KEY)
        envelope['body'] = envelope['body'].replace('"a"', '"c"')
        self.assertIn(beats.Refusal.FORGED, self.refused(envelope))

    def test_a_goodbye_is_no_gate_request(self):
        envelope = messages.seal(messages.GateRequest(**STAMP), KEY)
        envelope['body'] = json.dumps(STAMP | {'why': 'x'})
        self.assertIn(
            beats.Refusal.FORGED, self.refused(envelope, messages.Goodbye)
        )

    def test_another_host_has_another_key(self):
        envelope = messages.seal(make_report(host='compute-2'), KEY)
        self.assertIn(beats.Refusal.UNKNOWN_HOST, self.refused(envelope))

    def test_a_missing_field_is_named(self):
        values = make_report().to_dict()
        del values['watchdog']
        self.assertIn('report.watchdog: missing', self.refused(sealed(values)))

    def test_an_unknown_field_is_named(self):
        values = make_report().to_dict() | {'extra': 1}
        self.assertIn("unknown field 'extra'", self.refused(sealed(values)))

    def test_a_field_of_a_wrong_type_is_named(self):
        for field, value in (
            ('host', 5),
            ('sequence', True),
            ('sequence', 1.5),
            ('sequence', 2**70),
            ('uptime', float('nan')),
            ('uptime', '3'),
            ('domains', [1]),
            ('domains', ['x'] * 5000),
            ('domains', 'abc'),
            ('system_uuid', {}),
            ('resume_guests', 'no'),
            ('addresses', ['a']),
            ('watchdog', 'x' * 2000),
            ('observations', [None]),
            ('observations', [{'layer': 'os'}]),
            ('faults', [{'layer': 'moon', 'age': 1, 'payload': {}}]),
        ):
            values = make_report().to_dict() | {field: value}
            self.assertIn(f'report.{field}', self.refused(sealed(values)))

    def test_an_unknown_choice_tells_the_allowed_ones(self):
        values = make_report().to_dict()
        values['faults'][0]['layer'] = 'moon'
        why = self.refused(sealed(values))
        self.assertIn('report.faults.layer: one of power, hardware', why)

    def test_bodies_that_are_no_report_are_refused(self):
        for body in ('', 'null', '[]', '5', '[' * 100000, '{"a":', '\ud800'):
            mac = '00' * 32
            self.refused({'version': '1.0', 'body': body, 'mac': mac})

    def test_envelopes_that_are_none_are_refused(self):
        good: dict[str, Any] = dict(messages.seal(make_report(), KEY))
        envelope: Any
        for envelope in (
            None,
            5,
            [],
            {},
            'text',
            good | {'mac': 'zz'},
            good | {'mac': 5},
            good | {'body': {}},
            good | {'body': ' ' * 300000},
            good | {'version': '2.0'},
            good | {'more': ''},
        ):
            self.refused(envelope)
