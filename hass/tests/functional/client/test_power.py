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

from hass.tests.functional.client import base


class PowerTest(base.ClientTest):
    def setUp(self):
        super().setUp()
        self.make_cluster()
        self.device = self.engine.fencer.device('compute-1')

    def test_off_warns_of_what_follows_and_on_waits(self):
        shown = self.read('host', 'power', 'show', 'compute-1')
        self.assertEqual({'host': 'compute-1', 'power': 'on'}, shown)
        done = self.run_command('host', 'power', 'off', 'compute-1')
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertIn('no maintenance window is open', done.stderr)
        self.assertFalse(self.engine.fencer.device('compute-1').is_on)
        shown = self.read('host', 'power', 'on', 'compute-1', '--wait')
        self.assertEqual('on', shown['power'])
        self.assertTrue(self.engine.fencer.device('compute-1').is_on)

    def test_guests_are_cut_off_by_force_only(self):
        self.nova.boot('compute-1', name='web')
        for verb in ('off', 'cycle'):
            said = self.refused('host', 'power', verb, 'compute-1')
            self.assertIn('instances run on host compute-1: web', said)
        self.assertTrue(self.device.is_on)
        shown = self.read('host', 'power', 'off', 'compute-1', '--force')
        self.assertEqual('off', shown['power'])

    def test_an_off_that_failed_on_its_way_may_have_acted(self):
        self.device.mute = True
        said = self.refused('host', 'power', 'off', 'compute-1', '--force')
        self.assertIn('it is not known whether compute-1 is powered off', said)
        self.assertIn('no answer', said)
        self.assertIn('openstack ha host power show compute-1', said)
        self.assertNotIn('try again', said)

    def test_cycle_powers_on_what_reads_off(self):
        shown = self.read('host', 'power', 'cycle', 'compute-1')
        self.assertEqual('on', shown['power'])

    def test_cycle_gives_up_when_it_never_reads_off(self):
        self.device.stuck = True
        said = self.refused(
            'host', 'power', 'cycle', 'compute-1', '--timeout', '0'
        )
        self.assertIn('the BMC of compute-1 reads on, not yet off', said)

    def test_a_bmc_that_does_not_answer_is_told(self):
        self.device.mute = True
        said = self.refused('host', 'power', 'show', 'compute-1')
        self.assertIn('no answer', said)

    def test_return_opens_a_recovery_of_a_host_that_is_off(self):
        said = self.refused('host', 'return', 'compute-1')
        self.assertIn('only a host that is off', said)
        self.device.is_on = False
        shown = self.read('host', 'return', 'compute-1')
        self.assertEqual('host_return', shown['workflow'])
        said = self.refused('host', 'power', 'on', 'compute-1')
        self.assertIn(shown['uuid'], said)

    def test_the_event_log(self):
        newest, oldest = self.read('host', 'events', 'compute-1')
        self.assertEqual((2, None), (newest['Record'], newest['At']))
        self.assertEqual(
            ('PSU 1', 'Failure', True),
            (oldest['Sensor'], oldest['State'], oldest['Asserted']),
        )

    def test_sensors_by_type(self):
        found = self.read('host', 'sensors', 'compute-1')
        self.assertEqual(['CPU Temp', 'Fan 1'], [it['Name'] for it in found])
        words = ('host', 'sensors', 'compute-1', '--type', 'Temperature')
        (one,) = self.read(*words)
        self.assertEqual((41.0, '°C'), (one['Value'], one['Unit']))
