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

"""Each workflow of the house keeps the contract."""

from typing import ClassVar

from hass import faults
from hass.faults import Incident
from hass.simulation.virtual import units
from hass.states import State
from hass.states import WorkflowName
from hass.tests import base
from hass.tests.contracts import workflow
from hass import workflows

HOST = 'compute-1'
HEALTHY_SECONDS = 8
"""After them the guest has answered, and is expected to answer again."""


class HostFailureTest(workflow.WorkflowContract):
    """Two instances run on the host that fails."""

    name: ClassVar[str] = WorkflowName.HOST_FAILURE
    ends = State.FINISHED

    def setUp(self):
        super().setUp()
        self.instances = self.cloud.boot(HOST, instances=2)

    def begin(self):
        self.cloud.hosts[HOST].hang()

    def subject(self):
        return HOST

    def assert_mended(self):
        self.cloud.run_until_state(HOST, 'returned')
        self.assert_recovered(HOST, self.instances)


class HostReturnTest(HostFailureTest):
    name = WorkflowName.HOST_RETURN
    ends = State.RETURNED


class ServiceFailureTest(HostFailureTest):
    name = WorkflowName.SERVICE_FAILURE
    ends = State.FINISHED

    def begin(self):
        self.cloud.hosts[HOST].units.set(
            faults.SidePath.COMPUTE, units.Run.FAILED
        )

    def assert_mended(self):
        self.assertEqual(1, self.cloud.hosts[HOST].units.restarts)
        self.assert_untouched(HOST, self.instances)


class InstanceFailureTest(workflow.WorkflowContract):
    name = WorkflowName.INSTANCE_FAILURE
    ends = State.FINISHED

    def begin(self):
        (self.instance,) = self.cloud.boot(HOST, instances=1)
        self.cloud.tick(HEALTHY_SECONDS)
        host = self.cloud.hosts[HOST]
        host.host.kill_guest(self.instance)
        self.cloud.guests.tell(host, self.instance, Incident.KILLED)

    def subject(self):
        return self.instance

    def assert_mended(self):
        verdict = self.cloud.verdict([self.instance])
        self.assertEqual([], verdict.started_twice)
        self.assertEqual([HOST], verdict.running[self.instance])
        asked = [
            one.name
            for one in self.cloud.nova.actions
            if one.instance_uuid == self.instance and one.user_id is not None
        ]
        self.assertEqual(['reboot'], asked)


class EachTest(base.TestCase):
    def test_every_workflow_has_a_contract_test(self):
        found: list[type[workflow.WorkflowContract]] = [
            workflow.WorkflowContract
        ]
        for one in found:
            found += one.__subclasses__()
        tested = {one.name for one in found if hasattr(one, 'name')}
        self.assertEqual(set(), set(workflows.names()) - tested)
