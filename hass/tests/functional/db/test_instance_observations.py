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

"""What agents saw of instances."""

import datetime

from hass.db import hosts
from hass.db import instance_observations
from hass.db import moments
from hass import faults
from hass.tests import builders
from hass.tests.functional.db import base

START = datetime.datetime(2020, 1, 1)
UUID = '00000000-0000-0000-0000-00000000000a'
HEALTHY, FAILED = faults.Verdict.HEALTHY, faults.Verdict.FAILED
UNKNOWN = faults.Verdict.UNKNOWN


@base.on_every_database
class InstanceObservationsTest(base.DatabaseTest):
    def see(self, verdict, second, host='compute-1', detector='guest_os_qga'):
        seen = instance_observations.Seen(
            UUID,
            detector,
            faults.Layer.GUEST_OS,
            verdict,
            START + datetime.timedelta(seconds=second),
        )
        self.database.write(instance_observations.put, host, [seen])

    def known(self, host='compute-1'):
        return self.read(instance_observations.of_instance, UUID, host)

    def define(self, host, *domains):
        self.database.write(builders.make_host, host, domains=[*domains])

    def test_the_newest_look_counts_and_the_last_healthy_one_is_kept(self):
        self.see(HEALTHY, 1)
        self.see(FAILED, 3)
        self.see(UNKNOWN, 2)
        (row,) = self.known()
        self.assertEqual(
            (FAILED, START + datetime.timedelta(seconds=1)),
            (row.verdict, row.healthy_at),
        )

    def test_looks_of_before_the_clock_was_set_back_count_no_more(self):
        ahead = self.read(moments.read_now) - START + datetime.timedelta(1)
        self.see(HEALTHY, ahead.total_seconds())
        self.assertEqual([], self.known())
        self.see(UNKNOWN, 1)
        self.assertEqual([UNKNOWN], [one.verdict for one in self.known()])

    def test_what_never_answered_was_never_healthy(self):
        self.see(UNKNOWN, 1)
        self.assertIsNone(self.known()[0].healthy_at)

    def test_a_host_that_returns_hides_nothing_of_the_new_one(self):
        self.see(HEALTHY, 1)
        self.see(HEALTHY, 2, host='compute-2')
        self.see(UNKNOWN, 3, host='compute-1')
        self.assertEqual(
            [(UNKNOWN, HEALTHY)],
            [
                (old.verdict, new.verdict)
                for old, new in zip(
                    self.known(), self.known('compute-2'), strict=True
                )
            ],
        )

    def test_what_it_could_on_its_last_host_is_known_on_the_next(self):
        self.see(HEALTHY, 1)
        self.see(UNKNOWN, 2, host='compute-2')
        (row,) = self.known('compute-2')
        self.assertEqual(START + datetime.timedelta(seconds=1), row.healthy_at)

    def test_what_nobody_else_has_seen_is_kept(self):
        self.define('compute-1')
        self.see(HEALTHY, 1)
        self.database.write(instance_observations.forget_absent)
        self.assertEqual(1, len(self.known()))

    def test_what_is_defined_elsewhere_by_now_is_forgotten(self):
        self.define('compute-1')
        self.define('compute-2', UUID.upper())
        self.see(UNKNOWN, 1)
        self.see(HEALTHY, 1, host='compute-2')
        self.see(HEALTHY, 1, host='not-heard')
        self.database.write(instance_observations.forget_absent)
        left = [
            len(self.known(host))
            for host in ('compute-1', 'compute-2', 'not-heard')
        ]
        self.assertEqual([0, 1, 1], left)
        self.assertTrue(self.read(instance_observations.is_seen, UUID))

    def test_a_host_leaves_with_what_its_agent_saw(self):
        self.database.write(builders.make_host, 'compute-1')
        self.see(HEALTHY, 1)
        self.database.write(hosts.remove, 'compute-1')
        self.assertEqual([], self.known())

    def test_what_is_no_more_is_forgotten(self):
        self.see(HEALTHY, 1)
        self.database.write(instance_observations.forget, UUID)
        self.assertEqual([], self.known())
