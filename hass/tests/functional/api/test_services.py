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

import datetime

from hass.api import engines
from hass.api import watch
from hass import clock
from hass.db import services
from hass.diagnosis import estimates
from hass.tests.functional.api import base


class ShiftedClock(clock.SystemClock):
    """The machine's clock, some seconds away from the truth."""

    shift = 0.0

    def now(self):
        return super().now() + datetime.timedelta(seconds=self.shift)


class ServicesTest(base.ApiTest):
    def make_clock(self):
        return ShiftedClock()

    def enter(self, name='engine-1'):
        with self.database.writer() as session:
            services.enter(session, name, '1.0')

    def test_engines_are_listed_with_what_they_hear(self):
        self.enter()
        with self.database.writer() as session:
            services.turn(session, 'engine-1', False, {'compute-1': None})
        found = self.assertFine(200, self.get('/v1/services'))
        (engine,) = found['services']
        self.assertEqual('engine-1', engine['name'])
        self.assertFalse(engine['deaf'])
        self.assertEqual({'compute-1': None}, engine['silent'])
        self.assertEqual([], found['warnings'])

    def test_engines_tell_what_they_look_with_and_how_long_it_takes(self):
        self.enter()
        detectors = {'power_ipmi': {'layer': 'power', 'why': ''}}
        known = estimates.Estimates().to_dict()
        with self.database.writer() as session:
            services.measured(session, 'engine-1', known, detectors)
        (engine,) = self.get('/v1/services').json['services']
        self.assertEqual(detectors, engine['detectors'])
        self.assertEqual(0.06, engine['estimates']['power']['probe_seconds'])

    def test_pages_are_walked_by_name(self):
        for number in range(3):
            self.enter(f'engine-{number}')
        first = self.get('/v1/services?limit=2').json
        names = [one['name'] for one in first['services']]
        self.assertEqual(['engine-0', 'engine-1'], names)
        (link,) = first['links']
        rest = self.get('/v1/' + link['href'].partition('/v1/')[2]).json
        (last,) = rest['services']
        self.assertEqual(('engine-2', []), (last['name'], rest['links']))
        answer = self.get('/v1/services?marker=engine-9')
        self.assertSays(400, 'marker: no entry has name engine-9', answer)

    def test_no_engine_is_a_warning(self):
        (warning,) = self.get('/v1/services').json['warnings']
        self.assertIn('no engine runs', warning)

    def test_engines_that_stopped_turning_are_a_warning(self):
        self.enter()
        self.clock.shift = 31
        (warning,) = self.get('/v1/services').json['warnings']
        self.assertIn('no engine has finished a turn', warning)
        self.assertRegex(warning, r'for \d+ s')

    def test_one_engine_that_turns_is_enough(self):
        self.enter('engine-1')
        self.clock.shift = 31
        self.enter('engine-2')
        self.assertEqual([], self.get('/v1/services').json['warnings'])

    def hear(self, engine, *found):
        """An engine refuses messages: name and address of each sender."""
        rows = [
            {'name': name, 'known': False, 'address': address}
            for name, address in found
        ]
        with self.database.writer() as session:
            services.measured(session, engine, {}, {}, rows)

    def test_names_that_no_host_has_are_a_warning(self):
        for engine in ('engine-1', 'engine-2'):
            self.enter(engine)
            self.hear(engine, ('compute-9', '192.0.2.9'))
        self.assertEqual(
            [
                "beats arrive from 192.0.2.9 in the name of 'compute-9', "
                'which is no host of HASS'
            ],
            self.get('/v1/services').json['warnings'],
        )

    def test_a_host_that_was_added_meanwhile_is_no_stranger(self):
        self.enter()
        self.hear('engine-1', ('compute-9', '192.0.2.9'))
        self.make_cluster('rack-1', hosts=('compute-9',))
        self.assertEqual([], self.get('/v1/services').json['warnings'])

    def test_the_log_says_it_too_and_the_balancer_is_told_nothing(self):
        with self.database.reader() as session:
            answers = iter([engines.silence(session, 30.0)])
        self.application = watch.Watch(
            self.application, lambda: next(answers, None), look_seconds=0.01
        )
        self.assertEqual(200, self.get('/healthcheck').status_code)
        self.wait_for(
            lambda: 'no engine runs' in self.log.output,
            why='the watch looks by itself',
        )

    def test_members_do_not_see_engines(self):
        answer = self.get('/v1/services', base.MEMBER)
        self.assertSays(403, 'ha:services:list', answer)
