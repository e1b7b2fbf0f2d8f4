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

"""Each rule of the house finds its breach, and lets the right way pass."""

import ast
import pathlib
import re

from hass.hacking import checks
from hass.tests import base

ROOT = pathlib.Path(__file__).parents[3]


class TestHouseRules(base.TestCase):
    def codes(self, code, path='hass/engine/patrol.py'):
        rules = checks.HouseRules(ast.parse(code), path)
        return [sentence.split()[0] for _, _, sentence, _ in rules.run()]

    def assert_breach(self, rule, *sources, path='hass/engine/patrol.py'):
        for source in sources:
            self.assertEqual([rule], self.codes(source, path), source)

    def assert_clean(self, *sources, path='hass/engine/patrol.py'):
        for source in sources:
            self.assertEqual([], self.codes(source, path), source)

    def test_eventlet_is_not_imported(self):
        self.assert_breach(
            'HS101',
            'import eventlet',
            'import os, eventlet.green.socket',
            'from eventlet import green',
        )
        self.assert_clean('import eventlets', 'from hass import eventlet')

    def test_eventlet_is_not_even_imported_by_tests_and_tools(self):
        for path in ('hass/tests/base.py', 'tools/minicloud/lab.py'):
            self.assert_breach('HS101', 'import eventlet', path=path)

    def test_nothing_catches_everything(self):
        self.assert_breach(
            'HS102',
            'try: pass\nexcept: pass',
            'try: pass\nexcept Exception: pass',
            'try: pass\nexcept (OSError, BaseException): pass',
        )
        self.assert_clean('try: pass\nexcept (OSError, ValueError): pass')

    def test_cleaning_up_and_raising_on_catches_nothing(self):
        self.assert_clean('try: pass\nexcept BaseException:\n  f()\n  raise')

    def test_three_places_may_catch_everything(self):
        for path in (
            'hass/agent/service.py',
            'hass/engine/dispatcher.py',
            'hass/recovery/runner.py',
        ):
            self.assert_clean('try: pass\nexcept Exception: pass', path=path)

    def test_configuration_is_not_global(self):
        self.assert_breach(
            'HS103',
            'from oslo_config.cfg import CONF',
            'CONF = cfg.CONF',
            'seconds = cfg.CONF.engine.seconds',
        )
        self.assert_clean('conf = cfg.ConfigOpts()')

    def test_time_is_read_from_a_clock(self):
        self.assert_breach(
            'HS104',
            'datetime.datetime.now(datetime.UTC)',
            'datetime.utcnow()',
            'datetime.date.today()',
            'time.time()',
            'time.monotonic()',
            'from time import monotonic',
            'timeutils.utcnow()',
        )
        self.assert_clean('clock.now()', 'self._clock.monotonic()')

    def test_the_clock_itself_reads_the_time(self):
        self.assert_clean('time.monotonic()', path='hass/clock.py')

    def test_nothing_sleeps(self):
        self.assert_breach('HS105', 'time.sleep(1)', 'from time import sleep')
        self.assert_clean('stopping.wait(1)')

    def test_a_simulation_may_sleep(self):
        self.assert_clean('time.sleep(1)', path='hass/simulation/nova.py')

    def test_a_proof_is_made_in_one_place(self):
        self.assert_breach('HS106', 'FencedHost(h)', 'base.FencedHost(h, 0)')
        self.assert_clean('FencedHost(h)', path='hass/fencing/base.py')
        self.assert_clean('def f(proof: FencedHost): pass')

    def test_a_module_is_named_after_what_it_holds(self):
        for path in ('hass/utils.py', 'hass/common/x.py', 'tools/misc.py'):
            self.assert_breach('HS107', '', path=path)

    def test_a_breach_is_found_by_an_absolute_path_too(self):
        path = str(pathlib.Path.cwd() / 'hass/clock.py')
        self.assert_clean('time.monotonic()', path=path)

    def test_the_page_lists_exactly_the_rules(self):
        listed = re.findall(
            r'^\* ``(HS\d+)``', (ROOT / 'HACKING.rst').read_text(), re.M
        )
        codes = [rule.code for rule in checks.RULES]
        self.assertEqual([*codes, 'HS107'], listed)
