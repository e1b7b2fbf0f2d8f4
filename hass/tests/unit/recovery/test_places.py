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

import datetime

from hass import exception
from hass import nova
from hass.recovery import places
from hass.recovery import refusals
from hass.tests import base
from hass.tests.unit.recovery import test_planner

server = test_planner.server


class Placement:
    """Offers what a test says; None: it does not answer."""

    def __init__(self, offers):
        self._offers = offers
        self.asked = 0

    def places(self, server):
        self.asked += 1
        if self._offers is None:
            raise exception.NovaFailed('candidates', '503')
        return self._offers


def refused(*tried):
    now = datetime.datetime(2030, 1, 1)
    memory = None
    for one in tried:
        memory = refusals.after(memory, refusals.Kind.PLACE, 'no', now, one)
    return memory


class OrderTest(base.TestCase):
    def order(self, offers, usable=('a', 'b', 'c')):
        self.placement = Placement(offers)
        found = places.Places(self.placement.places, usable, hope=False)
        return found.of(server())

    def test_it_is_the_one_of_placement(self):
        found = self.order(['c', 'a'])
        self.assertEqual((('c', 'a'), True), (found.names, found.offered))

    def test_hosts_that_may_not_be_named_are_left_out(self):
        self.assertEqual(('b',), self.order(['x', 'b']).names)

    def test_without_an_answer_all_usable_ones_are_tried(self):
        found = self.order(None)
        self.assertEqual((('a', 'b', 'c'), True), (found.names, found.offered))

    def test_without_an_offer_nova_may_know_better(self):
        found = self.order([])
        self.assertEqual(
            (('a', 'b', 'c'), False), (found.names, found.offered)
        )

    def test_without_a_usable_host_there_is_no_place(self):
        found = self.order(None, usable=())
        self.assertEqual(((), False), (found.names, found.offered))

    def test_nova_chooses_first_where_any_host_will_do(self):
        found = self.order(['b', 'compute-1'], usable=None)
        self.assertEqual((refusals.ANYWHERE, 'b'), found.names)

    def test_what_has_refused_it_is_not_tried_again_in_a_round(self):
        order = self.order(['c', 'a', 'b'])
        self.assertEqual(['c', 'a', 'b'], order.untried(None))
        self.assertEqual(['a'], order.untried(refused('c', 'b')))

    def test_placement_is_asked_once_for_each_size(self):
        found = Placement(['a'])
        order = places.Places(found.places, ['a'], hope=False)
        small, large = (
            nova.Flavor(vcpus=number, ram=512, disk=1) for number in (1, 2)
        )
        for flavor in (small, large, small):
            order.of(server(flavor=flavor))
        self.assertEqual(2, found.asked)


class RefusedByTest(base.TestCase):
    def migration(self, claimed):
        return nova.Migration(
            'm', 1, 'vm', 'a', 'b', 'b' if claimed else None, 'error',
            'evacuation', datetime.datetime(2030, 1, 1), None,
        )  # fmt: skip

    def test_the_host_that_was_asked_for(self):
        found = places.refused_by('c', self.migration(claimed=False))
        self.assertEqual('c', found)

    def test_the_host_that_claimed_it(self):
        found = places.refused_by(None, self.migration(claimed=True))
        self.assertEqual('b', found)

    def test_all_of_them_when_nova_found_none(self):
        found = places.refused_by(None, self.migration(claimed=False))
        self.assertIsNone(found)
