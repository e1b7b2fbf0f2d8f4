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

"""The rules and the dashboard that are shipped, judged by promtool."""

import json
import os
import pathlib
import re
import subprocess
import sys

import prometheus_client
import yaml

from hass.metrics import books
from hass.tests.unit.engine import test_rounds
from hass.tests.unit.metrics import names
from tools import packages

ROOT = pathlib.Path(__file__).parents[3]
RULES = ROOT / 'etc/hass/prometheus/hass-alerts.yaml'
DASHBOARD = ROOT / 'etc/hass/grafana/hass.json'
PAGES = ROOT / 'doc/source/admin'
ENGINE = 'instance="ctl-1:15870", job="hass-engine"'
AGENT = 'instance="compute-1:15871", job="hass-agent"'
RACKS = f'cluster="racks", {ENGINE}'

CALM = {
    f'up{{{ENGINE}}}': '1x480',
    f'hass_database_up{{{ENGINE}}}': '1x480',
    f'hass_engine_turn_age_seconds{{engine="ctl-1", {ENGINE}}}': '0x480',
    f'hass_engine_deaf{{engine="ctl-1", {ENGINE}}}': '0x480',
    f'hass_engine_hosts_silent{{engine="ctl-1", {ENGINE}}}': '0x480',
    f'hass_engine_recoveries{{{ENGINE}}}': '1x480',
    f'hass_engine_workers{{{ENGINE}}}': '16x480',
    f'hass_engine_tasks{{pool="patrol", {ENGINE}}}': '3x480',
    f'hass_refused_total{{kind="beat", reason="forged", {ENGINE}}}': ('7x480'),
    f'hass_hosts{{fence="working", {RACKS}}}': '9x480',
    f'hass_hosts_unprotected{{{RACKS}}}': '1x480',
    f'hass_hosts_in_maintenance{{{RACKS}}}': '1x480',
    f'hass_hosts_degraded{{{RACKS}}}': '0x480',
    f'hass_host_layers{{layer="power", state="failed", {RACKS}}}': '0x480',
    f'hass_host_layers{{layer="power", state="unknown", {RACKS}}}': '3x480',
    f'hass_recoveries_overdue_seconds{{{ENGINE}}}': '0.2x480',
    f'hass_recoveries_held{{workflow="host_failure", kind="safety", '
    f'acknowledged="yes", {RACKS}}}': '1x480',
    f'hass_losses_open{{acknowledged="yes", {ENGINE}}}': '1x480',
    f'hass_losses_open{{acknowledged="no", {ENGINE}}}': '0x480',
    f'hass_fencings_last_day{{{RACKS}}}': '1x480',
    f'hass_evacuations_last_day{{state="done", {RACKS}}}': '40x480',
    f'hass_notifications_last_day{{source="agent", layer="os", state="new",'
    f' {ENGINE}}}': '2x480',
    f'hass_detector_working{{detector="power_ipmi", layer="power", '
    f'engine="ctl-1", {ENGINE}}}': '1x480',
    f'hass_detector_working{{detector="power_ipmi", layer="power", '
    f'engine="ctl-2", {ENGINE}}}': '0x480',
    f'hass_outbox_age_seconds{{channel="bus", {ENGINE}}}': '1x480',
    f'hass_agent_report_age_seconds{{{AGENT}}}': '10x480',
    f'hass_agent_waiting{{kind="faults", {AGENT}}}': '0x480',
    f'hass_agent_dropped_total{{kind="faults", {AGENT}}}': '4x480',
    f'hass_agent_part_working{{part="beats", {AGENT}}}': '1x480',
}
"""A deployment that is well: nothing fires. A sample a minute, for 8 h."""


def series(name, values, labels=RACKS, **more):
    """One series that differs from the calm ones."""
    told = ''.join(f'{key}="{value}", ' for key, value in more.items())
    return {f'{name}{{{told}{labels}}}': values}


def histogram(name, most, labels):
    """Everything took as long as the bucket ``most`` says."""
    found: dict[str, str] = {}
    for top in ('0.1', '1.0', '60.0', '120.0', '300.0', '+Inf'):
        values = '0+10x480' if float(top) >= most else '0x480'
        found |= series(name, values, labels, le=top)
    return found


FIRING = {
    'HassNobodyWatches': series(
        'hass_engine_turn_age_seconds', '31x480', ENGINE, engine='ctl-1'
    ),
    'HassTargetDown': series('up', '0x480', ENGINE),
    'HassEngineSilent': series(
        'hass_engine_turn_age_seconds', '61+15x480', ENGINE, engine='ctl-2'
    ),
    'HassEngineDeaf': series(
        'hass_engine_deaf', '1x480', ENGINE, engine='ctl-2'
    ),
    'HassEngineFull': series('hass_engine_recoveries', '16x480', ENGINE),
    'HassEngineTasksPileUp': series(
        'hass_engine_tasks', '101x480', ENGINE, pool='looks'
    ),
    'HassDatabaseDown': series('hass_database_up', '0x480', ENGINE),
    'HassRecoveryHeld': series(
        'hass_recoveries_held',
        '2x480',
        workflow='host_failure',
        kind='safety',
        acknowledged='no',
    ),
    'HassInstancesLost': series(
        'hass_losses_open', '2x480', ENGINE, acknowledged='no'
    ),
    'HassRecoveryOverdue': series(
        'hass_recoveries_overdue_seconds', '31x480', ENGINE
    ),
    'HassRecoverySlow': histogram(
        'hass_recovery_seconds_last_day_bucket',
        300,
        f'workflow="host_failure", outcome="finished", {RACKS}',
    ),
    'HassManyFencings': series('hass_fencings_last_day', '6x480'),
    'HassEvacuationHeld': series(
        'hass_evacuations_last_day', '1x480', state='held'
    ),
    'HassHostsUnprotected': series('hass_hosts_unprotected', '2x480'),
    'HassFenceBroken': series('hass_hosts', '1x480', fence='lying'),
    'HassFenceUntested': series('hass_hosts', '1x480', fence='untested'),
    'HassHostsDegraded': series('hass_hosts_degraded', '1x480'),
    'HassLayerFailed': series(
        'hass_host_layers', '1x480', layer='os', state='failed'
    ),
    'HassHostsSilent': series(
        'hass_engine_hosts_silent', '1x480', ENGINE, engine='ctl-1'
    ),
    'HassBeatsLate': histogram('hass_beat_delay_seconds_bucket', 1.0, ENGINE),
    'HassMessagesRefused': series(
        'hass_refused_total', '0+1x480', ENGINE, kind='beat', reason='old'
    ),
    'HassDetectorBroken': series(
        'hass_detector_working',
        '0x480',
        ENGINE,
        detector='os_watchdog',
        layer='os',
        engine='ctl-1',
    ),
    'HassNotificationsWait': series(
        'hass_notifications_last_day',
        '101x480',
        ENGINE,
        source='agent',
        layer='os',
        state='new',
    ),
    'HassOutboxStuck': series(
        'hass_outbox_age_seconds', '301+15x480', ENGINE, channel='bus'
    ),
    'HassAgentUnheard': series(
        'hass_agent_report_age_seconds', '61x480', AGENT
    ),
    'HassAgentBacklog': series(
        'hass_agent_waiting', '51x480', AGENT, kind='faults'
    ),
    'HassAgentDropped': series(
        'hass_agent_dropped_total', '0+1x480', AGENT, kind='events'
    ),
    'HassAgentPartStuck': series(
        'hass_agent_part_working', '0x480', AGENT, part='guests'
    ),
}
"""What makes each alert fire, and no other."""


def alerts():
    """Every alert that is shipped, by its name."""
    (group,) = yaml.safe_load(RULES.read_text())['groups']
    return {rule['alert']: rule for rule in group['rules']}


def panels():
    return json.loads(DASHBOARD.read_text())['panels']


def expressions():
    """Everything that is asked of Prometheus, of rules and dashboard."""
    yield from (rule['expr'] for rule in alerts().values())
    for panel in panels():
        yield from (target['expr'] for target in panel.get('targets', ()))


class PromtoolCase(test_rounds.RoundsCase):
    def setUp(self):
        super().setUp()
        try:
            packages.ensure('prometheus')
        except packages.LeftOut as why:
            if 'CI' in os.environ:
                raise
            sys.stderr.write(f'{self.id()}: {why}\n')
            self.skipTest(str(why))

    def promtool(self, *command, stdin=None):
        done = subprocess.run(
            ['promtool', *command], input=stdin, capture_output=True, text=True
        )
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def write(self, content):
        path = pathlib.Path(self.make_folder(), 'rules.yaml')
        path.write_text(yaml.safe_dump(content))
        return str(path)


class RulesTest(PromtoolCase):
    def test_promtool_finds_nothing_wrong(self):
        self.promtool('check', 'rules', '--lint-fatal', str(RULES))

    def test_each_alert_fires_for_its_reason_and_no_other(self):
        self.assertEqual(set(alerts()), set(FIRING))
        cases = [(None, {}), *FIRING.items()]
        self.promtool(
            'test',
            'rules',
            self.write(
                {
                    'rule_files': [str(RULES)],
                    'evaluation_interval': '1m',
                    'tests': [self.case(*one) for one in cases],
                }
            ),
        )

    def case(self, alert, changed):
        return {
            'name': alert or 'nothing fires',
            'interval': '1m',
            'input_series': [
                {'series': one, 'values': values}
                for one, values in (CALM | changed).items()
            ],
            'promql_expr_test': [
                {
                    'expr': 'count by (alertname) '
                    '(ALERTS{alertstate="firing"})',
                    'eval_time': '90m',
                    'exp_samples': [
                        {'labels': f'{{alertname="{alert}"}}', 'value': 1}
                    ]
                    if alert
                    else [],
                }
            ],
        }

    def test_an_alert_says_what_is_the_matter(self):
        alert = alerts()['HassRecoveryHeld']
        told = alert['annotations'] | {
            'summary': '2 recoveries of racks are held (host_failure, safety)'
        }
        case = self.case('HassRecoveryHeld', FIRING['HassRecoveryHeld'])
        case['alert_rule_test'] = [
            {
                'eval_time': '90m',
                'alertname': 'HassRecoveryHeld',
                'exp_alerts': [
                    {
                        'exp_labels': {
                            'severity': 'critical',
                            'cluster': 'racks',
                            'workflow': 'host_failure',
                            'kind': 'safety',
                        },
                        'exp_annotations': told,
                    }
                ],
            }
        ]
        wanted = {'rule_files': [str(RULES)], 'tests': [case]}
        self.promtool('test', 'rules', self.write(wanted))

    def test_what_grafana_asks_can_be_understood(self):
        rules = [
            {
                'record': f'panel:{number}',
                'expr': expression.replace('$__rate_interval', '5m'),
            }
            for number, expression in enumerate(expressions())
        ]
        wanted = {'groups': [{'name': 'panels', 'rules': rules}]}
        self.promtool('check', 'rules', self.write(wanted))

    def test_what_is_told_pleases_promtool(self):
        registry = prometheus_client.CollectorRegistry()
        for one in (
            books.Books(self.database, self.clock),
            self.rounds.looks,
            self.rounds.failed_looks,
        ):
            registry.register(one)
        told = prometheus_client.generate_latest(registry).decode()
        self.assertEqual('', self.promtool('check', 'metrics', stdin=told))


class NamesTest(test_rounds.RoundsCase):
    def setUp(self):
        super().setUp()
        self.families = list(names.families(self.database, self.rounds))
        self.known = set().union(*map(names.names, self.families))

    def test_only_what_is_told_is_asked_for(self):
        asked = set()
        for expression in expressions():
            asked |= set(re.findall(r'\bhass_\w+', expression))
        self.assertEqual(set(), asked - self.known)
        self.assertGreater(len(asked), 30)

    def test_every_metric_is_in_the_manual(self):
        page = (PAGES / 'metrics.rst').read_text()
        told = set(re.findall(r'``(hass_\w+)', page)) - {'hass_build_info'}
        shown = {
            one.name + ('_total' if one.type == 'counter' else '')
            for one in self.families
        }
        self.assertEqual(shown, told)

    def test_every_alert_has_a_runbook(self):
        page = (PAGES / 'alerts.rst').read_text()
        for name, rule in alerts().items():
            anchor = f'alert-{name.lower()}'
            self.assertIn(f'.. _{anchor}:\n', page)
            url = rule['annotations']['runbook_url']
            self.assertTrue(url.endswith(f'/admin/alerts.html#{anchor}'), url)

    def test_panels_have_numbers_of_their_own(self):
        found = [panel['id'] for panel in panels()]
        self.assertEqual(len(found), len(set(found)))
