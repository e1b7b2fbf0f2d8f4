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

"""The newest look of each detector at each instance."""

from collections.abc import Collection
from collections.abc import Iterable
import dataclasses
import datetime

from oslo_db import exception as oslo_exception
import sqlalchemy as sa
from sqlalchemy import orm

from hass.db import models
from hass.db import moments
from hass.db import session as db_session
from hass import faults

Row = models.InstanceObservation


@dataclasses.dataclass(frozen=True, slots=True)
class Seen:
    """What an agent saw of an instance of its host.

    :ivar seen_at: database time
    """

    instance: str
    detector: str
    layer: faults.Layer
    verdict: faults.Verdict
    seen_at: datetime.datetime
    detail: str = ''


def put(session: orm.Session, host: str, seen: Iterable[Seen]) -> None:
    """Keep what a host's agent saw; an older look replaces no newer one.

    But for one of before the database's clock was set back.
    """
    for one in seen:
        if not _replaced(session, host, one):
            _insert(session, host, one)


def of_instance(session: orm.Session, uuid: str, host: str) -> list[Row]:
    """What a host's agent last saw of an instance, lowest layer first.

    Not what it saw before the database's clock was set back: how old that
    is, nobody knows.

    :param host: where Nova says that it is; '': nowhere
    """
    found = session.scalars(
        sa.select(Row).where(
            Row.instance_uuid == uuid,
            Row.host == host,
            Row.seen_at <= moments.db_now(moments.SKEW_SECONDS),
        )
    )
    order = list(faults.Layer)
    return sorted(
        found, key=lambda row: (order.index(row.layer), row.detector)
    )


def counts(
    session: orm.Session, host: str
) -> dict[faults.Layer, dict[faults.Verdict, int]]:
    """How many looks of a host's agent, by layer, came to which verdict."""
    query = (
        sa.select(Row.layer, Row.verdict, sa.func.count())
        .where(Row.host == host)
        .group_by(Row.layer, Row.verdict)
    )
    found: dict[faults.Layer, dict[faults.Verdict, int]] = {}
    for layer, verdict, number in session.execute(query):
        found.setdefault(layer, {})[verdict] = number
    return found


def is_seen(session: orm.Session, uuid: str) -> bool:
    """Whether any host's agent saw anything of an instance."""
    query = sa.select(Row.id).where(Row.instance_uuid == uuid).limit(1)
    return session.scalar(query) is not None


def is_seen_after(
    session: orm.Session, uuid: str, host: str, moment: datetime.datetime
) -> bool:
    """Whether a host's agent saw an instance itself run, or not, later."""
    query = sa.select(Row.id).where(
        Row.instance_uuid == uuid,
        Row.host == host,
        Row.layer == faults.Layer.INSTANCE,
        Row.seen_at > moment,
    )
    return session.scalar(query.limit(1)) is not None


def runs_on(
    session: orm.Session,
    among: Collection[str],
    fresh_seconds: float,
) -> dict[str, dict[str, datetime.datetime]]:
    """Hosts whose agents last saw an instance run, by instance.

    And list it in a report that is at most so old: when that came.
    """
    host = models.Host
    query = (
        sa.select(Row.instance_uuid, host.name, host.domains, host.reported_at)
        .join(host, host.name == Row.host)
        .where(
            Row.instance_uuid.in_(among),
            Row.layer == faults.Layer.INSTANCE,
            Row.verdict == faults.Verdict.HEALTHY,
            host.reported_at > moments.db_now(-fresh_seconds),
        )
        .order_by(host.name)
    )
    found: dict[str, dict[str, datetime.datetime]] = {}
    for uuid, name, domains, at in session.execute(query):
        if at and uuid in (domains or ()):
            found.setdefault(uuid, {})[name] = at
    return found


def uuids(session: orm.Session) -> set[str]:
    """Instances of which anything was seen."""
    return set(session.scalars(sa.select(Row.instance_uuid).distinct()))


def by_host(session: orm.Session) -> dict[str, set[str]]:
    """Host to the instances that its agent has looked at itself."""
    query = sa.select(Row.host, Row.instance_uuid).where(
        Row.layer == faults.Layer.INSTANCE
    )
    found: dict[str, set[str]] = {}
    for host, uuid in session.execute(query):
        found.setdefault(host, set()).add(uuid)
    return found


def forget(session: orm.Session, uuid: str) -> None:
    """An instance that is no more."""
    session.execute(sa.delete(Row).where(Row.instance_uuid == uuid))


def forget_absent(session: orm.Session) -> None:
    """What hosts saw of instances that other hosts have now."""
    here = {
        name: {one.lower() for one in domains}
        for name, domains in session.execute(
            sa.select(models.Host.name, models.Host.domains)
        )
        if domains is not None
    }
    seen: dict[str, set[str]] = {}
    for host, uuid in session.execute(
        sa.select(Row.host, Row.instance_uuid).distinct()
    ):
        seen.setdefault(uuid, set()).add(host)
    for uuid, names in seen.items():
        gone = {one for one in names if uuid not in here.get(one, {uuid})}
        if gone < names:
            for host in gone:
                session.execute(
                    sa.delete(Row).where(
                        Row.host == host, Row.instance_uuid == uuid
                    )
                )


def _values(one: Seen) -> dict[str, object]:
    values: dict[str, object] = {
        'layer': one.layer,
        'verdict': one.verdict,
        'seen_at': one.seen_at,
        'detail': one.detail,
    }
    if one.verdict is faults.Verdict.HEALTHY:
        values['healthy_at'] = one.seen_at
    return values


def _replaced(session: orm.Session, host: str, one: Seen) -> bool:
    done = session.execute(
        sa.update(Row)
        .where(
            Row.instance_uuid == one.instance,
            Row.host == host,
            Row.detector == one.detector,
            sa.or_(
                Row.seen_at <= one.seen_at,
                Row.seen_at > moments.db_now(moments.SKEW_SECONDS),
            ),
        )
        .values(_values(one))
        .execution_options(synchronize_session=False)
    )
    return db_session.changed(done) == 1


def _insert(session: orm.Session, host: str, one: Seen) -> None:
    # What it could on its last host is expected of it on this one.
    healthy_at = session.scalar(
        sa.select(sa.func.max(Row.healthy_at)).where(
            Row.instance_uuid == one.instance, Row.detector == one.detector
        )
    )
    row = {
        'instance_uuid': one.instance,
        'host': host,
        'detector': one.detector,
        'healthy_at': healthy_at,
        **_values(one),
    }
    try:
        with session.begin_nested():
            session.execute(sa.insert(Row).values(row))
    except oslo_exception.DBDuplicateEntry:
        # There is one: newer, or put by another engine at this moment.
        _replaced(session, host, one)
