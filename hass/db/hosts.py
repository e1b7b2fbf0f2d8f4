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

"""Hosts, and what their agents and BMCs said of them."""

from collections.abc import Callable, Collection, Iterator, Mapping
import contextlib
import dataclasses
import datetime
import functools
from typing import Any, TypedDict, Unpack

from oslo_db import exception as oslo_exception
import sqlalchemy as sa
from sqlalchemy import orm

from hass.bmc import identity
from hass.db import locks
from hass.db import models
from hass.db import moments
from hass.db import pages
from hass.db import session as db_session
from hass import exception
from hass import faults

Host = models.Host
COLUMNS: pages.Columns = {
    'created_at': Host.created_at,
    'name': Host.name,
}


BMC = frozenset({'bmc_address', 'bmc_port', 'bmc_username', 'bmc_password'})
"""Columns that say which BMC fences a host, and how to log in there."""
NEVER_TRIED = 'its fence was never tried with success'
TRIED_LONG_AGO = (
    'its fence was not tried with success for more than [fencing] test_seconds'
)
UNTRIED = (NEVER_TRIED, TRIED_LONG_AGO)
"""Such a reason ends when anybody, an operator too, tries the fence."""
LONGEST_POWERING_SECONDS = 20.0
"""No operator's power command takes longer to be sent."""


class Changes(TypedDict, total=False):
    """What may be changed of a host over the API."""

    labels: Mapping[str, str]
    addresses: Mapping[str, str]
    watched_sensors: list[str] | None
    bmc_address: str | None
    bmc_port: int
    bmc_username: str | None
    bmc_password: str | None


def add(
    session: orm.Session,
    cluster: models.Cluster,
    name: str,
    *,
    agent_key: str,
    **fields: Unpack[Changes],
) -> Host:
    """A host joins its one cluster.

    :param agent_key: encrypted, as ``bmc_password`` is
    :raises hass.exception.Conflict: it is in a cluster already, or its BMC
        is another host's
    """
    _refuse_shared_bmc(
        session, name, fields.get('bmc_address'), fields.get('bmc_port', 623)
    )
    host = Host(
        cluster_id=cluster.id,
        name=name,
        agent_key=agent_key,
        created_at=moments.read_now(session),
        **fields,
    )
    session.add(host)
    try:
        session.flush()
    except oslo_exception.DBDuplicateEntry:
        raise exception.Conflict(
            f'name: host {name} is in a cluster already'
        ) from None
    return host


def get(session: orm.Session, host: str) -> Host:
    """The host with this uuid or name.

    :raises hass.exception.NotFound: there is none
    """
    query = _with_uuid() if pages.is_uuid(host) else _named()
    found = session.scalars(query, {'host': host}).one_or_none()
    if found is None:
        raise exception.NotFound('host', host)
    return found


@functools.cache
def _with_uuid() -> sa.Select[Host]:
    return sa.select(Host).where(Host.uuid == sa.bindparam('host'))


@functools.cache
def _named() -> sa.Select[Host]:
    return sa.select(Host).where(Host.name == sa.bindparam('host'))


def lock(session: orm.Session, host: str) -> Host:
    """The same, as it is now and fixed until COMMIT.

    :raises hass.exception.NotFound: there is none
    """
    row = get(session, host)
    locks.hold(session, Host, Host.id == row.id)
    session.refresh(row)
    return row


def all(
    session: orm.Session,
    *,
    cluster_id: int | None = None,
    **page: Unpack[pages.Page],
) -> list[Host]:
    """Hosts, oldest first, a page at a time."""
    query = sa.select(Host)
    if cluster_id is not None:
        query = query.where(Host.cluster_id == cluster_id)
    return pages.page(session, Host, query, COLUMNS, page)


def of_cluster(session: orm.Session, cluster_id: int) -> list[Host]:
    """Every host of a cluster."""
    return all(session, cluster_id=cluster_id)


def by_names(session: orm.Session, names: Collection[str]) -> dict[str, Host]:
    """Those of the named hosts that there are."""
    query = sa.select(Host).where(Host.name.in_(names))
    return {host.name: host for host in session.scalars(query)}


def reported_at(session: orm.Session, name: str) -> datetime.datetime | None:
    """When the newest report of a host was sent; None: there is none."""
    return session.scalar(_reported_at(), {'host': name})


@functools.cache
def _reported_at() -> sa.Select[datetime.datetime | None]:
    return sa.select(Host.reported_at).where(Host.name == sa.bindparam('host'))


@dataclasses.dataclass(frozen=True, slots=True)
class Whereabouts:
    """What a host has in common with others.

    :ivar cluster: the name of its cluster
    :ivar zone: its availability zone, as far as it is known
    """

    name: str
    cluster_id: int
    cluster: str
    labels: dict[str, str]
    aggregates: list[str] | None
    zone: str | None


def whereabouts(session: orm.Session) -> list[Whereabouts]:
    """The whereabouts of every host of every cluster."""
    query = sa.select(
        Host.name,
        Host.cluster_id,
        models.Cluster.name,
        Host.labels,
        Host.aggregates,
        Host.availability_zone,
    ).join(models.Cluster, models.Cluster.id == Host.cluster_id)
    return [Whereabouts(*row) for row in session.execute(query)]


def set_domains(
    session: orm.Session,
    found: Mapping[str, tuple[str | None, list[str]]],
) -> None:
    """The zone and the aggregates of hosts, as Nova has them."""
    for row in whereabouts(session):
        zone, aggregates = found.get(row.name, (row.zone, row.aggregates))
        if (zone, aggregates) != (row.zone, row.aggregates):
            _set(
                session,
                row.name,
                availability_zone=zone,
                aggregates=aggregates,
            )


def with_domain(session: orm.Session, instance: str) -> list[str]:
    """Names of the hosts whose agents see a domain of the instance."""
    query = sa.select(Host.name, Host.domains).order_by(Host.name)
    return [
        name
        for name, domains in session.execute(query)
        if domains and instance in domains
    ]


def update(
    session: orm.Session, host: str, **changes: Unpack[Changes]
) -> Host:
    """Change the host with this uuid or name.

    :raises hass.exception.NotFound: there is none
    :raises hass.exception.Conflict: the BMC is another host's
    """
    row = get(session, host)
    before = row.bmc_address, row.bmc_port
    if changes.keys() & {'bmc_address', 'bmc_port'}:
        _refuse_shared_bmc(
            session,
            row.name,
            changes.get('bmc_address', row.bmc_address),
            changes.get('bmc_port', row.bmc_port),
        )
    with _forgetting_pings(session, row):
        for field, value in changes.items():
            setattr(row, field, value)
    if changes.keys() & BMC:
        row.fence_state = models.FenceState.UNTESTED
        row.fence_why = 'not tried since its BMC was changed'
        row.fence_tested_at = None
    if before != (row.bmc_address, row.bmc_port):
        _forget_bmc(row)
    session.flush()
    return row


def place_of(address: str | None, port: int) -> str | None:
    """Where a BMC is, as one text for each place; None: there is none."""
    return identity.place(address, port) if address else None


def _refuse_shared_bmc(
    session: orm.Session, name: str, address: str | None, port: int
) -> None:
    """One BMC fences one host: it could not tell which of two is off.

    :raises hass.exception.Conflict: another host's row has it
    """
    place = place_of(address, port)
    if place is None:
        return
    query = sa.select(Host.name, Host.bmc_address, Host.bmc_port).where(
        Host.bmc_address.is_not(None), Host.bmc_port == port, Host.name != name
    )
    for other, known_address, known_port in session.execute(query):
        if place_of(known_address, known_port) == place:
            raise exception.Conflict(
                f'bmc.address: {place} is the BMC of host {other}'
            )


def is_another_bmc(
    row: Host, place: str | None, mac: str | None = None
) -> bool:
    """Whether what is known of the host's BMC was told by another one.

    [bmc] credentials_file may name another than before, and another may have
    taken its address.

    :param place: address and port of the BMC that it has now
    :param mac: what that says is its MAC address; None: it was not read
    """
    moved = row.bmc_guid_from not in {None, place}
    return moved or identity.is_another(row.bmc_mac, mac)


def _forget_bmc(row: Host) -> None:
    """What one BMC said of itself, and a person of it, holds of no other."""
    row.bmc_guid = row.bmc_guid_from = row.bmc_mac = None
    row.power_restore_policy = None
    row.fence_read_seconds = row.fence_off_seconds = None
    row.fence_waived_by = row.fence_waived_at = row.fence_waived_why = None
    row.fence_wiring = None
    row.fence_tested_at = None


def remove(session: orm.Session, host: str) -> None:
    """The host leaves its cluster, with what was observed of it.

    :raises hass.exception.NotFound: there is none
    :raises hass.exception.Conflict: a recovery of it, or of an instance on
        it, is open
    """
    row = get(session, host)
    query = sa.select(models.Recovery).where(
        models.Recovery.open_key.is_not(None)
    )
    for recovery in session.scalars(query):
        of_instance = {
            (recovery.fault or {}).get('host'),
            (recovery.was or {}).get('host'),
        }
        if row.name == recovery.subject:
            raise exception.Conflict(
                f'host {row.name} has an open recovery: {recovery.uuid}'
            )
        if row.name in of_instance:
            raise exception.Conflict(
                f'instance {recovery.subject} on host {row.name} has an open '
                f'recovery: {recovery.uuid}'
            )
    for seen in (models.Observation, models.InstanceObservation):
        session.execute(sa.delete(seen).where(seen.host == row.name))
    session.delete(row)
    session.flush()


def record_report(
    session: orm.Session,
    name: str,
    *,
    boot_id: str,
    addresses: Mapping[str, str],
    domains: list[str] | None,
    system_uuid: str | None,
    resume_guests: bool | None,
    clock_at: datetime.datetime | None,
    age: float = 0.0,
) -> tuple[Host, datetime.datetime]:
    """What the agent of the host reported: its silence is planned no longer.

    :param clock_at: what its own clock said, naive UTC; None: nonsense
    :param age: seconds that the report was under way
    :returns: its row, and when the report was sent

    :raises hass.exception.NotFound: there is no such host
    """
    found = session.execute(_named_at(), {'host': name}).one_or_none()
    if found is None:
        raise exception.NotFound('host', name)
    row, now = found
    row.boot_id = boot_id
    with _forgetting_pings(session, row):
        row.learnt_addresses = dict(addresses)
    row.domains = domains
    # That it cannot be read now makes the host no other system.
    row.system_uuid = system_uuid or row.system_uuid
    row.resume_guests = resume_guests
    sent_at = now - datetime.timedelta(seconds=age)
    row.reported_at = sent_at
    row.clock_at = clock_at
    row.planned_until = None
    session.flush()
    return row, sent_at


@functools.cache
def _named_at() -> sa.Select[Host, datetime.datetime]:
    """With the present moment: hosts report all the time."""
    query = sa.select(Host, moments.db_now())
    return query.where(Host.name == sa.bindparam('host'))


@contextlib.contextmanager
def _forgetting_pings(session: orm.Session, row: Host) -> Iterator[None]:
    """That an old address answers says nothing of the new one."""
    before = row.networks
    yield
    after = row.networks
    changed = {name for name in before if before[name] != after.get(name)}
    if changed:
        session.execute(
            sa.delete(models.Observation).where(
                models.Observation.host == row.name,
                models.Observation.layer == faults.Layer.NETWORK,
                models.Observation.network.in_(changed),
            )
        )


def begin_powering(session: orm.Session, row: Host, seconds: float) -> None:
    """An operator's power command is sent within so many seconds."""
    row.powering_until = moments.read_now(session) + datetime.timedelta(
        seconds=seconds
    )
    session.flush()


def end_powering(session: orm.Session, name: str) -> None:
    """It was sent, or was not; a host that was removed has no row."""
    session.execute(
        sa.update(Host)
        .where(Host.name == name)
        .values(powering_until=None)
        .execution_options(synchronize_session=False)
    )


def is_powering(row: Host, now: datetime.datetime) -> bool:
    """Whether an operator's power command may be on its way.

    None is for so long: its engine died before the clock was set back.
    """
    if row.powering_until is None:
        return False
    seconds = (row.powering_until - now).total_seconds()
    return 0 < seconds < LONGEST_POWERING_SECONDS + moments.SKEW_SECONDS


def settle_boot(
    session: orm.Session, name: str, boot_id: str, before: str | None = None
) -> bool:
    """What ran before this boot of the host is accounted for.

    :param before: False is returned when another engine was quicker than
        whoever found this settled; None: it is written in any case
    """
    query = sa.update(Host).where(Host.name == name)
    if before is not None:
        query = query.where(Host.settled_boot_id == before)
    done = session.execute(
        query.values(settled_boot_id=boot_id).execution_options(
            synchronize_session='fetch'
        )
    )
    return db_session.changed(done) == 1


def plan_stop(session: orm.Session, name: str, seconds: float) -> None:
    """The agent said goodbye: its silence is planned for so long."""
    _set(session, name, planned_until=moments.db_now(seconds))


def set_fence(
    session: orm.Session,
    name: str,
    state: models.FenceState,
    why: str,
    guid: str | None,
    policy: str | None,
    *,
    place: str | None = None,
    mac: str | None = None,
    seconds: float | None = None,
) -> None:
    """What the last test of the host's fence showed.

    A test without an answer forgets nothing of what is known of the BMC,
    unless that was another one.

    :param guid, policy: None: it did not tell
    :param place: address and port of the BMC that was asked
    :param mac: what it says is its MAC address; None: it was not asked, for
        want of an answer, or for its GUID told enough
    :param seconds: how long the answer took; None: there was none
    """
    row = get(session, name)
    named_anew = row.bmc_mac is not None and mac is None and guid is not None
    if named_anew or is_another_bmc(row, place, mac):
        _forget_bmc(row)
        session.flush()
    values: dict[str, Any] = {'fence_state': state, 'fence_why': why}
    if guid is not None:
        values['bmc_guid'] = guid
    if mac is not None:
        values['bmc_mac'] = mac
    if policy is not None:
        values['power_restore_policy'] = policy
    if seconds is not None:
        values |= {
            'fence_tested_at': moments.db_now(),
            'fence_read_seconds': seconds,
            'bmc_guid_from': place,
            'degraded': [
                one
                for one in row.degraded or ()
                if not one.startswith(UNTRIED)
            ],
        }
    _set(session, name, **values)


def distrust_bmc(session: orm.Session, name: str, why: str) -> None:
    """What the host's BMC reads is not believed until a test shows it."""
    _set(session, name, fence_state=models.FenceState.LYING, fence_why=why)


def set_degraded(session: orm.Session, name: str, why: list[str]) -> None:
    """Why less is seen of the host than should be."""
    _set(session, name, degraded=why)


def set_baseline(
    session: orm.Session, name: str, baseline: Mapping[str, Any]
) -> None:
    """What the host has to bring back when it returns."""
    _set(session, name, baseline=dict(baseline))


def explain(session: orm.Session, name: str, explanation: str) -> None:
    """Why HASS does, or does not, act on the host now."""
    _set(session, name, explanation=explanation, explained_at=moments.db_now())


def still_explained(session: orm.Session, names: Collection[str]) -> None:
    """What was written of these hosts holds still."""
    session.execute(
        sa.update(Host)
        .where(Host.name.in_(names), Host.explanation.is_not(None))
        .values(explained_at=moments.db_now())
        .execution_options(synchronize_session=False)
    )


def rotate_key(
    session: orm.Session, name: str, agent_key: str
) -> datetime.datetime | None:
    """Give the agent a new key (encrypted).

    The key that it used last counts until it has used the new one, however
    many are issued meanwhile.

    :returns: when the key was issued that is void now and was never used;
        None: there is none
    :raises hass.exception.NotFound: there is no such host
    """
    row = lock(session, name)
    if row.agent_key == agent_key:
        # The answer to the first COMMIT was lost.
        return None
    void = row.agent_key_rotated_at if row.agent_key_previous else None
    if row.agent_key_previous is None:
        row.agent_key_previous = row.agent_key
    row.agent_key = agent_key
    row.agent_key_rotated_at = moments.read_now(session)
    session.flush()
    return void


def end_overlaps(session: orm.Session, used: Mapping[str, str]) -> None:
    """Agents have used their newest keys (encrypted): no older one counts.

    When a used key was replaced since, it is the one that was used last. It
    counts until the agent uses the newer one.

    :param used: name of each host to its key
    """
    table = sa.inspect(Host).local_table
    assert isinstance(table, sa.Table)
    key = sa.bindparam('used', type_=sa.Text())
    former = table.c.agent_key_previous
    statement = (
        sa.update(table)
        .where(
            table.c.name == sa.bindparam('host'),
            former.is_not(None),
            former != key,
        )
        .values(
            agent_key_previous=sa.case(
                (table.c.agent_key == key, sa.null()), else_=key
            )
        )
    )
    session.connection().execute(
        statement,
        # In one order for all engines: they lock the same rows.
        [{'host': host, 'used': used[host]} for host in sorted(used)],
    )


def agent_keys(session: orm.Session) -> dict[str, list[str]]:
    """The keys (encrypted) that each host may sign with now.

    The newest is first. The key that was used last follows it until the
    newest is used.
    """
    query = sa.select(Host.name, Host.agent_key, Host.agent_key_previous)
    return {
        name: [key for key in (newest, old) if key is not None]
        for name, newest, old in session.execute(query)
    }


def reencrypt(session: orm.Session, renew: Callable[[str, str], str]) -> int:
    """Renew every secret; returns of how many hosts.

    :param renew: called with the secret and what it is
    """
    found = list(session.scalars(sa.select(Host).with_for_update(of=Host)))
    for host in found:
        host.agent_key = renew(host.agent_key, f'agent key of {host.name}')
        if host.agent_key_previous is not None:
            host.agent_key_previous = renew(
                host.agent_key_previous, f'previous agent key of {host.name}'
            )
        if host.bmc_password is not None:
            host.bmc_password = renew(
                host.bmc_password, f'BMC password of {host.name}'
            )
    session.flush()
    return len(found)


def _set(session: orm.Session, name: str, **values: Any) -> None:
    changed = session.execute(
        sa.update(Host)
        .where(Host.name == name)
        .values(values)
        .execution_options(synchronize_session='fetch')
    )
    if db_session.changed(changed) == 0:
        raise exception.NotFound('host', name)
