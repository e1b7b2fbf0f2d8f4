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

"""Indexes to count what happened within a day.

None is on a column that changes: who locks rows by such an index, and who
changes them, would wait for each other.
"""

from alembic import op

revision = '0007'
down_revision = '0006'
branch_labels = None
depends_on = None

INDEXED = (
    ('notifications', 'received_at'),
    ('recovery_history', 'at'),
)


def upgrade() -> None:
    """Only forward: go back by restoring a backup."""
    for table, column in INDEXED:
        op.create_index(f'ix_{table}_{column}', table, [column])
