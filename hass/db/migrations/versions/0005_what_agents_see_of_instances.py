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

"""What agents see of instances."""

from alembic import op
import sqlalchemy as sa
from sqlalchemy.dialects import mysql

revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None

MOMENT = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), 'mysql', 'mariadb')


def upgrade() -> None:
    """Only forward: go back by restoring a backup."""
    op.create_table(
        'instance_observations',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('instance_uuid', sa.String(36), nullable=False),
        sa.Column('detector', sa.String(64), nullable=False),
        sa.Column('layer', sa.String(16), nullable=False),
        sa.Column('host', sa.String(190), nullable=False),
        sa.Column('verdict', sa.String(16), nullable=False),
        sa.Column('seen_at', MOMENT, nullable=False),
        sa.Column('detail', sa.Text(), nullable=False),
        sa.Column('healthy_at', MOMENT),
        sa.PrimaryKeyConstraint('id', name='pk_instance_observations'),
        sa.UniqueConstraint(
            'instance_uuid',
            'host',
            'detector',
            name='uq_instance_observations_instance_uuid_host_detector',
        ),
        mysql_engine='InnoDB',
        mysql_charset='utf8mb4',
        mysql_collate='utf8mb4_bin',
    )
    op.create_index(
        'ix_instance_observations_host', 'instance_observations', ['host']
    )
