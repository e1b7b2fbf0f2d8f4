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

"""What an engine asks of the database while nothing happens."""

from collections import Counter

from sqlalchemy import event

from hass.simulation.virtual import cloud
from hass.tests import base

STATEMENTS = 9.4
"""A second, of one engine with four hosts; a look more in each is too many."""
PER_HOST = 0.4
"""A report is three statements every ten seconds; the rest are looks."""
WARM_SECONDS, SECONDS = 130, 60


class IdleTest(base.TestCase):
    def statements(self, hosts):
        """Statements a second of one quiet engine, by their beginnings."""
        folder = self.make_folder()
        quiet = cloud.Cloud(
            folder, cloud.make_conf(folder), hosts=hosts, engines=1
        )
        self.addCleanup(quiet.close)
        quiet.tick(WARM_SECONDS)
        found: Counter[str] = Counter()

        def count(connection, cursor, statement, *rest):
            found[' '.join(statement.split())[:100]] += 1

        event.listen(quiet.database.engine, 'before_cursor_execute', count)
        quiet.tick(SECONDS)
        return {one: number / SECONDS for one, number in found.items()}

    def test_a_quiet_engine_asks_little(self):
        found = self.statements(hosts=4)
        self.assertLess(sum(found.values()), STATEMENTS, found)

    def test_more_hosts_are_asked_for_in_the_same_statements(self):
        few, many = self.statements(hosts=4), self.statements(hosts=24)
        more = (sum(many.values()) - sum(few.values())) / 20
        self.assertLess(more, PER_HOST, many)
