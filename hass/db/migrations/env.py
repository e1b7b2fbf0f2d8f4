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

"""What alembic runs: over the connection that migration.py hands in."""

from alembic import context

from hass.db.migrations import comparison
from hass.db import models


def run() -> None:
    """Migrate, each revision in its own transaction where DDL can be.

    SQLite has no other lock than its transaction: there migration.py has begun
    one for all revisions, and for the reading of which they are.
    """
    connection = context.config.attributes['connection']
    context.configure(
        connection=connection,
        target_metadata=models.Base.metadata,
        compare_type=comparison.differs,
        render_as_batch=True,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()


run()
