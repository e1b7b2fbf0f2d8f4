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

"""What detection keeps: certainty, windows, domains, explanations."""

from alembic import op
import sqlalchemy as sa
from sqlalchemy.dialects import mysql

revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None

MOMENT = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), 'mysql', 'mariadb')


def upgrade() -> None:
    """Only forward: go back by restoring a backup."""
    op.add_column(
        'observations',
        sa.Column(
            'seen_by', sa.String(255), nullable=False, server_default=''
        ),
    )
    op.add_column(
        'observations',
        sa.Column(
            'certainty', sa.String(16), nullable=False, server_default='read'
        ),
    )
    for name in ('watched_sensors', 'aggregates', 'degraded'):
        op.add_column('hosts', sa.Column(name, sa.JSON()))
    op.add_column('hosts', sa.Column('availability_zone', sa.String(255)))
    op.add_column('hosts', sa.Column('explanation', sa.Text()))
    op.add_column('hosts', sa.Column('explained_at', MOMENT))
    for table in ('clusters', 'hosts'):
        op.add_column(table, sa.Column('maintenance_until', MOMENT))
        op.add_column(table, sa.Column('maintenance_why', sa.Text()))
    op.add_column('clusters', sa.Column('isolation', sa.JSON()))
    for name in ('mute', 'estimates', 'detectors'):
        op.add_column('services', sa.Column(name, sa.JSON()))
