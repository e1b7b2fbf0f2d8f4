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


"""What many looks at a host come to, layer by layer."""

import datetime

from hass.diagnosis import layers
from hass import faults
from hass.tests import base

NOW = datetime.datetime(2026, 1, 31, 12, 0)
HEALTHY = faults.Verdict.HEALTHY
FAILED = faults.Verdict.FAILED
UNKNOWN = faults.Verdict.UNKNOWN
Layer = faults.Layer
Sure = faults.Certainty


def seen(
    layer,
    verdict,
    seconds=1.0,
    detector='power_ipmi',
    network='',
    certainty=Sure.READ,
):
    """A look that was so many seconds ago."""
    return faults.Observation(
        'compute-1',
        layer,
        detector,
        verdict,
        NOW - datetime.timedelta(seconds=seconds),
        network,
        'as it was seen',
        'engine-1',
        certainty,
    )


class StandingsTest(base.TestCase):
    def of(self, layer, *looks):
        (found,) = (
            one for one in layers.standings(looks, NOW) if one.aspect is layer
        )
        return found

    def test_all_layers_stand_in_order_and_then_the_side_paths(self):
        found = [one.aspect for one in layers.standings((), NOW)]
        self.assertEqual([*Layer, *faults.SidePath], found)

    def test_what_nobody_looked_at_is_unknown(self):
        one = self.of(Layer.GUEST_OS)
        self.assertEqual((UNKNOWN, 'no detector'), (one.state, one.why))

    def test_what_was_seen_counts_for_five_minutes(self):
        at = self.of(Layer.POWER, seen(Layer.POWER, HEALTHY, 300))
        late = self.of(Layer.POWER, seen(Layer.POWER, HEALTHY, 301))
        self.assertEqual((HEALTHY, UNKNOWN), (at.state, late.state))
        self.assertEqual('not looked at for too long', late.why)

    def test_unknown_is_neither_healthy_nor_failed(self):
        one = self.of(Layer.POWER, seen(Layer.POWER, UNKNOWN))
        self.assertEqual((UNKNOWN, 'as it was seen'), (one.state, one.why))

    def test_unknown_takes_nothing_from_who_knows(self):
        one = self.of(
            Layer.OS,
            seen(Layer.OS, HEALTHY, 9, 'os_watchdog'),
            seen(Layer.OS, UNKNOWN, 1, 'os_kdump'),
        )
        self.assertEqual((HEALTHY, ''), (one.state, one.conflict))

    def test_what_a_device_read_goes_before_what_the_host_alleges(self):
        one = self.of(
            Layer.OS,
            seen(Layer.OS, HEALTHY, 20, 'os_watchdog'),
            seen(Layer.OS, FAILED, 1, 'agent', certainty=Sure.ALLEGED),
        )
        self.assertEqual(
            (HEALTHY, 'os_watchdog'), (one.state, one.by.detector)
        )
        self.assertEqual('agent says failed: as it was seen', one.conflict)

    def test_among_equals_the_newest_counts(self):
        one = self.of(
            Layer.OS,
            seen(Layer.OS, HEALTHY, 20, 'os_watchdog'),
            seen(Layer.OS, FAILED, 1, 'os_kdump'),
        )
        self.assertEqual((FAILED, 'os_kdump'), (one.state, one.by.detector))
        self.assertIn('os_watchdog says healthy', one.conflict)

    def test_one_dark_network_does_not_fail_the_layer_but_is_shown(self):
        one = self.of(
            Layer.NETWORK,
            seen(Layer.NETWORK, HEALTHY, 9, 'network_icmp', 'management'),
            seen(Layer.NETWORK, FAILED, 1, 'network_icmp', 'storage'),
        )
        self.assertEqual((HEALTHY, 'management'), (one.state, one.by.network))
        self.assertIn('says failed on storage', one.conflict)

    def test_all_networks_dark_fail_the_layer(self):
        one = self.of(
            Layer.NETWORK,
            seen(Layer.NETWORK, FAILED, 9, 'network_icmp', 'management'),
            seen(Layer.NETWORK, FAILED, 1, 'network_icmp', 'storage'),
        )
        self.assertEqual((FAILED, ''), (one.state, one.conflict))

    def test_what_worked_before_a_layer_under_it_failed_is_unknown(self):
        one = self.of(
            Layer.OS,
            seen(Layer.POWER, FAILED, 1),
            seen(Layer.OS, HEALTHY, 20, 'os_watchdog'),
        )
        self.assertEqual(
            (UNKNOWN, 'power under it failed since it was seen to work'),
            (one.state, one.why),
        )

    def test_what_works_after_a_layer_under_it_failed_is_a_conflict(self):
        one = self.of(
            Layer.OS,
            seen(Layer.POWER, FAILED, 20),
            seen(Layer.OS, HEALTHY, 1, 'os_watchdog'),
        )
        self.assertEqual(
            (HEALTHY, 'it works although power under it fails'),
            (one.state, one.conflict),
        )

    def test_a_side_path_says_nothing_of_layers(self):
        one = self.of(
            faults.SidePath.STORAGE,
            seen(Layer.POWER, FAILED, 1),
            seen(faults.SidePath.STORAGE, HEALTHY, 20, 'storage_path'),
        )
        self.assertIs(HEALTHY, one.state)
        self.assertEqual('', one.conflict)

    def test_a_moment_in_the_future_has_no_age(self):
        ahead = seen(Layer.POWER, HEALTHY, -2)
        self.assertEqual(0.0, layers.age_seconds(ahead, NOW))

    def test_what_was_seen_before_a_clock_was_set_back_counts_no_more(self):
        one = self.of(Layer.POWER, seen(Layer.POWER, HEALTHY, -3600))
        self.assertIs(UNKNOWN, one.state)
