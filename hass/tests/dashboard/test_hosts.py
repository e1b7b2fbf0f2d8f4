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

"""HA Hosts: power, sensors, event log, layers, maintenance."""

from hass.db import moments
from hass.db import observations
from hass import faults
from hass.tests.dashboard import base

PATH = '/ha_admin/hosts/'


class HostsTest(base.DashboardTest):
    def setUp(self):
        super().setUp()
        self.make_rack()
        self.device = self.engine.fencer.device('compute-1')

    def host(self):
        return self.assertFine(200, self.get('/v1/hosts/compute-1'))

    def test_power_is_cut_with_a_warning_and_read_again_by_itself(self):
        self.become('operator', f'{PATH}compute-1/?tab=host__power')
        self.page.said('On', '.hass-live dd')
        self.device.is_on = False
        self.page.said('Off', '.hass-live dd')
        self.device.is_on = True
        self.become('operator', PATH)
        self.page.row_button('hosts', 'compute-1', 'Power Off Host')
        self.page.said('The power is cut at once')
        self.page.confirm()
        self.page.said('Asked for power off of host: compute-1')
        self.page.said('no maintenance window is open')
        self.assertFalse(self.engine.fencer.device('compute-1').is_on)
        self.page.select('hosts', 'compute-1')
        self.page.press('Power On Hosts')
        self.page.said('Asked for power on of host: compute-1')
        self.assertTrue(self.engine.fencer.device('compute-1').is_on)

    def test_sensors_event_log_and_layers_are_shown(self):
        with self.database.writer() as session:
            seen = faults.Observation(
                'compute-1',
                faults.Layer.POWER,
                'power_ipmi',
                faults.Verdict.HEALTHY,
                moments.read_now(session),
                detail='power on',
                seen_by='engine-1',
            )
            observations.put(session, seen)
        self.become('operator', f'{PATH}compute-1/')
        self.page.press('Sensors')
        self.page.said('CPU Temp', '#host__sensors')
        self.assertIn(
            ['CPU Temp', 'Temperature', '41 °C', 'Good', ''],
            self.page.rows('sensors'),
        )
        self.page.press('Event log')
        self.page.said('PSU 1', '#host__events')
        newest, oldest = self.page.rows('events')
        self.assertEqual(['2', '-', 'Fan 1'], newest[:3])
        self.assertEqual(
            ['PSU 1', 'Power Supply', 'Failure', 'Begins', 'Critical'],
            oldest[2:],
        )
        self.page.press('Layers')
        self.page.said('power_ipmi', '#host__layers')
        power = self.page.rows('layers')[0]
        self.assertEqual(['Power', 'Healthy', 'power_ipmi'], power[:3])

    def test_a_window_is_opened_and_ended(self):
        self.become('operator', PATH)
        self.page.row_button('hosts', 'compute-1', 'Begin Maintenance')
        self.page.fill('minutes', '30')
        self.page.fill('reason', 'new memory')
        self.page.submit('begin_maintenance')
        self.page.said('The maintenance window is open')
        self.assertEqual('new memory', self.host()['maintenance_why'])
        self.page.row_button('hosts', 'compute-1', 'End Maintenance')
        self.page.said('Ended maintenance of: compute-1')
        self.assertIsNone(self.host()['maintenance_until'])

    def test_a_bmc_is_changed_and_its_fence_tried(self):
        self.become('operator', PATH)
        self.page.row_button('hosts', 'compute-1', 'Edit Host')
        self.page.fill('bmc_address', '192.0.2.1')
        self.page.submit('update_host')
        self.page.said('Changed host compute-1')
        self.assertEqual('192.0.2.1', self.host()['bmc']['address'])
        self.assertEqual('working', self.host()['fence']['state'])

    def test_a_lost_key_is_replaced(self):
        before = self.host()['agent_key_rotated_at']
        self.become('operator', PATH)
        self.page.row_button('hosts', 'compute-1', 'Issue Agent Key')
        self.page.submit('rotate_key')
        self.page.said('shown only this once')
        self.assertNotEqual(before, self.host()['agent_key_rotated_at'])
