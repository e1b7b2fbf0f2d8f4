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

"""Locks that hold on every node of a Galera cluster, for they are written.

``SELECT ... FOR UPDATE`` is known to one node only. When engines that talk to
two nodes decide by the same rows, only what they *write* is compared
(certified) at COMMIT: one of the two commits, the other one fails as after a
deadlock. So each row that a decision locks counts its locks.
"""

import sqlalchemy as sa
from sqlalchemy import orm

from hass.db import models
from hass.db import session as db_session

Lockable = type[models.Cluster] | type[models.Host] | type[models.Recovery]


def hold(
    session: orm.Session,
    model: Lockable,
    *conditions: sa.ColumnElement[bool],
) -> int:
    """Hold the rows until COMMIT; returns how many there are.

    They are locked in the order of their ids, so that no two transactions
    wait for each other.
    """
    ids = list(
        session.scalars(
            sa.select(model.id)
            .where(*conditions)
            .order_by(model.id)
            # The foreign keys of rows that change may be looked at meanwhile.
            .with_for_update(key_share=True)
        )
    )
    if not ids:
        return 0
    written = session.execute(
        sa.update(model)
        .where(model.id.in_(ids))
        .values(locks=model.locks + 1)
        .execution_options(synchronize_session=False)
    )
    return db_session.changed(written)
