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

"""Whoever a thread works for is named in its lines, and to others."""

import logging
import threading
import uuid

from oslo_config import cfg
from oslo_context import context
from oslo_context import fixture
from osprofiler import opts as profiler_options
from osprofiler import profiler
from osprofiler import web

from hass import exception
from hass import origin
from hass.rpc import transport
from hass.tests import base

RECOVERY = '5b1d2c6e-0f0a-4f43-9d56-2f4f3b1a7c10'
REQUEST = f'req-{RECOVERY}'
KEY = 'key-of-the-test'


class OriginCase(base.TestCase):
    def setUp(self):
        super().setUp()
        self.useFixture(fixture.ClearRequestContext())
        self.addCleanup(profiler.clean)
        profiler.clean()

    def enable(self, keys=KEY):
        """As a service does whose [profiler] is enabled."""
        self.addCleanup(setattr, web, '_HMAC_KEYS', web._HMAC_KEYS)
        self.addCleanup(setattr, web, '_ENABLED', web._ENABLED)
        web.enable(keys)

    def trace(self):
        """The id of the trace that this thread is in."""
        here = profiler.get()
        return here and here.get_base_id()

    def elsewhere(self, work):
        """What the work gives in a thread of its own."""
        gave = []
        thread = threading.Thread(target=lambda: gave.append(work()))
        thread.start()
        thread.join(10)
        return gave[0]


class ContextTest(OriginCase):
    def test_a_thread_without_origin_has_no_name(self):
        self.assertIsNone(origin.global_id())
        self.assertEqual({}, origin.to_wire())

    def test_work_for_a_recovery_is_named_by_it(self):
        origin.begin_recovery(RECOVERY)
        self.assertEqual(REQUEST, origin.global_id())
        here = context.get_current()
        assert here is not None
        self.assertEqual(RECOVERY, here.to_dict()['resource_uuid'])

    def test_one_line_can_be_named_by_itself(self):
        logging.getLogger('a').warning('it', extra=origin.logged(RECOVERY))
        self.assertIsNone(context.get_current())

    def test_other_threads_go_on_for_the_same(self):
        origin.begin_recovery(RECOVERY)
        self.assertIsNone(self.elsewhere(origin.global_id))
        self.assertEqual(
            REQUEST, self.elsewhere(origin.carried(origin.global_id))
        )
        with origin.Pool(1) as pool:
            self.assertEqual(REQUEST, pool.submit(origin.global_id).result(5))


class WireTest(OriginCase):
    def test_the_request_is_known_at_the_other_end(self):
        origin.begin_request()
        asked = origin.global_id()
        told = transport.StrictSerializer().serialize_context({})

        def served():
            transport.StrictSerializer().deserialize_context(told)
            return origin.global_id()

        self.assertEqual(asked, self.elsewhere(served))

    def test_what_is_no_request_id_is_left_out(self):
        for told in (
            {},
            *(
                {'request_id': bad}
                for bad in (
                    None,
                    5,
                    'x',
                    f'{REQUEST}\n',
                    REQUEST.upper(),
                    ['req-'],
                    'a' * 9999,
                )
            ),
        ):
            origin.from_wire(told)
            self.assertNotEqual(told.get('request_id'), origin.global_id())

    def test_a_call_does_not_go_on_for_the_one_before(self):
        origin.from_wire({'request_id': REQUEST})
        origin.from_wire({})
        self.assertNotEqual(REQUEST, origin.global_id())


class TraceTest(OriginCase):
    def sent(self, key=KEY):
        """What a caller under trace sends; and the trace's id."""
        base_id = str(uuid.uuid4())
        profiler.init(key, base_id=base_id)
        told = origin.to_wire()
        profiler.clean()
        return told, base_id

    def test_a_trace_goes_on_at_the_other_end(self):
        self.enable()
        told, base_id = self.sent()
        self.assertNotIn(KEY, str(told))
        origin.from_wire(told)
        self.assertEqual(base_id, self.trace())

    def test_a_trace_goes_on_in_another_thread(self):
        profiler.init(KEY)
        self.assertIsNotNone(self.trace())
        there = self.elsewhere(origin.carried(self.trace))
        self.assertEqual(self.trace(), there)

    def test_who_does_not_know_the_key_starts_no_trace(self):
        self.enable()
        told, _id = self.sent('another key')
        for bad in (
            told,
            told | {web.X_TRACE_HMAC: ''},
            told | {web.X_TRACE_HMAC: 5},
            {web.X_TRACE_INFO: 'x' * 9999, web.X_TRACE_HMAC: 'x'},
        ):
            origin.from_wire(bad)
            self.assertIsNone(profiler.get())

    def test_a_service_that_is_not_profiled_starts_no_trace(self):
        told, _id = self.sent()
        origin.from_wire(told)
        self.assertIsNone(profiler.get())


class OptionsTest(OriginCase):
    def conf(self, **changes):
        conf = cfg.ConfigOpts()
        for group, options in profiler_options.list_opts():
            conf.register_opts(options, group)
        conf([], default_config_files=[])
        for option, value in changes.items():
            conf.set_override(option, value, 'profiler')
        return conf

    def test_it_is_off_by_default(self):
        origin.set_up(self.conf(), 'hass-api', 'here')
        self.assertIsNone(web._ENABLED)

    def test_the_key_that_everybody_knows_is_refused(self):
        error = self.assertRaises(
            exception.ConfigError,
            origin.set_up,
            self.conf(enabled=True),
            'hass-api',
            'here',
        )
        self.assertIn('[profiler] hmac_keys', str(error))

    def test_a_place_that_is_none_is_refused_and_not_repeated(self):
        error = self.assertRaises(
            exception.ConfigError,
            origin.set_up,
            self.conf(
                enabled=True, hmac_keys=KEY, connection_string='no://secret@x'
            ),
            'hass-api',
            'here',
        )
        self.assertIn('[profiler] connection_string', str(error))
        self.assertIn('there is no driver no', str(error))
        self.assertNotIn('secret', str(error) + self.log.output)
