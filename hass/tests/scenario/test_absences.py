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

"""Domains that end without an event: who tells, and who is left alone."""

from hass.db import hosts
from hass.db import losses
from hass.tests.scenario import instance_base

HOST = instance_base.HOST
LONG_ENOUGH = 60


class AbsencesTest(instance_base.InstanceTest):
    def undefine(self):
        self.host.host.remove_guest(self.vm)
        self.cloud.guests.forget(self.host, self.vm)

    def assert_nothing_is_done(self):
        self.cloud.tick(LONG_ENOUGH, step=1.0)
        self.assertEqual([], self.cloud.stories(self.vm))
        with self.cloud.database.reader() as session:
            self.assertEqual([], losses.all(session))

    def test_it_is_started_anew(self):
        self.undefine()
        self.until('finished', LONG_ENOUGH)
        self.assertEqual(['reboot'], self.asked())
        self.assert_runs()

    def test_what_nova_is_at_work_on_is_left_to_nova(self):
        self.server.task_state = 'rebooting_hard'
        self.undefine()
        self.assert_nothing_is_done()

    def test_what_its_user_has_stored_is_left_alone(self):
        server = self.cloud.nova.show(self.vm)
        self.cloud.nova.touch(server, vm_state='shelved', task_state=None)
        self.undefine()
        self.assert_nothing_is_done()

    def test_what_another_host_has_may_run_there(self):
        with self.cloud.database.writer() as session:
            hosts.get(session, 'compute-2').domains = [self.vm]
        self.cloud.hosts['compute-2'].bus_lost = True
        self.undefine()
        self.assert_nothing_is_done()
