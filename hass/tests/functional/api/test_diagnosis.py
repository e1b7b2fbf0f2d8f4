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


"""Why, and how surely: layers, explanations and strategies are served."""

import datetime

from hass.db import hosts
from hass.db import instance_observations
from hass.db import moments
from hass.db import observations
from hass.db import services
from hass.diagnosis import estimates
from hass import faults
from hass.tests import builders
from hass.tests.functional.api import base
from hass.tests.functional.db import base as stores

LAYERS = '/v1/hosts/compute-1/layers'
EXPLAIN = '/v1/hosts/compute-1/explain'
STRATEGY = '/v1/clusters/rack-1/strategy'


@stores.on_every_database
class LayersTest(base.ApiTest):
    def setUp(self):
        super().setUp()
        self.make_cluster('rack-1')

    def see(self, layer, verdict, detector, seconds=0.0):
        with self.database.writer() as session:
            now = moments.read_now(session)
            seen = faults.Observation(
                'compute-1',
                layer,
                detector,
                verdict,
                now - datetime.timedelta(seconds=seconds),
                detail='as it was seen',
                seen_by='engine-1',
            )
            observations.put(session, seen)

    def layer(self, name):
        shown = self.assertFine(200, self.get(LAYERS))
        both = shown['layers'] + shown['side_paths']
        (found,) = (one for one in both if one['layer'] == name)
        return found

    def test_there_are_seven_layers_and_four_side_paths(self):
        shown = self.assertFine(200, self.get(LAYERS))
        self.assertEqual(
            [*faults.Layer], [one['layer'] for one in shown['layers']]
        )
        self.assertEqual(
            [*faults.SidePath], [one['layer'] for one in shown['side_paths']]
        )
        self.assertEqual([], shown['degraded'])

    def test_a_layer_tells_who_saw_what_and_when(self):
        self.see(faults.Layer.POWER, faults.Verdict.HEALTHY, 'power_ipmi')
        power = self.layer('power')
        self.assertLess(power.pop('age_seconds'), 60)
        self.assertEqual(
            {
                'layer': 'power',
                'state': 'healthy',
                'detector': 'power_ipmi',
                'seen_by': 'engine-1',
                'certainty': 'read',
                'network': '',
                'detail': 'as it was seen',
                'conflict': '',
            },
            power,
        )

    def test_guest_layers_have_no_detector(self):
        guest = self.layer('guest_os')
        self.assertEqual(
            ('unknown', 'no detector', None, None),
            tuple(guest[key] for key in (
                'state', 'detail', 'detector', 'age_seconds',
            )),
        )  # fmt: skip

    def test_instances_are_counted_by_what_is_seen_of_them(self):
        healthy, failed = faults.Verdict.HEALTHY, faults.Verdict.FAILED
        with self.database.writer() as session:
            now = moments.read_now(session)
            for number, verdict in enumerate((healthy, healthy, failed)):
                seen = instance_observations.Seen(
                    f'instance-{number}',
                    'guest_network',
                    faults.Layer.GUEST_NETWORK,
                    verdict,
                    now,
                )
                instance_observations.put(session, 'compute-1', [seen])
        shown = self.get(LAYERS).json['instances']
        self.assertEqual(
            {
                'instance': {'healthy': 0, 'failed': 0, 'unknown': 0},
                'guest_os': {'healthy': 0, 'failed': 0, 'unknown': 0},
                'guest_network': {'healthy': 2, 'failed': 1, 'unknown': 0},
            },
            shown,
        )

    def test_what_is_stale_is_unknown_and_still_listed(self):
        healthy = faults.Verdict.HEALTHY
        self.see(faults.Layer.POWER, healthy, 'power_ipmi', seconds=400)
        self.assertEqual('unknown', self.layer('power')['state'])
        (seen,) = self.get(LAYERS).json['observations']
        self.assertEqual(('healthy', True), (seen['verdict'], seen['stale']))

    def test_detectors_that_disagree_are_all_shown(self):
        layer = faults.Layer.OS
        self.see(layer, faults.Verdict.HEALTHY, 'os_watchdog', seconds=20)
        self.see(layer, faults.Verdict.FAILED, 'os_kdump')
        found = self.layer('os')
        self.assertEqual('failed', found['state'])
        self.assertIn('os_watchdog says healthy', found['conflict'])
        self.assertEqual(2, len(self.get(LAYERS).json['observations']))

    def test_what_a_host_is_degraded_by_is_shown(self):
        why = ['no hardware detector: its BMC does not answer']
        self.database.write(hosts.set_degraded, 'compute-1', why)
        self.assertEqual(why, self.get(LAYERS).json['degraded'])

    def test_it_is_for_operators(self):
        for path, rule in (
            (LAYERS, 'ha:hosts:show_layers'),
            (EXPLAIN, 'ha:hosts:explain'),
            (STRATEGY, 'ha:clusters:show_strategy'),
        ):
            self.assertSays(403, rule, self.get(path, base.MEMBER))

    def test_what_is_not_there_is_said(self):
        for path in ('/v1/hosts/no/layers', '/v1/hosts/no/explain'):
            self.assertSays(404, 'host no', self.get(path))
        answer = self.get('/v1/clusters/no/strategy')
        self.assertSays(404, 'cluster no', answer)


@stores.on_every_database
class ExplainTest(base.ApiTest):
    def setUp(self):
        super().setUp()
        self.make_cluster('rack-1')

    def test_nothing_was_explained_yet(self):
        shown = self.assertFine(200, self.get(EXPLAIN))
        self.assertIsNone(shown['explanation'])
        self.assertTrue(shown['stale'])

    def test_what_the_engine_wrote_is_served(self):
        self.database.write(hosts.explain, 'compute-1', 'It is well.')
        shown = self.assertFine(200, self.get(EXPLAIN))
        self.assertEqual('It is well.', shown['explanation'])
        self.assertFalse(shown['stale'])

    def test_what_no_engine_holds_up_any_more_is_stale(self):
        self.database.write(hosts.explain, 'compute-1', 'It is well.')
        with self.database.writer() as session:
            row = hosts.get(session, 'compute-1')
            now = moments.read_now(session)
            row.explained_at = now - datetime.timedelta(seconds=91)
        self.assertTrue(self.get(EXPLAIN).json['stale'])


@stores.on_every_database
class StrategyTest(base.ApiTest):
    def setUp(self):
        super().setUp()
        self.make_cluster('rack-1', layers=['power', 'os', 'network'])

    def engine_with(self, **whys):
        """An engine whose detectors are these, with why each does not work."""
        times = estimates.ProbeTimes().updated(faults.Layer.OS, 8.45)
        detectors = {
            name: {'layer': name.rpartition('_')[0], 'why': why}
            for name, why in whys.items()
        }
        with self.database.writer() as session:
            services.enter(session, 'engine-1', '1')
            known = estimates.Estimates(times).to_dict()
            services.measured(session, 'engine-1', known, detectors)

    def test_without_an_engine_nothing_can_be_told_apart(self):
        shown = self.assertFine(200, self.get(STRATEGY))
        self.assertIsNone(shown['engine'])
        self.assertEqual(
            [['power', 'os', 'network']], shown['indistinguishable']
        )

    def test_the_tree_is_of_what_works_and_what_was_measured(self):
        self.engine_with(power_ipmi='', os_watchdog='')
        shown = self.assertFine(200, self.get(STRATEGY))
        self.assertEqual('engine-1', shown['engine'])
        self.assertEqual('network', shown['trigger'])
        self.assertEqual('power -> os', shown['tree_text'])
        self.assertEqual({'found': ['power']}, shown['tree']['failed'])
        self.assertEqual(4.51, shown['serial']['worst_seconds'])
        self.assertEqual(4.45, shown['concurrent']['worst_seconds'])
        (_, os, _) = shown['layers']
        self.assertEqual(
            (['os_watchdog'], 4.45, 1),
            (os['detectors'], os['probe_seconds'], os['probes_measured']),
        )

    def test_a_detector_that_does_not_work_is_left_out(self):
        self.engine_with(power_ipmi='', os_watchdog='it hangs')
        shown = self.assertFine(200, self.get(STRATEGY))
        self.assertEqual('power', shown['tree_text'])
        self.assertEqual([['os', 'network']], shown['indistinguishable'])

    def test_faults_are_counted_as_they_happened(self):
        with self.database.writer() as session:
            builders.make_recovery(session, fault={'layer': 'os'})
        (_, os, _) = self.get(STRATEGY).json['layers']
        self.assertEqual(1, os['faults_counted'])
