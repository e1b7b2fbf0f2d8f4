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

"""Instances that should run and do not, and boots that are accounted for."""

from alembic import op
import sqlalchemy as sa
from sqlalchemy.dialects import mysql

revision = '0009'
down_revision = '0008'
branch_labels = None
depends_on = None

MOMENT = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), 'mysql', 'mariadb')


def upgrade() -> None:
    """Only forward: go back by restoring a backup."""
    op.add_column('hosts', sa.Column('settled_boot_id', sa.String(255)))
    op.create_table(
        'losses',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('uuid', sa.String(36), nullable=False),
        sa.Column('instance_uuid', sa.String(36), nullable=False),
        sa.Column('instance_name', sa.String(255), nullable=False),
        sa.Column('project_id', sa.String(255), nullable=False),
        sa.Column('host', sa.String(190), nullable=False),
        sa.Column('recovery_uuid', sa.String(36)),
        sa.Column('why', sa.Text(), nullable=False),
        sa.Column('since', MOMENT, nullable=False),
        sa.Column('was', sa.JSON(), nullable=False),
        sa.Column('page_at', MOMENT, nullable=False),
        sa.Column('look_at', MOMENT, nullable=False),
        sa.Column('looks', sa.Integer(), nullable=False),
        sa.Column('alarmed_at', MOMENT),
        sa.Column('acknowledged_at', MOMENT),
        sa.Column('ended_at', MOMENT),
        sa.Column(
            'ended_how',
            sa.Enum(
                'runs',
                'stopped',
                'deleted',
                'unprotected',
                native_enum=False,
                length=16,
            ),
        ),
        sa.Column('ended_why', sa.Text(), nullable=False),
        sa.Column('open_key', sa.String(36)),
        sa.PrimaryKeyConstraint('id', name='pk_losses'),
        sa.UniqueConstraint('uuid', name='uq_losses_uuid'),
        sa.UniqueConstraint('open_key', name='uq_losses_open_key'),
        mysql_engine='InnoDB',
        mysql_charset='utf8mb4',
        mysql_collate='utf8mb4_bin',
    )
    for column in (
        'instance_uuid',
        'project_id',
        'host',
        'recovery_uuid',
        'look_at',
    ):
        op.create_index(f'ix_losses_{column}', 'losses', [column])
