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

"""What recoveries want done on hosts, and whose services died there."""

import datetime

from hass.db import models
from hass.db import moments
from hass.db import observations
from hass.db import orders
from hass.db import recoveries
from hass.diagnosis import services
from hass import faults
from hass.states import WorkflowName
from hass.tests import builders
from hass.tests.functional.db import base

SERVICE = WorkflowName.SERVICE_FAILURE
FAILED, HEALTHY = faults.Verdict.FAILED, faults.Verdict.HEALTHY


@base.on_every_database
class OrdersTest(base.DatabaseTest):
    def order(self, host='compute-1'):
        now = self.read(moments.read_now)
        wanted = orders.Order.make(
            'restart',
            host,
            'boot-1',
            'compute',
            now + datetime.timedelta(seconds=600),
        )
        with self.database.writer() as session:
            builders.make_recovery(
                session,
                host=host,
                workflow=SERVICE,
                state='restarting',
                was={orders.KEY: wanted.to_dict()},
            )
        return wanted

    def outstanding(self, host='compute-1', boot_id='boot-1'):
        row = models.Host(name=host)
        found = self.read(orders.outstanding, row, boot_id)
        return [one for one, _seconds in found]

    def test_an_order_stands_until_it_is_answered(self):
        self.order('compute-2')
        wanted = self.order()
        self.assertEqual([wanted], self.outstanding())
        self.assertEqual([], self.outstanding(boot_id='boot-2'))
        for host in ('compute-2', 'compute-1'):
            # Another host's word about it does not count.
            self.database.write(
                orders.answer, host, wanted.id, True, 'restarted'
            )
        self.assertEqual([], self.outstanding())
        self.assertEqual(1, len(self.outstanding('compute-2')))

    def test_restarts_are_counted_by_their_beginning(self):
        now = self.read(moments.read_now)
        self.order()
        with self.database.writer() as session:
            story = recoveries.open_of_host(session, 'compute-1')
            assert story is not None
            for state in ('verifying', 'restarting'):
                recoveries.append_history(
                    session, story.id, None, state, 'engine-1', 'it died'
                )
        for moment, count in (
            (now - datetime.timedelta(seconds=60), 2),
            (now + datetime.timedelta(seconds=600), 0),
        ):
            self.assertEqual(
                count,
                self.read(
                    recoveries.restarts_since, 'compute-1', moment, SERVICE
                ),
            )

    def test_hosts_with_a_dead_service_are_told_with_all_looks_at_it(self):
        now = self.read(moments.read_now)
        for host, verdict in (('a', FAILED), ('b', HEALTHY), ('c', HEALTHY)):
            for detector, said in (
                ('agent:compute_systemd', verdict),
                ('compute_nova', HEALTHY),
            ):
                self.database.write(
                    observations.put,
                    faults.Observation(
                        host, faults.SidePath.COMPUTE, detector, said, now
                    ),
                )
        found = self.read(observations.of_hosts_failing, services.PATHS, ['c'])
        self.assertEqual(
            {'a': 2, 'c': 2}, {k: len(v) for k, v in found.items()}
        )

    def test_a_story_of_services_is_no_rescue_and_ends_apart(self):
        self.order()
        self.assertIsNone(self.read(recoveries.rescue_of_host, 'compute-1'))
        with self.database.writer() as session:
            story = recoveries.open_of_host(session, 'compute-1')
            assert story is not None
            recoveries.wake(session, story.id)
            recoveries.end(session, story, 'finished', 'engine-1', 'mended')
        self.assertIsNone(self.read(recoveries.last_ended, 'compute-1'))
        with self.database.reader() as session:
            ended = recoveries.last_ended(
                session, 'compute-1', isolating=False
            )
            assert isinstance(ended, models.Recovery)
            self.assertEqual('finished', ended.state)
