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

"""What is to be done on hosts: a part of the rows that want it.

Trials of a BMC's wiring are kept with their host, see wirings.py. All other
orders are of recoveries: one remembers its order, so that it outlives the
engine that wrote it. Whichever engine takes the next report of that host's
agent hands it out, again and again until the agent tells what became of it.
"""

from collections.abc import Mapping
import dataclasses
import datetime
from typing import Any
from typing import Self
import uuid

import sqlalchemy as sa
from sqlalchemy import orm

from hass.db import models
from hass.db import moments
from hass.db import wirings
from hass import workflows

KEY = 'order'
"""Where it is in Recovery.was."""


@dataclasses.dataclass(frozen=True, slots=True)
class Order:
    """One thing that a host's agent is to do.

    :ivar boot_id: of the boot of the host that is meant
    :ivar until: database time; later it must not be begun any more
    :ivar done: None until the agent has told
    """

    id: str
    kind: str
    host: str
    boot_id: str
    subject: str
    until: datetime.datetime
    done: bool | None = None
    detail: str = ''

    @classmethod
    def make(
        cls,
        kind: str,
        host: str,
        boot_id: str,
        subject: str,
        until: datetime.datetime,
    ) -> Self:
        """A new one, to be remembered as ``order``."""
        return cls(str(uuid.uuid4()), kind, host, boot_id, subject, until)

    def to_dict(self) -> dict[str, Any]:
        """JSON for the row."""
        return dataclasses.asdict(self) | {'until': self.until.isoformat()}

    @classmethod
    def of(cls, was: Mapping[str, Any]) -> Self | None:
        """The order that a recovery remembers."""
        kept = was.get(KEY)
        if not kept:
            return None
        until = datetime.datetime.fromisoformat(kept['until'])
        return cls(**kept | {'until': until})


def outstanding(
    session: orm.Session, row: models.Host, boot_id: str
) -> list[tuple[Order, float]]:
    """What this boot of a host is to do, and within how many seconds."""
    host = row.name
    now = moments.read_now(session)
    found = [Order.of(one.was) for one in session.scalars(_ordering())]
    trial = wirings.outstanding(row, boot_id, now)
    if trial is not None:
        found.append(
            Order(
                trial.id, wirings.KIND, host, boot_id, trial.mark, trial.until
            )
        )
    return [
        (one, (one.until - now).total_seconds())
        for one in found
        if one is not None
        and one.done is None
        and (one.host, one.boot_id) == (host, boot_id)
        and one.until > now
    ]


def answer(
    session: orm.Session, host: str, order_id: str, done: bool, detail: str
) -> None:
    """A host's agent tells what became of an order; its recovery goes on."""
    wirings.answer(session, host, order_id, done, detail)
    for recovery in session.scalars(
        _ordering().with_for_update(of=models.Recovery)
    ):
        order = Order.of(recovery.was)
        if order is None or (order.host, order.id) != (host, order_id):
            continue
        told = dataclasses.replace(order, done=done, detail=detail)
        recovery.was = recovery.was | {KEY: told.to_dict()}
        recovery.wake_at = moments.read_now(session)
    session.flush()


def _ordering() -> sa.Select[models.Recovery]:
    return (
        sa.select(models.Recovery)
        .where(
            models.Recovery.ended_at.is_(None),
            models.Recovery.state.in_(workflows.states_with_orders()),
        )
        .order_by(models.Recovery.id)
        .execution_options(populate_existing=True)
    )
