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

"""The tables. All moments are the database's own: naive UTC, microseconds.

Queries stand beside their concept: clusters.py, hosts.py, recoveries.py …
"""

import datetime
import enum
from typing import Any
import uuid

import sqlalchemy as sa
from sqlalchemy.dialects import mysql
from sqlalchemy import orm

from hass import entitlement
from hass import faults

Moment = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), 'mysql', 'mariadb')
JSON = dict[str, Any]


def new_uuid() -> str:
    return str(uuid.uuid4())


class Mode(enum.StrEnum):
    """How far HASS may go by itself in a cluster."""

    OBSERVE = 'observe'
    """Decide and tell, touch nothing."""
    ASK = 'ask'
    """Hold for an operator before anything is touched."""
    ACT = 'act'
    """Fence and evacuate."""


class Targets(enum.StrEnum):
    """Where instances of a cluster may be evacuated to."""

    CLUSTER = 'cluster'
    ANY = 'any'


class FenceState(enum.StrEnum):
    """Whether the host's fence was seen to work."""

    UNTESTED = 'untested'
    WORKING = 'working'
    BROKEN = 'broken'
    LYING = 'lying'
    """Its BMC read off while the host was heard."""


class HeldKind(enum.StrEnum):
    """Why a recovery is held: the first two expire, see safety.md §6."""

    RESTRAINT = 'restraint'
    CAPACITY = 'capacity'
    DEADLINE = 'deadline'
    SAFETY = 'safety'


class Wish(enum.StrEnum):
    """What an operator asks of a held recovery."""

    RETRY = 'retry'
    """Look again, from confirming on (in mode ask: the consent to act)."""
    RELEASE = 'release'
    """Give back what was touched and dismiss it."""


class EvacuationState(enum.StrEnum):
    """Where one instance's evacuation is."""

    PENDING = 'pending'
    REQUESTED = 'requested'
    DONE = 'done'
    LEFT = 'left'
    """Not evacuated, on purpose: stopped, deleted or moved by its user."""
    HELD = 'held'
    """A human must look; the reason is in ``why``."""


class LossEnd(enum.StrEnum):
    """How a loss ended."""

    RUNS = 'runs'
    """The instance runs again."""
    STOPPED = 'stopped'
    """Its user wants it as it is now."""
    DELETED = 'deleted'
    UNPROTECTED = 'unprotected'


class NotificationState(enum.StrEnum):
    """What became of an allegation."""

    NEW = 'new'
    OPENED = 'opened'
    """It opened, or joined, a recovery."""
    IGNORED = 'ignored'


def _words(words: type[enum.StrEnum]) -> sa.Enum:
    """Kept as the word itself, and read back as the member."""
    return sa.Enum(
        words,
        native_enum=False,
        length=16,
        values_callable=lambda members: [str(member) for member in members],
    )


NAMES = {
    'ix': 'ix_%(table_name)s_%(column_0_N_name)s',
    'uq': 'uq_%(table_name)s_%(column_0_N_name)s',
    'fk': 'fk_%(table_name)s_%(column_0_N_name)s',
    'pk': 'pk_%(table_name)s',
}
"""Constraints that a later migration has to find again have names."""

TABLE = {
    'mysql_engine': 'InnoDB',
    'mysql_charset': 'utf8mb4',
    # Names differ when their case does, as on the other databases.
    'mysql_collate': 'utf8mb4_bin',
}


class Base(orm.DeclarativeBase):
    """Common ground of the typed models."""

    __table_args__: Any = TABLE
    metadata = sa.MetaData(naming_convention=NAMES)
    type_annotation_map = {
        datetime.datetime: Moment,
        JSON: sa.JSON,
        list[str]: sa.JSON,
        list[JSON]: sa.JSON,
        dict[str, str]: sa.JSON,
        str: sa.String(255),
        Mode: _words(Mode),
        Targets: _words(Targets),
        entitlement.Protects: _words(entitlement.Protects),
        FenceState: _words(FenceState),
        HeldKind: _words(HeldKind),
        Wish: _words(Wish),
        EvacuationState: _words(EvacuationState),
        NotificationState: _words(NotificationState),
        LossEnd: _words(LossEnd),
        faults.Layer: _words(faults.Layer),
        faults.Verdict: _words(faults.Verdict),
        faults.Certainty: _words(faults.Certainty),
    }


class Cluster(Base):
    """Hosts that may take over from each other."""

    __tablename__ = 'clusters'

    id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    uuid: orm.Mapped[str] = orm.mapped_column(
        sa.String(36), unique=True, default=new_uuid
    )
    name: orm.Mapped[str] = orm.mapped_column(unique=True)
    mode: orm.Mapped[Mode] = orm.mapped_column(default=Mode.OBSERVE)
    layers: orm.Mapped[list[str]]
    shared_storage: orm.Mapped[bool] = orm.mapped_column(default=False)
    targets: orm.Mapped[Targets] = orm.mapped_column(default=Targets.CLUSTER)
    locks: orm.Mapped[int] = orm.mapped_column(default=0, server_default='0')
    """How often it was locked: see locks.py."""
    protects: orm.Mapped[entitlement.Protects] = orm.mapped_column(
        default=entitlement.Protects.CHOSEN
    )
    isolation: orm.Mapped[list[JSON] | None]
    """What to do with hosts that lost some of their networks: rules, the
    first that fits decides; see diagnosis/isolation.py."""
    maintenance_until: orm.Mapped[datetime.datetime | None]
    """Until then no recovery of its hosts begins."""
    maintenance_why: orm.Mapped[str | None] = orm.mapped_column(sa.Text)
    created_at: orm.Mapped[datetime.datetime]
    updated_at: orm.Mapped[datetime.datetime | None]


class Host(Base):
    """A compute host, as Nova names it, in its one cluster."""

    __tablename__ = 'hosts'

    id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    uuid: orm.Mapped[str] = orm.mapped_column(
        sa.String(36), unique=True, default=new_uuid
    )
    cluster_id: orm.Mapped[int] = orm.mapped_column(
        sa.ForeignKey('clusters.id'), index=True
    )
    name: orm.Mapped[str] = orm.mapped_column(unique=True)
    labels: orm.Mapped[dict[str, str]] = orm.mapped_column(default=dict)
    addresses: orm.Mapped[dict[str, str]] = orm.mapped_column(default=dict)
    """Network name to IP address, as set over the API."""
    learnt_addresses: orm.Mapped[dict[str, str] | None]
    """The same, as the agent last reported it."""

    bmc_address: orm.Mapped[str | None]
    bmc_port: orm.Mapped[int] = orm.mapped_column(default=623)
    bmc_username: orm.Mapped[str | None]
    bmc_password: orm.Mapped[str | None] = orm.mapped_column(sa.Text)
    """Encrypted: see secrets.py."""
    bmc_guid: orm.Mapped[str | None]
    bmc_guid_from: orm.Mapped[str | None]
    """Address and port of the BMC that answered last: what is known of it,
    and what a person vouches for, hold of no other."""
    bmc_mac: orm.Mapped[str | None]
    """MAC address of that BMC, where its GUID tells nothing; empty: it does
    not tell; NULL: it was never asked."""
    power_restore_policy: orm.Mapped[str | None]
    fence_state: orm.Mapped[FenceState] = orm.mapped_column(
        default=FenceState.UNTESTED
    )
    fence_why: orm.Mapped[str] = orm.mapped_column(sa.Text, default='')
    fence_tested_at: orm.Mapped[datetime.datetime | None]
    """When the fence last answered a test."""
    fence_read_seconds: orm.Mapped[float | None]
    """How long that test took."""
    fence_off_seconds: orm.Mapped[float | None]
    """The longest time in which a power off became true."""
    fence_wiring: orm.Mapped[JSON | None]
    """Whether its BMC's address leads to its own BMC, see db/wirings.py."""
    fence_waived_by: orm.Mapped[str | None]
    """Who vouches that the BMC is this host's, where nothing proves it."""
    fence_waived_at: orm.Mapped[datetime.datetime | None]
    fence_waived_why: orm.Mapped[str | None] = orm.mapped_column(sa.Text)

    agent_key: orm.Mapped[str] = orm.mapped_column(sa.Text)
    """Encrypted; what the host's agent signs with."""
    agent_key_previous: orm.Mapped[str | None] = orm.mapped_column(sa.Text)
    """What it used last, as long as it has not used the newer one; NULL: the
    newer one counts alone."""
    agent_key_rotated_at: orm.Mapped[datetime.datetime | None]

    boot_id: orm.Mapped[str | None]
    settled_boot_id: orm.Mapped[str | None]
    """The newest boot whose instances were all accounted for: what ran
    before it was recovered, or is named by a loss."""
    system_uuid: orm.Mapped[str | None]
    """Read in band by the agent; must equal the BMC's GUID."""
    domains: orm.Mapped[list[str] | None]
    """UUIDs of the guests that the agent saw; None: it cannot see."""
    resume_guests: orm.Mapped[bool | None]
    """nova.conf's resume_guests_state_on_host_boot: must be false."""
    reported_at: orm.Mapped[datetime.datetime | None]
    """When the last full report of the agent was written."""
    clock_at: orm.Mapped[datetime.datetime | None]
    """What its own clock said when it sent that report."""
    planned_until: orm.Mapped[datetime.datetime | None]
    """Until then the agent's silence is planned (it said goodbye)."""
    watched_sensors: orm.Mapped[list[str] | None]
    """Names of its BMC's sensors; None: all that have thresholds."""
    availability_zone: orm.Mapped[str | None]
    """As Nova has it."""
    aggregates: orm.Mapped[list[str] | None]
    """Names of Nova's aggregates that it is in."""
    maintenance_until: orm.Mapped[datetime.datetime | None]
    """Until then no recovery of it begins."""
    maintenance_why: orm.Mapped[str | None] = orm.mapped_column(sa.Text)
    degraded: orm.Mapped[list[str] | None]
    """Why less is seen of it than should be: a sentence a detector."""
    baseline: orm.Mapped[JSON | None]
    """What it has while it is well, and has to bring back after a failure:
    see diagnosis/fitness.py; NULL demands nothing."""
    explanation: orm.Mapped[str | None] = orm.mapped_column(sa.Text)
    """Why HASS does, or does not, act on it now; an engine writes it."""
    explained_at: orm.Mapped[datetime.datetime | None]
    powering_until: orm.Mapped[datetime.datetime | None]
    """Until then an operator's power command may be on its way to its BMC."""
    locks: orm.Mapped[int] = orm.mapped_column(default=0, server_default='0')
    """How often it was locked: see locks.py."""
    created_at: orm.Mapped[datetime.datetime]

    cluster: orm.Mapped[Cluster] = orm.relationship(
        lazy='joined', innerjoin=True
    )

    @property
    def networks(self) -> dict[str, str]:
        """Network name to IP address: what operators set goes first."""
        return {**(self.learnt_addresses or {}), **self.addresses}


class Instance(Base):
    """An instance that was chosen to be protected.

    Its cluster is the one that it was last seen in.
    """

    __tablename__ = 'instances'

    id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    uuid: orm.Mapped[str] = orm.mapped_column(sa.String(36), unique=True)
    name: orm.Mapped[str]
    project_id: orm.Mapped[str] = orm.mapped_column(index=True)
    cluster_id: orm.Mapped[int] = orm.mapped_column(
        sa.ForeignKey('clusters.id'), index=True
    )
    created_at: orm.Mapped[datetime.datetime]

    cluster: orm.Mapped[Cluster] = orm.relationship(
        lazy='joined', innerjoin=True
    )


class Service(Base):
    """An engine, and what it hears."""

    __tablename__ = 'services'

    id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    name: orm.Mapped[str] = orm.mapped_column(unique=True)
    started_at: orm.Mapped[datetime.datetime]
    turn_at: orm.Mapped[datetime.datetime]
    """When it last finished a turn of its patrol."""
    clock_at: orm.Mapped[datetime.datetime | None]
    """What its own clock said then."""
    deaf: orm.Mapped[bool] = orm.mapped_column(default=True)
    silent: orm.Mapped[JSON] = orm.mapped_column(default=dict)
    """Hosts not heard for over a beat: name to the moment of the last
    beat (ISO 8601) or null. A host that is not named here was heard."""
    mute: orm.Mapped[list[str] | None]
    """Hosts that should have answered a direct question and did not."""
    estimates: orm.Mapped[JSON | None]
    """Probe times and fault frequencies: diagnosis/estimates.py."""
    detectors: orm.Mapped[JSON | None]
    """Name of each out-of-band detector to its layer ('' when it could not
    be loaded) and why it does not work ('' when it does)."""
    strangers: orm.Mapped[list[JSON] | None]
    """Whose messages it refuses: diagnosis/strangers.py."""
    version: orm.Mapped[str]


class Notification(Base):
    """An alleged fault as it was received."""

    __tablename__ = 'notifications'

    id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    uuid: orm.Mapped[str] = orm.mapped_column(
        sa.String(36), unique=True, default=new_uuid
    )
    source: orm.Mapped[str]
    """agent, monitor, operator."""
    host: orm.Mapped[str] = orm.mapped_column(index=True)
    layer: orm.Mapped[faults.Layer]
    payload: orm.Mapped[JSON] = orm.mapped_column(default=dict)
    generated_at: orm.Mapped[datetime.datetime]
    received_at: orm.Mapped[datetime.datetime] = orm.mapped_column(index=True)
    state: orm.Mapped[NotificationState] = orm.mapped_column(
        default=NotificationState.NEW, index=True
    )
    why: orm.Mapped[str] = orm.mapped_column(sa.Text, default='')
    recovery_id: orm.Mapped[int | None] = orm.mapped_column(
        sa.ForeignKey('recoveries.id')
    )


class Observation(Base):
    """The newest look of one detector at one layer of one host."""

    __tablename__ = 'observations'
    __table_args__ = (
        sa.UniqueConstraint('host', 'layer', 'detector', 'network'),
        TABLE,
    )

    id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    host: orm.Mapped[str] = orm.mapped_column(sa.String(190))
    layer: orm.Mapped[str] = orm.mapped_column(sa.String(16))
    """A layer, or a side path."""
    detector: orm.Mapped[str] = orm.mapped_column(sa.String(64))
    network: orm.Mapped[str] = orm.mapped_column(sa.String(64), default='')
    verdict: orm.Mapped[faults.Verdict]
    seen_at: orm.Mapped[datetime.datetime]
    detail: orm.Mapped[str] = orm.mapped_column(sa.Text, default='')
    seen_by: orm.Mapped[str] = orm.mapped_column(default='')
    certainty: orm.Mapped[faults.Certainty] = orm.mapped_column(
        default=faults.Certainty.READ
    )


class InstanceObservation(Base):
    """The newest look of one detector at one instance, by a host's agent.

    A host that returns may still show what runs elsewhere by then.
    """

    __tablename__ = 'instance_observations'
    __table_args__ = (
        sa.UniqueConstraint('instance_uuid', 'host', 'detector'),
        TABLE,
    )

    id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    instance_uuid: orm.Mapped[str] = orm.mapped_column(sa.String(36))
    detector: orm.Mapped[str] = orm.mapped_column(sa.String(64))
    layer: orm.Mapped[faults.Layer]
    """instance, guest_os or guest_network."""
    host: orm.Mapped[str] = orm.mapped_column(sa.String(190), index=True)
    """Whose agent looked."""
    verdict: orm.Mapped[faults.Verdict]
    seen_at: orm.Mapped[datetime.datetime]
    detail: orm.Mapped[str] = orm.mapped_column(sa.Text, default='')
    healthy_at: orm.Mapped[datetime.datetime | None]
    """When it last was healthy, there or where it came from; None: never."""


class Recovery(Base):
    """One story of one host or instance: see recovery/workflow.py."""

    __tablename__ = 'recoveries'

    id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    uuid: orm.Mapped[str] = orm.mapped_column(
        sa.String(36), unique=True, default=new_uuid
    )
    workflow: orm.Mapped[str] = orm.mapped_column(sa.String(32))
    subject: orm.Mapped[str] = orm.mapped_column(index=True)
    """The host's name, or the instance's uuid."""
    cluster_id: orm.Mapped[int | None] = orm.mapped_column(
        sa.ForeignKey('clusters.id', ondelete='SET NULL'), index=True
    )
    state: orm.Mapped[str] = orm.mapped_column(sa.String(32), index=True)
    state_since: orm.Mapped[datetime.datetime]
    attempt: orm.Mapped[int] = orm.mapped_column(default=0)
    why: orm.Mapped[str] = orm.mapped_column(sa.Text, default='')
    held_kind: orm.Mapped[HeldKind | None]
    until: orm.Mapped[list[JSON] | None]
    """What ends the hold by itself, any of it: see until.py."""
    looked_at: orm.Mapped[datetime.datetime | None]
    """When that was last looked for."""
    wish: orm.Mapped[Wish | None]
    fault: orm.Mapped[JSON] = orm.mapped_column(default=dict)
    was: orm.Mapped[JSON] = orm.mapped_column(default=dict)
    """How things stood before the first touch, to be put back."""

    opened_at: orm.Mapped[datetime.datetime]
    turned_at: orm.Mapped[datetime.datetime]
    """When the last step was recorded."""
    ended_at: orm.Mapped[datetime.datetime | None]
    wake_at: orm.Mapped[datetime.datetime] = orm.mapped_column(index=True)
    deadline_at: orm.Mapped[datetime.datetime | None]
    alarmed_at: orm.Mapped[datetime.datetime | None]
    acknowledged_at: orm.Mapped[datetime.datetime | None]

    locks: orm.Mapped[int] = orm.mapped_column(default=0, server_default='0')
    """How often it was locked: see locks.py."""
    claim: orm.Mapped[int] = orm.mapped_column(default=0)
    claimed_by: orm.Mapped[str | None]
    claimed_until: orm.Mapped[datetime.datetime | None]

    open_key: orm.Mapped[str | None] = orm.mapped_column(unique=True)
    """host:NAME or instance:UUID while it is open, else NULL."""

    cluster: orm.Mapped[Cluster | None] = orm.relationship(lazy='joined')


class RecoveryHistory(Base):
    """One line for each transition, written in its transaction."""

    __tablename__ = 'recovery_history'

    id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    recovery_id: orm.Mapped[int] = orm.mapped_column(
        sa.ForeignKey('recoveries.id', ondelete='CASCADE'), index=True
    )
    at: orm.Mapped[datetime.datetime] = orm.mapped_column(index=True)
    from_state: orm.Mapped[str | None] = orm.mapped_column(sa.String(32))
    to_state: orm.Mapped[str] = orm.mapped_column(sa.String(32))
    engine: orm.Mapped[str]
    why: orm.Mapped[str] = orm.mapped_column(sa.Text)


class Evacuation(Base):
    """One instance on its way off a failed host.

    The row is written before Nova is called, so that an engine that resumes
    the recovery knows that the call may have gone out.
    """

    __tablename__ = 'evacuations'

    id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    uuid: orm.Mapped[str] = orm.mapped_column(
        sa.String(36), unique=True, default=new_uuid
    )
    recovery_id: orm.Mapped[int] = orm.mapped_column(
        sa.ForeignKey('recoveries.id', ondelete='CASCADE'), index=True
    )
    instance_uuid: orm.Mapped[str] = orm.mapped_column(
        sa.String(36), index=True
    )
    instance_name: orm.Mapped[str]
    project_id: orm.Mapped[str] = orm.mapped_column(index=True)
    source: orm.Mapped[str]
    target: orm.Mapped[str | None]
    """The host asked for; None leaves the choice to Nova's scheduler."""
    destination: orm.Mapped[str | None]
    """The host on which Nova put it."""
    state: orm.Mapped[EvacuationState] = orm.mapped_column(
        default=EvacuationState.PENDING
    )
    attempt: orm.Mapped[int] = orm.mapped_column(default=0)
    migration_uuid: orm.Mapped[str | None] = orm.mapped_column(sa.String(36))
    requested_at: orm.Mapped[datetime.datetime | None]
    ended_at: orm.Mapped[datetime.datetime | None]
    was: orm.Mapped[JSON] = orm.mapped_column(default=dict)
    """vm_state, task_state, locked and power_state before the touch."""
    why: orm.Mapped[str] = orm.mapped_column(sa.Text, default='')
    open_key: orm.Mapped[str | None] = orm.mapped_column(
        sa.String(36), unique=True
    )
    """The instance's uuid while the evacuation is open, else NULL."""


class Loss(Base):
    """An instance that should run and does not, as far as anybody knows.

    People are paged until one acknowledges it, or it ends by itself.
    """

    __tablename__ = 'losses'

    id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    uuid: orm.Mapped[str] = orm.mapped_column(
        sa.String(36), unique=True, default=new_uuid
    )
    instance_uuid: orm.Mapped[str] = orm.mapped_column(
        sa.String(36), index=True
    )
    instance_name: orm.Mapped[str]
    project_id: orm.Mapped[str] = orm.mapped_column(index=True)
    host: orm.Mapped[str] = orm.mapped_column(sa.String(190), index=True)
    """Where it ran."""
    recovery_uuid: orm.Mapped[str | None] = orm.mapped_column(
        sa.String(36), index=True
    )
    """The recovery that could not bring it back; NULL: there was none."""
    why: orm.Mapped[str] = orm.mapped_column(sa.Text)
    since: orm.Mapped[datetime.datetime]
    was: orm.Mapped[JSON] = orm.mapped_column(default=dict)
    """What tells that it is back: ``ports`` that have to be ACTIVE, and the
    moment ``off_at``, before which nothing counts that the host's agent
    saw. And whether it was ``unprotected`` when HASS cut it off."""
    page_at: orm.Mapped[datetime.datetime]
    """Not paged before: it may be on its way back."""
    look_at: orm.Mapped[datetime.datetime] = orm.mapped_column(index=True)
    """When it is to be looked at again; moved ahead by who looks."""
    looks: orm.Mapped[int] = orm.mapped_column(default=0)
    alarmed_at: orm.Mapped[datetime.datetime | None]
    acknowledged_at: orm.Mapped[datetime.datetime | None]
    ended_at: orm.Mapped[datetime.datetime | None]
    ended_how: orm.Mapped[LossEnd | None]
    ended_why: orm.Mapped[str] = orm.mapped_column(sa.Text, default='')
    open_key: orm.Mapped[str | None] = orm.mapped_column(
        sa.String(36), unique=True
    )
    """The instance's uuid while the loss is open, else NULL."""


class Outgoing(Base):
    """Something that is to be told to the outer world: see outbox.py."""

    __tablename__ = 'outbox'
    __table_args__ = (
        sa.Index('ix_outbox_channel_due_at', 'channel', 'due_at'),
        TABLE,
    )

    id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    uuid: orm.Mapped[str] = orm.mapped_column(sa.String(36))
    channel: orm.Mapped[str | None] = orm.mapped_column(sa.String(64))
    """Whom to tell; NULL: that is not decided yet."""
    event: orm.Mapped[str] = orm.mapped_column(sa.String(64))
    body: orm.Mapped[JSON]
    created_at: orm.Mapped[datetime.datetime]
    due_at: orm.Mapped[datetime.datetime]
    """Not earlier; moved ahead by who takes it."""
    attempts: orm.Mapped[int] = orm.mapped_column(default=0)
    why: orm.Mapped[str] = orm.mapped_column(sa.Text, default='')
    """Why it was not delivered yet."""
