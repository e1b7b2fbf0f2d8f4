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

"""Workflows and planners are found by their entry points, or it is told."""

from hass import exception
from hass.recovery import host_return
from hass.recovery import planner
from hass.states import State
from hass.tests import base
from hass.tests import fake_cloud
from hass.tests import installed
from hass import workflows

MINE = {
    'elsewhere': 'host_return = hass.nowhere:HostReturn',
    'second': 'host_return = hass.tests.unit.test_workflows:Another',
    'misnamed': 'another = hass.recovery.host_return:HostReturn',
}


class Another(host_return.HostReturn):
    """Of a plug-in that wants to be the return of hosts."""


class WorkflowsTest(base.TestCase):
    def install(self, name, *lines):
        self.useFixture(
            installed.Installed(name, {workflows.NAMESPACE: [*lines]})
        )

    def assert_refused(self, words, function):
        error = self.assertRaises(exception.NotInstalled, function)
        self.assertIn(words, str(error))
        self.assertIn('make venv', str(error))

    def test_without_entry_points_it_is_told_what_to_do(self):
        self.install('hass')
        self.assert_refused(
            'host_failure, host_return, instance_failure, service_failure of '
            'the entry points hass.workflows: missing',
            workflows.installed,
        )

    def test_one_that_cannot_be_loaded_is_named_with_the_reason(self):
        self.install('plugin', MINE['elsewhere'])
        self.assert_refused(
            "host_return of the entry points hass.workflows: ModuleNotFound"
            "Error: No module named 'hass.nowhere'",
            workflows.installed,
        )

    def test_one_that_names_itself_otherwise_is_refused(self):
        self.install('plugin', MINE['misnamed'])
        self.assert_refused(
            'another of the entry points hass.workflows: the class names '
            'itself host_return',
            workflows.installed,
        )

    def test_none_takes_the_place_of_another(self):
        self.install('plugin', MINE['second'])
        self.assert_refused('two are installed', workflows.installed)

    def test_a_host_with_a_recovery_that_nobody_knows_is_left_alone(self):
        """A newer engine has opened it."""
        traits = workflows.traits_of('of_next_year')
        self.assertTrue(traits.isolates)
        self.assertEqual(frozenset(), traits.services_run_in)
        self.assertEqual((), workflows.superseded_by('of_next_year'))

    def test_orders_are_looked_for_where_they_may_be(self):
        self.assertEqual(
            (State.RESTARTING, State.RESUMING), workflows.states_with_orders()
        )


class PlannersTest(base.TestCase):
    def load(self, **changes):
        return planner.load(
            fake_cloud.make_conf(self.make_folder(), **changes)
        )

    def test_the_default_one_is_used(self):
        self.assertIsInstance(self.load(), planner.DefaultPlanner)

    def test_an_unknown_one_is_refused_and_the_known_are_named(self):
        error = self.assertRaises(
            exception.ConfigError, self.load, recovery__planner='best'
        )
        self.assertEqual(
            "[recovery] planner: 'best' is not known; allowed are default",
            str(error),
        )

    def test_without_entry_points_it_is_told_what_to_do(self):
        self.useFixture(installed.Installed('hass', {}))
        error = self.assertRaises(exception.NotInstalled, self.load)
        self.assertIn('default of the entry points hass.planners', str(error))
