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

"""Which suspects are too many, and what they have in common."""

import hypothesis
from hypothesis import strategies

from hass.diagnosis import restraint
from hass.tests import base

CLUSTER = restraint.Limit('max_suspects', 3, 0.1)
DOMAIN = restraint.Limit('max_suspects_per_domain', 2, 0.1)


def names(*numbers):
    return {f'compute-{number}' for number in numbers}


def racks(count, hosts_each=4, cluster='east', zone=None):
    """Hosts by number, so many in each of rack-1, rack-2 …"""
    return {
        f'compute-{number}': restraint.domains_of(
            cluster,
            {'rack': f'rack-{number // hosts_each + 1}', 'vendor': 'acme'},
            zone=zone,
        )
        for number in range(count * hosts_each)
    }


def why(suspects, places, host=None):
    return restraint.too_many(
        host or min(suspects), suspects, places, CLUSTER, DOMAIN, 1800
    )


class RestraintTest(base.TestCase):
    def test_two_of_four_hosts_are_recovered(self):
        self.assertIsNone(why(names(0, 1), racks(1)))

    def test_four_hosts_of_a_cluster_are_held(self):
        held = why(names(0, 4, 8, 12), racks(4))
        self.assertIn('4 hosts, all in cluster east, were', held or '')

    def test_the_third_host_of_a_rack_is_held(self):
        held = why(names(0, 1, 2), racks(4)) or ''
        self.assertIn('3 hosts, all on rack-1 (rack), were suspected', held)
        self.assertIn('max_suspects_per_domain allows 2 on rack-1', held)
        self.assertIn('compute-0, compute-1, compute-2;', held)

    def test_a_host_elsewhere_is_not_held_with_them(self):
        suspects = names(0, 1, 9)
        self.assertIsNone(why(suspects, racks(4), host='compute-9'))

    def test_twelve_hosts_are_said_to_be_on_one_power_circuit(self):
        places = {
            host: own
            | restraint.domains_of(
                'east', {'pdu': f'pdu-{int(host[8:]) // 12 + 1}'}
            )
            for host, own in racks(12).items()
        }
        held = why(names(*range(24, 36)), places) or ''
        self.assertTrue(held.startswith('12 hosts, all on pdu-3 (pdu),'), held)
        self.assertIn('compute-28 …;', held)

    def test_a_label_that_all_hosts_carry_names_no_cause(self):
        self.assertNotIn('acme', why(names(*range(16)), racks(4)) or '')

    def test_a_rack_of_two_clusters_is_one_domain(self):
        places = racks(2) | {
            f'other-{number}': restraint.domains_of('west', {'rack': 'rack-1'})
            for number in range(8)
        }
        suspects = {'other-1', 'compute-0', 'compute-1'}
        self.assertIn('all on rack-1', why(suspects, places) or '')

    def test_of_a_large_zone_a_tenth_may_be_suspected(self):
        places = racks(25, zone='north') | {
            f'other-{number}': restraint.domains_of('west', {})
            for number in range(50)
        }
        spread = [4 * number for number in range(11)]
        self.assertIsNone(why(names(*spread[:10]), places))
        self.assertIsNotNone(why(names(*spread), places))

    def test_hosts_that_left_their_cluster_do_not_count(self):
        suspects = names(0, 1) | {'gone-1', 'gone-2', 'gone-3'}
        self.assertIsNone(why(suspects, racks(4), host='compute-0'))

    def test_an_aggregate_and_a_zone_are_named_as_nova_does(self):
        own = restraint.domains_of('east', {}, ['ssd'], 'north')
        self.assertEqual(
            {
                'in aggregate ssd',
                'in availability zone north',
                'in cluster east',
            },
            {str(one) for one in own},
        )

    def test_the_smallest_domain_is_the_most_telling(self):
        own = restraint.domains_of('east', {'pdu': 'p1'}, ['ssd'])
        places = {f'a-{n}': own for n in range(3)} | {
            f'b-{n}': restraint.domains_of('east', {}, ['ssd'])
            for n in range(3)
        }
        places['c'] = restraint.domains_of('west', {})
        found = restraint.narrowest(['a-0', 'a-1'], places)
        self.assertEqual('on p1 (pdu)', str(found))
        found = restraint.narrowest(['a-0', 'b-1'], places)
        self.assertEqual('in aggregate ssd', str(found))
        self.assertIsNone(restraint.narrowest(['a-0', 'c'], places))

    @hypothesis.given(
        strategies.sets(strategies.integers(0, 39)),
        strategies.sets(strategies.integers(0, 39), min_size=1),
    )
    def test_more_suspects_never_lift_a_restraint(self, more, some):
        places = racks(10)
        host = min(names(*some))
        before = why(names(*some), places, host=host)
        after = why(names(*some, *more), places, host=host)
        self.assertTrue(before is None or after is not None)

    @hypothesis.given(strategies.sets(strategies.integers(0, 39), min_size=1))
    def test_what_is_named_holds_every_suspect_and_not_everybody(self, some):
        places = racks(10)
        named = restraint.narrowest(names(*some), places)
        if named is not None:
            members = {one for one, own in places.items() if named in own}
            self.assertLessEqual(names(*some), members)
            self.assertLess(len(members), len(places))


class CrowdedTest(base.TestCase):
    def crowded(self, host, *others):
        limit = restraint.Limit('max_fencings_per_domain', 2, 0.1)
        found = restraint.crowded(host, names(*others), racks(4), limit)
        return found and (str(found[0]), *found[1:])

    def test_two_fenced_hosts_of_a_rack_are_enough(self):
        self.assertEqual(
            ('on rack-1 (rack)', 2, 2), self.crowded('compute-0', 1, 2)
        )

    def test_fenced_hosts_of_other_racks_do_not_count(self):
        self.assertIsNone(self.crowded('compute-0', 1, 5))

    def test_the_cluster_is_counted_elsewhere(self):
        self.assertIsNone(self.crowded('compute-0', 4, 8, 12))
