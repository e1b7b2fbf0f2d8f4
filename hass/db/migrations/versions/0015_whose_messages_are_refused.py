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

"""Whose messages engines refuse, and which former keys count still."""

from alembic import op
import sqlalchemy as sa

from hass.db import moments

revision = '0015'
down_revision = '0014'
branch_labels = None
depends_on = None

OVERLAP_SECONDS = 86400.0


def upgrade() -> None:
    """Only forward: go back by restoring a backup."""
    op.add_column('services', sa.Column('strangers', sa.JSON()))
    hosts = sa.table(
        'hosts',
        sa.column('agent_key_previous', sa.Text()),
        sa.column('agent_key_rotated_at', sa.DateTime()),
    )
    # A former key counted for a day, and counts until a newer one is used
    # from now on. One whose day has ended must not count again.
    op.execute(
        hosts.update()
        .where(hosts.c.agent_key_rotated_at < moments.db_now(-OVERLAP_SECONDS))
        .values(agent_key_previous=None)
    )
