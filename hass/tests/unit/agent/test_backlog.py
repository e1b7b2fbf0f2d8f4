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


from hass.agent import backlog
from hass.tests import base


class BacklogTest(base.TestCase):
    def make(self, *things, size=3):
        line: backlog.Backlog[int] = backlog.Backlog('things', size)
        for thing in things:
            line.add(thing)
        return line

    def first(self, line, number=9):
        return list(line.first(number)[1])

    def test_what_was_taken_leaves_and_the_rest_keeps_its_order(self):
        line = self.make(1, 2, 3)
        mark, going = line.first(2)
        line.take_out(mark)
        self.assertEqual([1, 2], list(going))
        self.assertEqual([3], self.first(line))

    def test_equal_things_are_different_things(self):
        line = self.make(1, 1, 1)
        line.take_out(line.first(2)[0])
        self.assertEqual([1], self.first(line))

    def test_what_gave_way_meanwhile_takes_nothing_with_it(self):
        line = self.make(1, 2, 3)
        mark, _going = line.first(2)
        line.add(4)
        line.add(5)
        line.add(6)
        line.take_out(mark)
        self.assertEqual([4, 5, 6], self.first(line))
        self.assertEqual(3, line.dropped)

    def test_a_flood_of_losses_is_no_flood_of_lines(self):
        self.make(*range(1003))
        self.assertIn('512 things dropped', self.log.output)
        self.assertEqual(10, self.log.output.count('dropped'))
