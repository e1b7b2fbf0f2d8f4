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

"""Judges a ledger: did an instance ever run twice, or get lost?"""

from collections.abc import Collection
from collections.abc import Iterable
import dataclasses

from hass_oracle import ledger
from hass_oracle.ledger import Event
from hass_oracle.ledger import Kind


@dataclasses.dataclass(frozen=True, slots=True)
class Breach:
    """One thing that must never happen, and when it did."""

    instance: str
    host: str
    at: float
    why: str


@dataclasses.dataclass(slots=True)
class Injection:
    """A fault that was injected, and what followed on that host.

    The ``*_s`` are seconds since the injection, None for "never".
    ``all_started_s`` is the last first start of an instance evacuated
    from the host.
    """

    host: str
    kind: str
    at: float
    off_s: float | None = None
    first_evacuate_s: float | None = None
    evacuations: int = 0
    all_started_s: float | None = None
    on_s: float | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Result:
    """What the ledger proves.

    ``instances`` counts the starts of each, ``running`` names the hosts
    that run it at the end, ``lost`` are the expected ones that run
    nowhere, ``runs_deleted`` those that run although their user has
    deleted them, ``not_on`` the expected hosts that are not on.
    """

    instances: dict[str, int]
    running: dict[str, list[str]]
    evacuations: dict[str, int]
    started_twice: list[Breach]
    evacuated_unfenced: list[Breach]
    impossible: list[Breach]
    runs_deleted: list[Breach]
    lost: list[str]
    not_on: list[str]
    hosts: dict[str, bool]
    faults: list[Injection]
    ok: bool


def check(
    events: Iterable[Event],
    expect: Collection[str] | None = None,
    expect_on: Collection[str] = (),
) -> Result:
    """Judge events that are sorted by time.

    :param expect: instances that must run exactly once at the end;
        None: every one that a host's power off took down and that
        nobody stopped on purpose
    :param expect_on: hosts that must be on at the end
    """
    told = _Story()
    for event in _accepted(events):
        told.tell(event)
    expected = told.taken_down if expect is None else set(expect)
    lost = sorted(
        name
        for name in expected - set(told.deleted)
        if not told.running.get(name)
    )
    not_on = sorted(host for host in expect_on if not told.on.get(host))
    orphans = [
        Breach(name, host, at, 'its user has deleted it')
        for name, at in told.deleted.items()
        for host in sorted(told.running.get(name, ()))
    ]
    breaches = told.started_twice + told.unfenced + told.impossible + orphans
    return Result(
        instances=told.starts,
        running={name: sorted(hosts) for name, hosts in told.running.items()},
        evacuations=told.evacuations,
        started_twice=told.started_twice,
        evacuated_unfenced=told.unfenced,
        impossible=told.impossible,
        runs_deleted=orphans,
        lost=lost,
        not_on=not_on,
        hosts=told.on,
        faults=told.faults,
        ok=not (breaches or lost or not_on),
    )


def _accepted(events: Iterable[Event]) -> list[Event]:
    """Leave out the evacuate calls that Nova refused."""
    kept: list[Event] = []
    for event in events:
        if event.event is Kind.EVACUATE and event.detail.startswith(
            ledger.REFUSED
        ):
            _take_back(kept, event)
        else:
            kept.append(event)
    return kept


def _take_back(kept: list[Event], refusal: Event) -> None:
    """Drop the newest call of that instance, by its id if it has one."""
    words = refusal.detail.split()
    call = words[-1] if len(words) > 2 else ''
    for index in range(len(kept) - 1, -1, -1):
        event = kept[index]
        if event.event is Kind.EVACUATE and (
            event.instance == refusal.instance and call in event.detail
        ):
            del kept[index]
            return


class _Story:
    """The state of the little world while the ledger is read."""

    def __init__(self) -> None:
        self.on: dict[str, bool] = {}
        self.running: dict[str, set[str]] = {}
        self.starts: dict[str, int] = {}
        self.evacuations: dict[str, int] = {}
        self.taken_down: set[str] = set()
        self.deleted: dict[str, float] = {}
        self.started_twice: list[Breach] = []
        self.unfenced: list[Breach] = []
        self.impossible: list[Breach] = []
        self.faults: list[Injection] = []
        self._last_host: dict[str, str] = {}
        # The injection whose evacuation each instance waits for.
        self._awaited: dict[str, Injection] = {}

    def tell(self, event: Event) -> None:
        match event.event:
            case Kind.ON:
                self._on(event)
            case Kind.OFF:
                self._off(event)
            case Kind.START:
                self._start(event, event.instance or '')
            case Kind.STOP:
                self._stop(event, event.instance or '')
            case Kind.EVACUATE:
                self._evacuate(event, event.instance or '')
            case Kind.DELETE:
                self.deleted[event.instance or ''] = event.at
            case Kind.FAULT:
                self.faults.append(
                    Injection(event.host, event.detail, event.at)
                )

    def _on(self, event: Event) -> None:
        self._end_guests(event.host)
        self.on[event.host] = True
        fault = self._fault(event.host)
        if fault and fault.off_s is not None and fault.on_s is None:
            fault.on_s = event.at - fault.at

    def _off(self, event: Event) -> None:
        self._end_guests(event.host)
        self.on[event.host] = False
        fault = self._fault(event.host)
        if fault and fault.off_s is None:
            fault.off_s = event.at - fault.at

    def _end_guests(self, host: str) -> None:
        for name, hosts in self.running.items():
            if host in hosts:
                hosts.discard(host)
                self.taken_down.add(name)

    def _start(self, event: Event, name: str) -> None:
        hosts = self.running.setdefault(name, set())
        if hosts:
            also = ', '.join(sorted(hosts))
            self.started_twice.append(
                Breach(name, event.host, event.at, f'also runs on {also}')
            )
        if self.on.get(event.host) is False:
            self.impossible.append(
                Breach(name, event.host, event.at, 'the host is off')
            )
        hosts.add(event.host)
        self._last_host[name] = event.host
        self.starts[name] = self.starts.get(name, 0) + 1
        if fault := self._awaited.pop(name, None):
            fault.all_started_s = event.at - fault.at

    def _stop(self, event: Event, name: str) -> None:
        self.running.setdefault(name, set()).discard(event.host)
        if not self.running[name]:
            self.taken_down.discard(name)

    def _evacuate(self, event: Event, name: str) -> None:
        # A writer that knows no source leaves it empty: then it is the
        # host that ran the instance last.
        source = event.host or self._last_host.get(name, '')
        self.evacuations[name] = self.evacuations.get(name, 0) + 1
        if self.on.get(source) is not False:
            self.unfenced.append(
                Breach(name, source, event.at, 'the source is not off')
            )
        # A proof is needed wherever the guest may run, and an earlier
        # destination is such a place.
        for host in sorted(self.running.get(name, set()) - {source}):
            self.unfenced.append(
                Breach(name, host, event.at, 'the instance runs there')
            )
        if fault := self._fault(source):
            fault.evacuations += 1
            if fault.first_evacuate_s is None:
                fault.first_evacuate_s = event.at - fault.at
            self._awaited[name] = fault

    def _fault(self, host: str) -> Injection | None:
        """The newest fault of that host."""
        for fault in reversed(self.faults):
            if fault.host == host:
                return fault
        return None
