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

"""What proves that a fence is the host's own, and how quick it is."""

from alembic import op
import sqlalchemy as sa
from sqlalchemy.dialects import mysql

revision = '0010'
down_revision = '0009'
branch_labels = None
depends_on = None

MOMENT = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), 'mysql', 'mariadb')


def upgrade() -> None:
    """Only forward: go back by restoring a backup."""
    for column in (
        sa.Column('bmc_guid_from', sa.String(255)),
        sa.Column('fence_tested_at', MOMENT),
        sa.Column('fence_read_seconds', sa.Double()),
        sa.Column('fence_off_seconds', sa.Double()),
        sa.Column('fence_waived_by', sa.String(255)),
        sa.Column('fence_waived_at', MOMENT),
        sa.Column('fence_waived_why', sa.Text()),
    ):
        op.add_column('hosts', column)
