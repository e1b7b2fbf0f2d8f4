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

"""Losses: listed, and acknowledged."""

from hass.db import losses
from hass.db import models
from hass.tests import builders
from hass.tests.dashboard import base

PATH = '/ha_admin/losses/'


class LossesTest(base.DashboardTest):
    def lose(self, name):
        with self.database.writer() as session:
            instance = models.new_uuid()
            return builders.make_loss(session, instance, name=name)

    def row(self, loss):
        return self.assertFine(200, self.get(f'/v1/losses/{loss.uuid}'))

    def test_an_open_one_is_acknowledged(self):
        loss = self.lose('web-1')
        ended = self.lose('web-2')
        self.database.write(losses.end, ended, models.LossEnd.RUNS, 'it runs')
        self.become('operator', PATH)
        self.page.said('web-1', '#losses')
        self.page.said('compute-1', '#losses')
        self.page.said('it is paused', '#losses')
        self.page.said('It runs', '#losses')
        self.page.row_button('losses', 'web-1', 'Acknowledge Loss')
        self.page.said('Acknowledged loss of: web-1')
        self.assertIsNotNone(self.row(loss)['acknowledged_at'])
        self.assertEqual(0, self.page.count('#losses tbody button'))
