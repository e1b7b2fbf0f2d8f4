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

"""What HASS asks of a compute API."""

from collections.abc import Callable, Iterable, Mapping
import datetime
import enum
from typing import Protocol

from hass import clock
from hass.nova import answering
from hass.nova import proofs as proving
from hass.nova import records


DAEMONS = ('nova-conductor', 'nova-scheduler')
"""Without one of each up Nova takes calls and does nothing."""


class Beside(enum.StrEnum):
    """Services that Nova calls while it starts an instance."""

    KEYSTONE = 'Keystone'
    NEUTRON = 'Neutron'
    CINDER = 'Cinder'
    GLANCE = 'Glance'


MARK = 'hass:'
KEPT = 'HASS: '
"""Begins the reason of a service that a recovery left disabled."""


def nothing() -> None:
    """Nobody is told that a call leaves."""


def mark(recovery: str) -> str:
    """The disabled_reason by which HASS knows its own hand again."""
    return f'{MARK}{recovery}'


def disabled_by(service: records.Service) -> str:
    """The recovery that disabled the service, '' when it was an operator."""
    reason = service.disabled_reason or ''
    return reason.removeprefix(MARK) if reason.startswith(MARK) else ''


def kept_for(service: records.Service) -> str:
    """Why a recovery left the service disabled; '' when none did."""
    reason = service.disabled_reason or ''
    if service.status != 'disabled' or not reason.startswith(KEPT):
        return ''
    return reason.removeprefix(KEPT)


def usable_hosts(services: Iterable[records.Service]) -> frozenset[str]:
    """Hosts on which the scheduler may put instances."""
    return frozenset(one.host for one in services if one.usable)


class Compute(Protocol):
    """Reads, and acts that take a deadline and check it right before.

    All raise NovaUnreachable (whether it took effect is unknown),
    NovaFailed (a 5xx or a garbled answer: the same) and NovaRefused (a 4xx:
    it took no effect); acts raise ClaimExpired when nothing was sent.
    """

    def check_versions(self) -> records.Versions:
        """See that Nova offers what HASS needs.

        :raises NovaTooOld: it does not
        """

    def service(self, host: str) -> records.Service | None:
        """The nova-compute of a host, None when Nova knows none."""

    def answers_since(self, seconds: float) -> answering.Answers:
        """How nova-api answered what left in the last so many seconds."""

    def services(self) -> list[records.Service]:
        """All nova-computes, one call."""

    def daemons(self) -> list[records.Daemon]:
        """All nova-conductors and nova-schedulers, one call for each kind."""

    def aggregates(self) -> list[records.Aggregate]:
        """All host aggregates, one call."""

    def check_placement(self) -> None:
        """See that Placement answers; its errors are those of Nova."""

    def check_beside(self, service: Beside) -> None:
        """See that a service answers, if the cloud has it; likewise."""

    def open_providers(self, host: str) -> list[str]:
        """UUIDs of a host's resource providers that take new instances."""

    def inventory(self, host: str) -> dict[str, int]:
        """How much of each resource class Placement has of a host.

        Its devices count: they are providers below that of the host.
        """

    def network_agents(self, host: str) -> list[records.NetworkAgent]:
        """The agents of Neutron on a host; none where there is no Neutron."""

    def places(self, server: records.Server) -> list[str]:
        """Hosts that have room for a server, in Placement's own order."""

    def stop_placements(self, provider: str, deadline: clock.Deadline) -> None:
        """Keep new instances off a provider, until it is allowed again.

        A nova-compute that works undoes it by itself, see placement.py.
        """

    def allow_placements(
        self, provider: str, deadline: clock.Deadline
    ) -> None:
        """Let new instances come again."""

    def force_down(
        self, service: records.Service, recovery: str, deadline: clock.Deadline
    ) -> records.Service:
        """Say that the host is fenced, and disable it: one PUT.

        A service that is already disabled keeps its own reason. What is
        done already is not sent: Nova refuses an update of nothing.

        :param recovery: the recovery's UUID
        :returns: the service afterwards
        """

    def unforce(
        self, service: records.Service, deadline: clock.Deadline
    ) -> records.Service:
        """Take forced_down away, and nothing else.

        :raises NovaRefused: 400 while evacuations of the host are 'done':
            its nova-compute has to start and complete them first
        """

    def disable(
        self, service: records.Service, recovery: str, deadline: clock.Deadline
    ) -> records.Service:
        """Keep new instances off a host that is not fenced.

        A service that is already disabled keeps its own reason. Nova asks
        the nova-compute to take part in it if it believes it up: if that is
        wrong, the call takes effect and lasts for Nova's rpc_response_timeout.

        :returns: the service afterwards
        """

    def enable(
        self, service: records.Service, recovery: str, deadline: clock.Deadline
    ) -> records.Service:
        """Enable the service if its reason is still exactly ours.

        The service is read anew first.

        :returns: the service afterwards; it is still disabled when
            somebody else has a reason for that
        """

    def keep_disabled(
        self,
        service: records.Service,
        recovery: str,
        reason: str,
        deadline: clock.Deadline,
    ) -> records.Service:
        """Leave a service that we disabled to operators, for this reason.

        The service is read anew first; a reason that is not exactly ours is
        left as it is.

        :param reason: no mark of ours: nobody here enables it any more
        """

    def servers_on(self, host: str) -> list[records.Server]:
        """All servers of a host, whosever they are."""

    def servers_changed_since(
        self, moment: datetime.datetime
    ) -> list[records.Server]:
        """All servers that changed, deleted ones too (status DELETED).

        :param moment: on Nova's clock, naive UTC
        """

    def server(self, uuid: str) -> records.Server | None:
        """One server, None when Nova knows none."""

    def migrations(
        self,
        source: str | None = None,
        since: datetime.datetime | None = None,
        kind: str | None = 'evacuation',
        status: str | None = None,
    ) -> list[records.Migration]:
        """The migrations off a host, newest first, in one call as a rule.

        What must_prove() needs of a server is more than the migrations off
        its present host: give no source, or ask migrations_of().

        :param source: None for all hosts
        :param since: leave out those created before, on Nova's clock
        :param kind: evacuation, live-migration, migration, resize or None
        :param status: None for all
        """

    def migrations_of(self, instance: str) -> list[records.Migration]:
        """All migrations of an instance, newest first."""

    def actions_of(
        self, instance: str, since: datetime.datetime | None = None
    ) -> list[records.Action]:
        """What was asked of an instance, newest first.

        :param since: leave out what started before, on Nova's clock
        """

    def evacuate(
        self,
        server: records.Server,
        proofs: Mapping[str, proving.Proof],
        needed: frozenset[str],
        target: str | None,
        deadline: clock.Deadline,
        sending: Callable[[], None] = nothing,
    ) -> None:
        """Ask Nova to rebuild a server on another host.

        Returning says that Nova took the call, no more; the migration
        record tells the rest.

        :param needed: what must_prove() says; Nova's host is needed anyway
        :param target: asked for, and checked by the scheduler
        :param sending: called in the moment before the call can take
            effect, for one call at a time; what it raises holds that back
        :raises ProofMissing: a needed host lacks a fresh proof, or none
            is needed at all; nothing was sent
        """

    def start(self, server: records.Server, deadline: clock.Deadline) -> None:
        """Ask for the guest to be started (409: it is not stopped)."""

    def stop(self, server: records.Server, deadline: clock.Deadline) -> None:
        """Ask for the guest to be stopped (409: it is not running)."""

    def hard_reboot(
        self, server: records.Server, deadline: clock.Deadline
    ) -> None:
        """Ask for the guest to be cut and booted anew on its host.

        Nova takes it of servers that are active, stopped, paused, suspended
        or in error, and leaves them active (409: another state, or another
        task is under way).
        """

    def migrate(
        self,
        server: records.Server,
        target: str | None,
        deadline: clock.Deadline,
    ) -> None:
        """Ask for the guest to be stopped and moved to another host.

        Nova takes it of servers that are active or stopped, on a host whose
        nova-compute is up, and ends in vm_state 'resized'.

        :param target: asked for, and checked by the scheduler
        """

    def confirm_resize(
        self, server: records.Server, deadline: clock.Deadline
    ) -> None:
        """Let go of what a migrated server left behind (409: nothing)."""

    def delete(self, server: records.Server, deadline: clock.Deadline) -> None:
        """Ask for a server to be deleted, as its user has asked before.

        Nova does so by itself, without the nova-compute, while that is
        forced down (compute/api.py, _delete).
        """

    def ports(self, instance: str) -> list[records.Port]:
        """The ports of an instance, as Neutron has them."""

    def reset_state(
        self, server: records.Server, state: str, deadline: clock.Deadline
    ) -> None:
        """Overwrite the vm_state and clear the task_state.

        :param state: 'active' or 'error'
        """
