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

"""The first tables."""

from typing import Any

from alembic import op
import sqlalchemy as sa
from sqlalchemy.dialects import mysql

revision = '0001'
down_revision = None
branch_labels = None
depends_on = None

MOMENT = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), 'mysql', 'mariadb')
TABLE: dict[str, Any] = {
    'mysql_engine': 'InnoDB',
    'mysql_charset': 'utf8mb4',
    'mysql_collate': 'utf8mb4_bin',
}


def upgrade() -> None:
    """Only forward: go back by restoring a backup."""
    _clusters()
    _observations()
    _services()
    _hosts()
    _instances()
    _recoveries()
    _evacuations()
    _notifications()
    _recovery_history()


def _clusters() -> None:
    op.create_table(
        'clusters',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('uuid', sa.String(length=36), nullable=False),
        sa.Column('name', sa.String(length=255), nullable=False),
        sa.Column('mode', sa.String(length=16), nullable=False),
        sa.Column('layers', sa.JSON(), nullable=False),
        sa.Column('shared_storage', sa.Boolean(), nullable=False),
        sa.Column('targets', sa.String(length=16), nullable=False),
        sa.Column('created_at', MOMENT, nullable=False),
        sa.Column('updated_at', MOMENT, nullable=True),
        sa.PrimaryKeyConstraint('id', name='pk_clusters'),
        sa.UniqueConstraint('name', name='uq_clusters_name'),
        sa.UniqueConstraint('uuid', name='uq_clusters_uuid'),
        **TABLE,
    )


def _observations() -> None:
    op.create_table(
        'observations',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('host', sa.String(length=190), nullable=False),
        sa.Column('layer', sa.String(length=16), nullable=False),
        sa.Column('detector', sa.String(length=64), nullable=False),
        sa.Column('network', sa.String(length=64), nullable=False),
        sa.Column('verdict', sa.String(length=16), nullable=False),
        sa.Column('seen_at', MOMENT, nullable=False),
        sa.Column('detail', sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint('id', name='pk_observations'),
        sa.UniqueConstraint(
            'host',
            'layer',
            'detector',
            'network',
            name='uq_observations_host_layer_detector_network',
        ),
        **TABLE,
    )


def _services() -> None:
    op.create_table(
        'services',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('name', sa.String(length=255), nullable=False),
        sa.Column('started_at', MOMENT, nullable=False),
        sa.Column('turn_at', MOMENT, nullable=False),
        sa.Column('deaf', sa.Boolean(), nullable=False),
        sa.Column('silent', sa.JSON(), nullable=False),
        sa.Column('version', sa.String(length=255), nullable=False),
        sa.PrimaryKeyConstraint('id', name='pk_services'),
        sa.UniqueConstraint('name', name='uq_services_name'),
        **TABLE,
    )


def _hosts() -> None:
    op.create_table(
        'hosts',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('uuid', sa.String(length=36), nullable=False),
        sa.Column('cluster_id', sa.Integer(), nullable=False),
        sa.Column('name', sa.String(length=255), nullable=False),
        sa.Column('labels', sa.JSON(), nullable=False),
        sa.Column('addresses', sa.JSON(), nullable=False),
        sa.Column('bmc_address', sa.String(length=255), nullable=True),
        sa.Column('bmc_port', sa.Integer(), nullable=False),
        sa.Column('bmc_username', sa.String(length=255), nullable=True),
        sa.Column('bmc_password', sa.Text(), nullable=True),
        sa.Column('bmc_guid', sa.String(length=255), nullable=True),
        sa.Column(
            'power_restore_policy', sa.String(length=255), nullable=True
        ),
        sa.Column('fence_state', sa.String(length=16), nullable=False),
        sa.Column('fence_why', sa.Text(), nullable=False),
        sa.Column('agent_key', sa.Text(), nullable=False),
        sa.Column('agent_key_previous', sa.Text(), nullable=True),
        sa.Column('agent_key_rotated_at', MOMENT, nullable=True),
        sa.Column('boot_id', sa.String(length=255), nullable=True),
        sa.Column('system_uuid', sa.String(length=255), nullable=True),
        sa.Column('domains', sa.JSON(), nullable=True),
        sa.Column('resume_guests', sa.Boolean(), nullable=True),
        sa.Column('reported_at', MOMENT, nullable=True),
        sa.Column('planned_until', MOMENT, nullable=True),
        sa.Column('created_at', MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ['cluster_id'], ['clusters.id'], name='fk_hosts_cluster_id'
        ),
        sa.PrimaryKeyConstraint('id', name='pk_hosts'),
        sa.UniqueConstraint('name', name='uq_hosts_name'),
        sa.UniqueConstraint('uuid', name='uq_hosts_uuid'),
        **TABLE,
    )
    op.create_index('ix_hosts_cluster_id', 'hosts', ['cluster_id'])


def _instances() -> None:
    op.create_table(
        'instances',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('uuid', sa.String(length=36), nullable=False),
        sa.Column('name', sa.String(length=255), nullable=False),
        sa.Column('project_id', sa.String(length=255), nullable=False),
        sa.Column('cluster_id', sa.Integer(), nullable=False),
        sa.Column('created_at', MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ['cluster_id'], ['clusters.id'], name='fk_instances_cluster_id'
        ),
        sa.PrimaryKeyConstraint('id', name='pk_instances'),
        sa.UniqueConstraint('uuid', name='uq_instances_uuid'),
        **TABLE,
    )
    op.create_index('ix_instances_cluster_id', 'instances', ['cluster_id'])
    op.create_index('ix_instances_project_id', 'instances', ['project_id'])


def _recoveries() -> None:
    op.create_table(
        'recoveries',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('uuid', sa.String(length=36), nullable=False),
        sa.Column('workflow', sa.String(length=32), nullable=False),
        sa.Column('subject', sa.String(length=255), nullable=False),
        sa.Column('cluster_id', sa.Integer(), nullable=True),
        sa.Column('state', sa.String(length=32), nullable=False),
        sa.Column('state_since', MOMENT, nullable=False),
        sa.Column('attempt', sa.Integer(), nullable=False),
        sa.Column('why', sa.Text(), nullable=False),
        sa.Column('held_kind', sa.String(length=16), nullable=True),
        sa.Column('wish', sa.String(length=16), nullable=True),
        sa.Column('fault', sa.JSON(), nullable=False),
        sa.Column('was', sa.JSON(), nullable=False),
        sa.Column('opened_at', MOMENT, nullable=False),
        sa.Column('turned_at', MOMENT, nullable=False),
        sa.Column('ended_at', MOMENT, nullable=True),
        sa.Column('wake_at', MOMENT, nullable=False),
        sa.Column('deadline_at', MOMENT, nullable=True),
        sa.Column('alarmed_at', MOMENT, nullable=True),
        sa.Column('acknowledged_at', MOMENT, nullable=True),
        sa.Column('claim', sa.Integer(), nullable=False),
        sa.Column('claimed_by', sa.String(length=255), nullable=True),
        sa.Column('claimed_until', MOMENT, nullable=True),
        sa.Column('open_key', sa.String(length=255), nullable=True),
        sa.ForeignKeyConstraint(
            ['cluster_id'],
            ['clusters.id'],
            name='fk_recoveries_cluster_id',
            ondelete='SET NULL',
        ),
        sa.PrimaryKeyConstraint('id', name='pk_recoveries'),
        sa.UniqueConstraint('open_key', name='uq_recoveries_open_key'),
        sa.UniqueConstraint('uuid', name='uq_recoveries_uuid'),
        **TABLE,
    )
    op.create_index('ix_recoveries_cluster_id', 'recoveries', ['cluster_id'])
    op.create_index('ix_recoveries_state', 'recoveries', ['state'])
    op.create_index('ix_recoveries_subject', 'recoveries', ['subject'])
    op.create_index('ix_recoveries_wake_at', 'recoveries', ['wake_at'])


def _evacuations() -> None:
    op.create_table(
        'evacuations',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('uuid', sa.String(length=36), nullable=False),
        sa.Column('recovery_id', sa.Integer(), nullable=False),
        sa.Column('instance_uuid', sa.String(length=36), nullable=False),
        sa.Column('instance_name', sa.String(length=255), nullable=False),
        sa.Column('project_id', sa.String(length=255), nullable=False),
        sa.Column('source', sa.String(length=255), nullable=False),
        sa.Column('target', sa.String(length=255), nullable=True),
        sa.Column('destination', sa.String(length=255), nullable=True),
        sa.Column('state', sa.String(length=16), nullable=False),
        sa.Column('attempt', sa.Integer(), nullable=False),
        sa.Column('migration_uuid', sa.String(length=36), nullable=True),
        sa.Column('requested_at', MOMENT, nullable=True),
        sa.Column('ended_at', MOMENT, nullable=True),
        sa.Column('was', sa.JSON(), nullable=False),
        sa.Column('why', sa.Text(), nullable=False),
        sa.Column('open_key', sa.String(length=36), nullable=True),
        sa.ForeignKeyConstraint(
            ['recovery_id'],
            ['recoveries.id'],
            name='fk_evacuations_recovery_id',
            ondelete='CASCADE',
        ),
        sa.PrimaryKeyConstraint('id', name='pk_evacuations'),
        sa.UniqueConstraint('open_key', name='uq_evacuations_open_key'),
        sa.UniqueConstraint('uuid', name='uq_evacuations_uuid'),
        **TABLE,
    )
    op.create_index(
        'ix_evacuations_instance_uuid', 'evacuations', ['instance_uuid']
    )
    op.create_index('ix_evacuations_project_id', 'evacuations', ['project_id'])
    op.create_index(
        'ix_evacuations_recovery_id', 'evacuations', ['recovery_id']
    )


def _notifications() -> None:
    op.create_table(
        'notifications',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('uuid', sa.String(length=36), nullable=False),
        sa.Column('source', sa.String(length=255), nullable=False),
        sa.Column('host', sa.String(length=255), nullable=False),
        sa.Column('layer', sa.String(length=16), nullable=False),
        sa.Column('payload', sa.JSON(), nullable=False),
        sa.Column('generated_at', MOMENT, nullable=False),
        sa.Column('received_at', MOMENT, nullable=False),
        sa.Column('state', sa.String(length=16), nullable=False),
        sa.Column('why', sa.Text(), nullable=False),
        sa.Column('recovery_id', sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ['recovery_id'],
            ['recoveries.id'],
            name='fk_notifications_recovery_id',
        ),
        sa.PrimaryKeyConstraint('id', name='pk_notifications'),
        sa.UniqueConstraint('uuid', name='uq_notifications_uuid'),
        **TABLE,
    )
    op.create_index('ix_notifications_host', 'notifications', ['host'])
    op.create_index('ix_notifications_state', 'notifications', ['state'])


def _recovery_history() -> None:
    op.create_table(
        'recovery_history',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('recovery_id', sa.Integer(), nullable=False),
        sa.Column('at', MOMENT, nullable=False),
        sa.Column('from_state', sa.String(length=32), nullable=True),
        sa.Column('to_state', sa.String(length=32), nullable=False),
        sa.Column('engine', sa.String(length=255), nullable=False),
        sa.Column('why', sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ['recovery_id'],
            ['recoveries.id'],
            name='fk_recovery_history_recovery_id',
            ondelete='CASCADE',
        ),
        sa.PrimaryKeyConstraint('id', name='pk_recovery_history'),
        **TABLE,
    )
    op.create_index(
        'ix_recovery_history_recovery_id', 'recovery_history', ['recovery_id']
    )
