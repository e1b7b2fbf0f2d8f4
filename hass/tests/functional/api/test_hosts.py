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

from hass.db import clusters
from hass.db import hosts
from hass.db import recoveries
from hass.db import services
from hass.engine import inventory
from hass import secrets
from hass.tests.functional.api import base
from hass.tests.functional.db import base as stores

OF_CLUSTER = '/v1/clusters/rack-1/hosts'
BMC = {
    'address': '192.0.2.1',
    'port': 624,
    'username': 'admin',
    'password': 'hush',
}


@stores.on_every_database
class HostsTest(base.ApiTest):
    def setUp(self):
        super().setUp()
        self.make_cluster('rack-1', hosts=())

    def add(self, name='compute-1', **fields):
        self.nova.host(name)
        return self.post(OF_CLUSTER, {'name': name} | fields)

    def test_a_host_is_added_with_its_key_and_its_fence_tried(self):
        host = self.assertFine(
            201,
            self.add(labels={'row': '7'}, addresses={'storage': '2001:db8::1'},
                     bmc=BMC),
        )  # fmt: skip
        self.assertEqual('rack-1', host['cluster'])
        self.assertEqual({'row': '7'}, host['labels'])
        self.assertEqual({'storage': '2001:db8::1'}, host['addresses'])
        self.assertEqual('working', host['fence']['state'])
        self.assertEqual('always-off', host['fence']['power_restore_policy'])
        self.assertIsNone(host['resume_guests'])
        self.assertEqual([], host['warnings'])
        self.assertEqual(64, len(host['agent_key']))

    def test_the_key_is_shown_once(self):
        self.add()
        self.assertNotIn('agent_key"', self.get('/v1/hosts/compute-1').text)
        self.assertNotIn('agent_key"', self.get('/v1/hosts').text)

    def test_a_bmc_password_is_never_shown(self):
        self.assertNotIn('hush', self.add(bmc=BMC).text)
        answer = self.get('/v1/hosts/compute-1')
        self.assertNotIn('hush', answer.text)
        self.assertNotIn('closed(', answer.text)
        shown = dict(BMC, password_set=True)
        del shown['password']
        self.assertEqual(shown, answer.json['bmc'])
        self.assertNotIn('hush', self.log.output)

    def test_bmc_data_may_be_absent(self):
        host = self.assertFine(201, self.add())
        self.assertIsNone(host['bmc']['address'])
        self.assertFalse(host['bmc']['password_set'])

    def test_a_host_must_be_known_to_nova(self):
        answer = self.post(OF_CLUSTER, {'name': 'compute-9'})
        self.assertSays(409, 'compute-9 is not known to Nova', answer)

    def test_a_host_must_be_up(self):
        self.nova.host('compute-1', state='down')
        answer = self.post(OF_CLUSTER, {'name': 'compute-1'})
        self.assertSays(409, 'compute-1 is down in Nova', answer)

    def test_a_host_that_is_forced_down_is_not_up(self):
        self.nova.host('compute-1', forced_down=True)
        answer = self.post(OF_CLUSTER, {'name': 'compute-1'})
        self.assertSays(409, 'compute-1 is down in Nova', answer)

    def test_a_host_belongs_to_one_cluster_at_most(self):
        self.add()
        self.make_cluster('rack-2', hosts=())
        answer = self.post('/v1/clusters/rack-2/hosts', {'name': 'compute-1'})
        self.assertSays(409, 'compute-1 is in a cluster already', answer)

    def test_an_unknown_cluster_is_told_before_nova_is_asked(self):
        self.nova.failure = base.unreachable()
        answer = self.post('/v1/clusters/rack-9/hosts', {'name': 'compute-1'})
        self.assertSays(404, 'cluster rack-9', answer)

    def test_a_host_stays_with_what_its_cluster_protects(self):
        self.add()
        self.change('/v1/clusters/rack-1', {'protects': 'all'})
        self.nova.boot('compute-1')
        answer = self.delete('/v1/hosts/compute-1')
        self.assertSays(409, 'runs 1 protected instances', answer)

    def test_a_host_with_protected_instances_stays(self):
        self.add()
        instance = self.protect('compute-1')
        answer = self.delete('/v1/hosts/compute-1')
        self.assertSays(409, f'runs 1 protected instances: {instance}', answer)

    def leave_out(self, instance):
        """Nova's list lacks it, as those of a cell that is down."""
        with self.database.writer() as session:
            hosts.get(session, 'compute-1').domains = [instance]
        self.nova.left_out.add(instance)

    def test_a_host_with_one_that_nova_leaves_out_stays(self):
        self.add()
        instance = self.protect('compute-1')
        self.leave_out(instance)
        answer = self.delete('/v1/hosts/compute-1')
        self.assertSays(409, f'it lacks {instance}', answer)
        self.nova.move(instance, 'compute-2')
        self.assertFine(204, self.delete('/v1/hosts/compute-1'))

    def test_a_host_with_one_that_nova_cannot_show_stays(self):
        self.add()
        instance = self.protect('compute-1')
        self.leave_out(instance)
        self.nova.unshown.add(instance)
        answer = self.delete('/v1/hosts/compute-1')
        self.assertSays(409, f'{instance}, seen by the agent', answer)

    def test_a_host_without_them_goes(self):
        self.add()
        self.nova.boot('compute-1')
        self.assertFine(204, self.delete('/v1/hosts/compute-1'))
        self.assertSays(404, 'compute-1', self.get('/v1/hosts/compute-1'))

    def test_a_host_stays_while_nova_cannot_say_what_it_runs(self):
        self.add()
        self.nova.failure = base.unreachable()
        answer = self.delete('/v1/hosts/compute-1')
        self.assertSays(503, 'Nova cannot be asked now', answer)
        self.nova.failure = None
        self.assertFine(200, self.get('/v1/hosts/compute-1'))

    def test_a_host_with_an_open_recovery_stays_and_keeps_its_bmc(self):
        self.add()
        self.open_recovery('compute-1')
        answer = self.delete('/v1/hosts/compute-1')
        self.assertSays(409, 'has an open recovery', answer)
        answer = self.change('/v1/hosts/compute-1', {'bmc': BMC})
        self.assertSays(409, 'has an open recovery', answer)
        answer = self.change('/v1/hosts/compute-1', {'labels': {'a': 'b'}})
        self.assertFine(200, answer)

    def test_a_broken_fence_is_a_warning(self):
        self.engine.outcomes['compute-1'] = (
            'broken', 'the BMC refuses the password', None, None
        )  # fmt: skip
        host = self.assertFine(201, self.add(bmc=BMC))
        self.assertEqual(
            ['no working fence: broken, the BMC refuses the password'],
            host['warnings'],
        )

    def test_a_power_restore_policy_that_restores_is_a_warning(self):
        self.engine.outcomes['compute-1'] = (
            'working', '', 'guid', 'always-on'
        )  # fmt: skip
        host = self.assertFine(201, self.add(bmc=BMC))
        self.assertEqual('always-on', host['fence']['power_restore_policy'])
        self.assertIn('should be always-off', host['warnings'][0])

    def test_what_engines_found_in_their_rounds_is_a_warning(self):
        self.add()
        why = 'ann vouches that its BMC is its own'
        self.database.write(hosts.set_degraded, 'compute-1', [why])
        host = self.assertFine(200, self.get('/v1/hosts/compute-1'))
        self.assertIn(why, host['warnings'])

    def test_guests_that_resume_on_boot_are_a_warning(self):
        self.add()
        with self.database.writer() as session:
            hosts.record_report(
                session, 'compute-1', boot_id='b', addresses={}, domains=[],
                system_uuid=None, resume_guests=True, clock_at=None,
            )  # fmt: skip
        host = self.assertFine(200, self.get('/v1/hosts/compute-1'))
        self.assertTrue(host['resume_guests'])
        self.assertIn('resume_guests_state_on_host_boot', host['warnings'][0])

    def test_a_host_is_added_though_no_engine_answers(self):
        self.engine.answers = False
        host = self.assertFine(201, self.add(bmc=BMC))
        self.assertEqual('untested', host['fence']['state'])
        self.assertEqual(
            ['no working fence: untested, no engine answered'],
            host['warnings'],
        )

    def test_other_networks_and_addresses_are_refused(self):
        answer = self.add(addresses={'storage': '192.0.2.300'})
        error = self.assertSays(400, 'IPv4 or IPv6', answer)
        self.assertEqual('addresses.storage', error['field'])
        answer = self.add(addresses={'Storage net': '192.0.2.3'})
        self.assertSays(400, 'a network is named by', answer)

    def test_a_misspelt_field_is_named(self):
        answer = self.add(bmc=BMC | {'pasword': 'x'})
        error = self.assertSays(
            400, 'allowed: address, password, port, username', answer
        )
        self.assertEqual('bmc.pasword', error['field'])
        answer = self.add(bmc={'username': 'x'})
        error = self.assertSays(400, 'bmc.address: is missing', answer)

    def watched(self):
        """As the detectors of an engine are told."""
        path = f'{self.make_folder()}/keyring'
        secrets.create(path)
        known = inventory.Inventory(
            self.database, secrets.Keyring(path), self.clock, {}
        )
        known.refresh()
        (host,) = known.hosts()
        return known.subject(host).watched_sensors

    def test_all_sensors_with_thresholds_are_watched(self):
        host = self.assertFine(201, self.add())
        self.assertIsNone(host['watched_sensors'])
        self.assertIsNone(self.watched())

    def test_watched_sensors_are_those_that_detectors_are_told(self):
        self.add(watched_sensors=['CPU Temp', 'PSU 1'])
        self.assertEqual(('CPU Temp', 'PSU 1'), self.watched())
        answer = self.change(
            '/v1/hosts/compute-1', {'watched_sensors': ['Fan 3']}
        )
        host = self.assertFine(200, answer)
        self.assertEqual(['Fan 3'], host['watched_sensors'])
        self.assertEqual(('Fan 3',), self.watched())

    def test_null_watches_all_sensors_with_thresholds_again(self):
        self.add(watched_sensors=['Fan 3'])
        answer = self.change('/v1/hosts/compute-1', {'watched_sensors': None})
        self.assertIsNone(self.assertFine(200, answer)['watched_sensors'])
        self.assertIsNone(self.watched())

    def test_other_lists_of_sensors_are_refused(self):
        for sensors, field, words in (
            ([], 'watched_sensors', 'must not be empty'),
            ('Fan 3', 'watched_sensors', 'allowed: array, null'),
            (['Fan 3', 'Fan 3'], 'watched_sensors', 'more than once'),
            ([3], 'watched_sensors.0', 'allowed: string'),
        ):
            error = self.assertSays(
                400, words, self.add(watched_sensors=sensors)
            )
            self.assertEqual(field, error['field'])

    def test_changing_the_bmc_tries_the_fence_anew(self):
        self.add(bmc=BMC)
        self.engine.outcomes['compute-1'] = ('broken', 'no', None, None)
        answer = self.change('/v1/hosts/compute-1', {'bmc': {'port': 625}})
        host = self.assertFine(200, answer)
        self.assertEqual(625, host['bmc']['port'])
        self.assertEqual('192.0.2.1', host['bmc']['address'])
        self.assertTrue(host['bmc']['password_set'])
        self.assertEqual('broken', host['fence']['state'])

    def test_a_changed_bmc_is_not_trusted_untried(self):
        self.add(bmc=BMC)
        self.engine.answers = False
        answer = self.change(
            '/v1/hosts/compute-1', {'bmc': {'address': '192.0.2.2'}}
        )
        host = self.assertFine(200, answer)
        self.assertEqual('untested', host['fence']['state'])
        self.assertIsNone(host['fence']['guid'])

    def test_null_takes_the_bmc_away(self):
        self.add(bmc=BMC)
        host = self.assertFine(
            200, self.change('/v1/hosts/compute-1', {'bmc': None})
        )
        self.assertIsNone(host['bmc']['address'])
        self.assertFalse(host['bmc']['password_set'])

    def test_a_rotated_key_overlaps_with_the_old_one(self):
        old = self.add().json['agent_key']
        answer = self.post('/v1/hosts/compute-1/agent_key')
        new = self.assertFine(201, answer)['agent_key']
        with self.database.reader() as session:
            keys = hosts.agent_keys(session)['compute-1']
        self.assertEqual(
            [f'closed({new[::-1]})', f'closed({old[::-1]})'], keys
        )

    def rotate(self):
        answer = self.post('/v1/hosts/compute-1/agent_key')
        return self.assertFine(201, answer)

    def test_a_key_that_was_never_used_is_void_and_that_is_told(self):
        self.add()
        self.assertEqual([], self.rotate()['warnings'])
        (warning,) = self.rotate()['warnings']
        self.assertIn('was never used and is void now', warning)

    def test_a_new_key_is_waited_for(self):
        self.add()
        waited = 'its agent has not used the key that was issued at '
        self.assertNotIn(waited, self.warned())
        self.rotate()
        self.assertIn(waited, self.warned())
        with self.database.writer() as session:
            newest = hosts.get(session, 'compute-1').agent_key
            hosts.end_overlaps(session, {'compute-1': newest})
        self.assertNotIn(waited, self.warned())

    def warned(self):
        return '; '.join(self.get('/v1/hosts/compute-1').json['warnings'])

    def hear(self, name, known, address='192.0.2.7'):
        """An engine hears messages that it refuses."""
        one = {'name': name, 'known': known, 'address': address}
        with self.database.writer() as session:
            services.enter(session, 'engine-1', '1.0')
            services.measured(session, 'engine-1', {}, {}, [one])

    def test_who_signs_with_another_key_is_told_with_its_address(self):
        self.add()
        self.hear('compute-1', True)
        told = (
            'beats arrive from 192.0.2.7, signed with a key that is not its '
            'own'
        )
        self.assertIn(told, self.warned())
        (listed,) = self.get('/v1/hosts').json['hosts']
        self.assertIn(told, listed['warnings'])

    def test_a_wrong_name_is_told_of_the_host_that_has_the_address(self):
        self.add(addresses={'management': '192.0.2.7'})
        self.hear('compute-1.example.org', False)
        self.assertIn(
            'beats arrive from its address 192.0.2.7 in the name of '
            "'compute-1.example.org', which is no host of HASS",
            self.warned(),
        )

    def test_what_a_dead_engine_heard_is_not_told(self):
        self.add()
        self.hear('compute-1', True)
        with self.database.writer() as session:
            (engine,) = services.all(session)
            engine.turn_at -= datetime.timedelta(seconds=31)
        self.assertNotIn('arrive', self.warned())

    def test_the_fence_can_be_tried_again(self):
        self.engine.answers = False
        self.add()
        self.engine.answers = True
        answer = self.post('/v1/hosts/compute-1/fence_test')
        self.assertEqual(
            'working', self.assertFine(200, answer)['fence']['state']
        )

    def test_hosts_are_listed_by_cluster(self):
        self.add('compute-1')
        self.make_cluster('rack-2', hosts=('compute-2',))
        of_cluster = self.get(OF_CLUSTER).json['hosts']
        self.assertEqual(['compute-1'], [host['name'] for host in of_cluster])
        self.assertEqual(2, len(self.get('/v1/hosts').json['hosts']))
        self.assertSays(404, 'rack-9', self.get('/v1/clusters/rack-9/hosts'))

    def open_recovery(self, host):
        with self.database.writer() as session:
            cluster = clusters.get(session, 'rack-1')
            recoveries.open_one(
                session, workflow='host_failure', host=host,
                cluster_id=cluster.id, state='confirming',
                deadline_seconds=60, engine='engine-1', why='silent',
            )  # fmt: skip


class SlowEngineTest(base.ApiTest):
    fence_test_seconds = 0.2

    def test_a_broker_that_was_never_reached_delays_no_longer_than_said(self):
        self.engine.hangs = True
        names = tuple(f'compute-{number}' for number in range(20))
        cluster = self.make_cluster(hosts=names)
        states = {host['fence']['state'] for host in cluster['hosts']}
        self.assertEqual({'untested'}, states)
        self.assertIn(
            'no engine answered in time', cluster['hosts'][0]['fence']['why']
        )
