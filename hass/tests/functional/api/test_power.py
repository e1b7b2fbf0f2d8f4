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
import uuid

from hass.db import evacuations
from hass.db import hosts
from hass.db import moments
from hass.db import recoveries
from hass.db import windows
from hass import exception
from hass.tests.functional.api import base
from hass.tests.functional.db import base as stores

POWER = '/v1/hosts/compute-1/power'
SENSORS = '/v1/hosts/compute-1/sensors'
EVENTS = '/v1/hosts/compute-1/events'


@stores.on_every_database
class PowerTest(base.ApiTest):
    def setUp(self):
        super().setUp()
        self.make_cluster('rack-1', hosts=('compute-1', 'compute-2'))
        self.device = self.engine.fencer.device('compute-1')

    def turn(self, power, **options):
        return self.ask('PUT', POWER, {'power': power}, **options)

    def open_one(self):
        """As the patrol does it."""
        with self.database.writer() as session:
            row = windows.guard(session, 'compute-1')
            assert row is not None
            if hosts.is_powering(row, moments.read_now(session)):
                return None
            found = recoveries.open_one(
                session,
                workflow='host_failure',
                host='compute-1',
                cluster_id=row.cluster_id,
                state='confirming',
                deadline_seconds=60,
                engine='engine-1',
                why='silent on all networks',
            )
            assert found is not None
            return found.uuid

    def test_power_is_what_the_device_reads(self):
        shown = self.assertFine(200, self.get(POWER))
        self.assertEqual({'host': 'compute-1', 'power': 'on'}, shown)
        self.device.is_on = False
        self.assertEqual('off', self.get(POWER).json['power'])

    def test_it_is_turned_off_and_on(self):
        answer = self.assertFine(202, self.turn('off'))
        self.assertEqual('off', self.get(POWER).json['power'])
        self.assertIn('HASS takes a host that is off', answer['warnings'][0])
        answer = self.assertFine(202, self.turn('on'))
        self.assertTrue(self.device.is_on)
        self.assertEqual([], answer['warnings'])

    def force(self):
        return self.ask('PUT', POWER, {'power': 'off', 'force': True})

    def test_guests_are_not_cut_off_unless_it_is_forced(self):
        self.nova.boot('compute-1', name='web')
        self.assertSays(
            409, 'instances run on host compute-1: web', self.turn('off')
        )
        self.assertTrue(self.device.is_on)
        self.assertFine(202, self.force())
        self.assertEqual('off', self.get(POWER).json['power'])

    def test_guests_that_only_the_agent_sees_count_too(self):
        with self.database.writer() as session:
            row = hosts.get(session, 'compute-1')
            row.domains = ['0f6b3f0e-6d0a-4a57-9d8c-0a6d0c6d7c11']
            row.reported_at = moments.read_now(session)
        self.assertSays(409, '0f6b3f0e', self.turn('off'))

    def test_stopped_instances_are_no_guests(self):
        self.nova.boot('compute-1', status='STOPPED')
        self.assertFine(202, self.turn('off'))

    def test_when_nova_cannot_tell_it_has_to_be_forced(self):
        self.nova.failure = exception.NovaFailed('list servers', '503')
        self.assertSays(409, 'cannot be seen', self.turn('off'))
        self.assertFine(202, self.force())

    def test_when_nova_leaves_one_out_it_has_to_be_forced(self):
        instance = self.nova.boot('compute-1')
        self.nova.left_out.add(instance)
        with self.database.writer() as session:
            row = hosts.get(session, 'compute-1')
            row.domains = [instance]
            now = moments.read_now(session)
            row.reported_at = now - datetime.timedelta(hours=1)
        self.assertSays(409, f'{instance} is missing', self.turn('off'))
        self.assertTrue(self.device.is_on)
        self.assertFine(202, self.force())

    def test_the_power_of_another_host_is_never_cut(self):
        """Not by force either: its address leads to that host's BMC."""
        others = uuid.UUID('35492b98-e517-566a-8cea-3ea85f3173f3')
        with self.database.writer() as session:
            hosts.get(session, 'compute-2').system_uuid = str(others)
        self.device.guid = others
        for answer in (self.turn('off'), self.force()):
            self.assertSays(409, f'system {others}, as compute-2', answer)
        self.assertTrue(self.device.is_on)
        self.device.is_on = False
        self.assertFine(202, self.turn('on'))
        self.assertTrue(self.device.is_on)

    def test_a_bmc_that_was_known_to_be_another_s_is_not_told_off(self):
        with self.database.writer() as session:
            row = hosts.get(session, 'compute-1')
            row.bmc_guid = '35492b98-e517-566a-8cea-3ea85f3173f3'
            row.system_uuid = 'e5cc136b-0e59-56e9-827d-28963fb2cf31'
        self.assertSays(409, 'the host says that it is e5cc', self.force())
        self.assertTrue(self.device.is_on)

    def test_a_window_says_that_it_is_meant(self):
        window = {'seconds': 600, 'reason': 'a new fan'}
        self.ask('PUT', '/v1/hosts/compute-1/maintenance', window)
        answer = self.assertFine(202, self.turn('off'))
        self.assertEqual([], answer['warnings'])

    def test_a_host_with_an_open_recovery_is_left_to_it(self):
        found = self.open_one()
        for power in ('on', 'off'):
            self.assertSays(409, found, self.turn(power))
        self.assertTrue(self.device.is_on)

    def test_the_engine_looks_for_a_recovery_itself(self):
        found = self.open_one()
        said = self.engine.turn_power(
            'compute-1', 'off', '9999-01-01T00:00:00', 'operator'
        )
        self.assertIn(found, said['refused'])
        self.assertTrue(self.device.is_on)

    def test_it_stays_off_while_an_evacuation_has_not_ended(self):
        found = self.open_one()
        instance = self.nova.boot('compute-1')
        with self.database.writer() as session:
            row = recoveries.get(session, found)
            wanted = evacuations.Intention(instance, 'vm-1', 'blue')
            evacuations.plan(session, row.id, 'compute-1', [wanted])
            recoveries.end(session, row, 'dismissed', 'engine-1', 'let go')
        self.device.is_on = False
        self.assertSays(409, '1 evacuations', self.turn('on'))
        self.assertFalse(self.device.is_on)
        self.assertFine(202, self.turn('off'))

    def test_no_recovery_begins_while_the_device_is_asked(self):
        meanwhile = []
        self.patch(
            self.engine.fencer,
            'on',
            lambda target, deadline: meanwhile.append(self.open_one()),
        )
        self.assertFine(202, self.turn('on'))
        self.assertEqual([None], meanwhile)
        self.assertIsNotNone(self.open_one())

    def test_one_command_at_a_time(self):
        answers = []
        self.patch(
            self.engine.fencer,
            'on',
            lambda target, deadline: answers.append(self.turn('off')),
        )
        self.assertFine(202, self.turn('on'))
        (answer,) = answers
        self.assertSays(409, 'another power command', answer)

    def test_what_is_asked_for_too_late_is_not_done(self):
        said = self.engine.turn_power(
            'compute-1', 'off', '2001-01-01T00:00:00', 'operator'
        )
        self.assertIn('too long ago', said['refused'])
        self.assertTrue(self.device.is_on)

    def test_a_device_that_does_not_answer_is_told(self):
        self.device.mute = True
        for answer in (self.get(POWER), self.turn('off')):
            self.assertSays(503, 'no answer', answer)

    def test_without_an_engine_nothing_is_done(self):
        self.engine.answers = False
        for answer in (
            self.get(POWER),
            self.turn('off'),
            self.get(SENSORS),
            self.get(EVENTS),
        ):
            self.assertSays(503, 'no engine answered', answer)
        self.assertTrue(self.device.is_on)

    def test_a_mended_host_is_brought_back_by_a_story_of_its_own(self):
        self.device.is_on = False
        answer = self.post('/v1/hosts/compute-1/return')
        shown = self.assertFine(202, answer)
        self.assertEqual('host_return', shown['workflow'])
        self.assertEqual('powering_on', shown['state'])
        self.assertIn('operator wants it back', shown['why'])
        self.assertTrue(self.engine.woken.is_set())
        answer = self.post('/v1/hosts/compute-1/return')
        self.assertSays(409, shown['uuid'], answer)
        self.assertSays(409, shown['uuid'], self.turn('on'))

    def test_only_a_host_that_is_off_is_brought_back(self):
        answer = self.post('/v1/hosts/compute-1/return')
        self.assertSays(409, 'reads on: only a host that is off', answer)
        self.assertEqual([], self.get('/v1/recoveries').json['recoveries'])

    def test_a_host_in_a_window_is_not_brought_back(self):
        self.device.is_on = False
        window = {'seconds': 600, 'reason': 'a new fan'}
        self.ask('PUT', '/v1/hosts/compute-1/maintenance', window)
        answer = self.post('/v1/hosts/compute-1/return')
        self.assertSays(409, 'a new fan; end that first', answer)

    def test_only_on_and_off_can_be_asked_for(self):
        self.assertSays(400, 'allowed: on, off', self.turn('cycle'))
        self.assertSays(
            404, 'compute-9', self.get('/v1/hosts/compute-9/power')
        )

    def test_tenants_may_nothing_of_it(self):
        for answer in (
            self.get(POWER, base.MEMBER),
            self.turn('off', token=base.MEMBER),
            self.get(SENSORS, base.MEMBER),
            self.get(EVENTS, base.MEMBER),
            self.post('/v1/hosts/compute-1/return', token=base.MEMBER),
        ):
            self.assertSays(403, 'ha:hosts:', answer)
        self.assertTrue(self.device.is_on)

    def test_sensors_are_listed_all_or_by_type(self):
        shown = self.assertFine(200, self.get(SENSORS))['sensors']
        self.assertEqual(['CPU Temp', 'Fan 1'], [it['name'] for it in shown])
        (fan,) = self.get(f'{SENSORS}?type=fan').json['sensors']
        self.assertEqual(
            ('Fan', 0.0, 'RPM', 'failed', ['low']),
            tuple(
                fan[key]
                for key in ('type', 'value', 'unit', 'health', 'states')
            ),
        )

    def test_what_a_device_is_read_for_has_no_second_page(self):
        for path, allowed in ((SENSORS, 'limit, type'), (EVENTS, 'limit')):
            self.assertEqual([], self.get(f'{path}?limit=1').json['links'])
            answer = self.get(f'{path}?marker=1')
            told = f'unknown parameter; allowed: {allowed}'
            self.assertSays(400, told, answer)

    def test_its_event_log_is_listed(self):
        newest, oldest = self.assertFine(200, self.get(EVENTS))['events']
        self.assertEqual((2, None), (newest['record'], newest['at']))
        self.assertEqual(
            {
                'record': 1,
                'at': '2026-05-04T03:12:45+00:00',
                'sensor': 'PSU 1',
                'type': 'Power Supply',
                'state': 'Failure',
                'asserted': True,
                'health': 'critical',
            },
            oldest,
        )

    def test_a_host_without_a_bmc_has_no_sensors_and_no_events(self):
        self.engine.panel.address = None
        for path in (SENSORS, EVENTS):
            self.assertSays(503, 'no BMC is set for it', self.get(path))


class HangingEngineTest(base.ApiTest):
    fence_test_seconds = 0.2

    def test_a_request_does_not_wait_for_ever(self):
        self.make_cluster('rack-1')
        self.engine.hangs = True
        self.assertSays(503, 'no engine answered in time', self.get(POWER))
