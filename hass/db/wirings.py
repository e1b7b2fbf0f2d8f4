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

"""Whether the address of a host's BMC leads to the BMC in that host.

A trial goes over several hands: an engine makes a mark, the engine that takes
the next report has the agent write it into its own BMC, and the first engine
reads it at the address. All of it is one column of the host's row.
"""

import dataclasses
import datetime
import secrets
from typing import Any
from typing import Self
import uuid

import sqlalchemy as sa
from sqlalchemy import orm

from hass.bmc import identity
from hass.db import hosts
from hass.db import models
from hass.db import moments

Wired = identity.Wired
KIND = 'mark'
"""Of the order to the agent."""
PREFIX = 'hass-'
MARK_CHARACTERS = 14
"""So many are in one block of a System Info Parameter."""
KEPT_SECONDS = 60.0
"""How long an agent leaves a mark where it is."""
READ_SECONDS = 30.0
"""A mark that was written longer ago may be gone already."""
ORDER_SECONDS = 120.0
"""Within it an agent has reported, and has had its time."""
AGAIN_SECONDS = 3600.0
"""What came to nothing, or to a wrong wiring, is tried again so soon."""
MISSES = 2
"""Somebody else may have written to the place of one mark."""
FACTOR = 2
"""A proof is good for so many times as long as from one to the next."""


@dataclasses.dataclass(frozen=True, slots=True)
class Trial:
    """One that is under way.

    :ivar id: of the order to the agent
    :ivar boot_id: of the boot of the host that is meant
    :ivar until: the agent must not write later
    :ivar written_at: when the agent said that it wrote; None: not yet
    """

    id: str
    mark: str
    boot_id: str
    place: str | None
    system_uuid: str | None
    until: datetime.datetime
    written_at: datetime.datetime | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Wiring:
    """What is known of one host; moments are the database's.

    :ivar at: of what was found
    :ivar until: a proof is good until then
    :ivar due: the next trial
    :ivar place, system_uuid, guid: of the BMC and the host that it is of
    :ivar misses: marks in a row that were not where they should be
    :ivar mark: of the trial before: it may still be in some BMC
    """

    found: Wired | None = None
    why: str = ''
    at: datetime.datetime | None = None
    until: datetime.datetime | None = None
    due: datetime.datetime | None = None
    place: str | None = None
    system_uuid: str | None = None
    guid: str | None = None
    misses: int = 0
    mark: str = ''
    trial: Trial | None = None

    def to_dict(self) -> dict[str, Any]:
        """JSON for the row."""
        plain = dataclasses.asdict(self)
        for part in (plain, plain['trial'] or {}):
            for key, value in part.items():
                if isinstance(value, datetime.datetime):
                    part[key] = value.isoformat()
        return plain

    @classmethod
    def of(cls, row: models.Host) -> Self:
        """What the row of a host keeps."""
        return cls.read(row.fence_wiring)

    @classmethod
    def read(cls, kept: dict[str, Any] | None) -> Self:
        """What such JSON says; nothing where there is none.

        Fields that only a newer release knows are left out, and a finding
        that only it knows proves nothing here.
        """
        if not kept:
            return cls()
        values = _moments(cls, kept, 'at', 'until', 'due')
        known = {str(one): one for one in Wired}
        values['found'] = known.get(kept['found'])
        if kept['trial']:
            values['trial'] = Trial(
                **_moments(Trial, kept['trial'], 'until', 'written_at')
            )
        return cls(**values)

    def holds(
        self,
        place: str | None,
        system_uuid: str | None,
        now: datetime.datetime,
    ) -> identity.Wired | None:
        """What it tells of a host and its BMC today; None: nothing.

        What was found wrong stays wrong until it is proven, or until the
        BMC is said to be elsewhere.
        """
        if self.place != place:
            return None
        if self.found is Wired.WRONG:
            return self.found
        good = self.until is not None and now <= self.until
        same = self.system_uuid == system_uuid
        return self.found if good and same else None


def begin(
    session: orm.Session, name: str, known: Wiring, place: str | None
) -> None:
    """Have the host's agent write a new mark, if nobody was quicker."""
    row = hosts.lock(session, name)
    if Wiring.of(row) != known or row.boot_id is None:
        return
    trial = Trial(
        id=str(uuid.uuid4()),
        mark=new_mark(),
        boot_id=row.boot_id,
        place=place,
        system_uuid=row.system_uuid,
        until=moments.read_now(session)
        + datetime.timedelta(seconds=ORDER_SECONDS),
    )
    keep(session, row, dataclasses.replace(known, trial=trial))


def new_mark() -> str:
    """A text that nobody guesses, and that is seen to be of HASS."""
    room = MARK_CHARACTERS - len(PREFIX)
    return PREFIX + secrets.token_hex(room)[:room]


def is_under_way(row: models.Host) -> bool:
    """Whether a trial of the host has begun and not ended."""
    return Wiring.of(row).trial is not None


def outstanding(
    row: models.Host, boot_id: str, now: datetime.datetime
) -> Trial | None:
    """The trial for which this boot of a host is to write its mark."""
    trial = Wiring.of(row).trial
    if trial is None or trial.written_at or trial.boot_id != boot_id:
        return None
    return trial if trial.until > now else None


def answer(
    session: orm.Session, name: str, order_id: str, done: bool, detail: str
) -> None:
    """The agent of a host tells that it wrote the mark, or why it did not."""
    trial = Wiring.read(_kept(session, name)).trial
    if trial is None or trial.id != order_id:
        return
    row = hosts.lock(session, name)
    known = Wiring.of(row)
    if known.trial != trial or trial.written_at:
        return
    now = moments.read_now(session)
    if done:
        trial = dataclasses.replace(trial, written_at=now)
        keep(session, row, dataclasses.replace(known, trial=trial))
    else:
        keep(session, row, unsupported(known, now, detail))


def keep(session: orm.Session, row: models.Host, wiring: Wiring) -> None:
    """Write down what is known now, in a row that is locked."""
    row.fence_wiring = wiring.to_dict()
    session.flush()


def forget(session: orm.Session, name: str) -> None:
    """Nothing is known any more."""
    hosts.get(session, name).fence_wiring = None
    session.flush()


def who_wrote(session: orm.Session, mark: str) -> str | None:
    """The host that a mark was made for, if it is a present one."""
    if not mark.startswith(PREFIX):
        return None
    query = sa.select(models.Host.name, models.Host.fence_wiring).where(
        models.Host.fence_wiring.is_not(None)
    )
    for name, kept in session.execute(query):
        known = Wiring.read(kept)
        trial = known.trial
        if mark in {known.mark, None if trial is None else trial.mark}:
            return str(name)
    return None


def judge(
    known: Wiring,
    mark: str | None,
    guid: str | None,
    whose: str | None,
    now: datetime.datetime,
    seconds: float,
) -> Wiring:
    """What a reading of the BMC makes of a trial. Pure.

    :param mark: what was read; None: this BMC knows no marks
    :param whose: the host that the mark was made for, if it is another's
    :param seconds: from one proof to the next
    """
    trial = known.trial
    if trial is None:
        return known
    if mark is None:
        return unsupported(
            known, now, 'its BMC tells no such thing over the network', seconds
        )
    if mark == trial.mark:
        return Wiring(
            found=Wired.PROVEN,
            why='its own mark was read in its BMC',
            at=now,
            until=now + datetime.timedelta(seconds=FACTOR * seconds),
            due=now + datetime.timedelta(seconds=seconds),
            place=trial.place,
            system_uuid=trial.system_uuid,
            guid=guid,
            mark=trial.mark,
        )
    misses = known.misses + 1
    if whose is None and misses < MISSES:
        # What it proved before is in doubt until it is proven again.
        doubted = known if known.found is Wired.WRONG else Wiring()
        return dataclasses.replace(
            doubted, misses=misses, due=now, mark=trial.mark, trial=None
        )
    return Wiring(
        found=Wired.WRONG,
        why=f'the BMC at its address is the one of {whose}'
        if whose
        else 'its mark is not in the BMC at its address',
        at=now,
        due=now + datetime.timedelta(seconds=min(seconds, AGAIN_SECONDS)),
        place=trial.place,
        system_uuid=trial.system_uuid,
        guid=guid,
        mark=trial.mark,
    )


def unsupported(
    known: Wiring,
    now: datetime.datetime,
    why: str,
    seconds: float = 24 * AGAIN_SECONDS,
) -> Wiring:
    """The trial cannot be made there; what was wrong is not put right by it.

    Another mainboard may be in the host by now: that is another host.
    """
    trial = known.trial
    due = now + datetime.timedelta(seconds=seconds)
    same = trial is None or trial.system_uuid == known.system_uuid
    if known.found is Wired.WRONG and same:
        soon = now + datetime.timedelta(seconds=AGAIN_SECONDS)
        return dataclasses.replace(known, due=min(due, soon), trial=None)
    return Wiring(
        found=Wired.UNSUPPORTED,
        why=why,
        at=now,
        due=due,
        place=None if trial is None else trial.place,
        system_uuid=None if trial is None else trial.system_uuid,
    )


def given_up(known: Wiring, now: datetime.datetime) -> Wiring:
    """The agent or the BMC did not answer: what was known stays known."""
    due = now + datetime.timedelta(seconds=AGAIN_SECONDS)
    return dataclasses.replace(known, due=due, trial=None)


def _kept(session: orm.Session, name: str) -> dict[str, Any] | None:
    column = models.Host.fence_wiring
    query = sa.select(column).where(models.Host.name == name)
    found: dict[str, Any] | None = session.scalars(query).one_or_none()
    return found


def _moments(
    kind: type[Trial | Wiring], kept: dict[str, Any], *names: str
) -> dict[str, Any]:
    known = {field.name for field in dataclasses.fields(kind)}
    read = {name: kept[name] for name in kept if name in known}
    for name in names:
        if read[name] is not None:
            read[name] = datetime.datetime.fromisoformat(read[name])
    return read
