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

"""How it went: counted by the oracle from the ledger, not by HASS."""

from collections.abc import Collection
import dataclasses
import pathlib
from typing import Any

from hass.simulation.demo import news as news_
from hass_oracle import checker
from hass_oracle import ledger


@dataclasses.dataclass(frozen=True, slots=True)
class HostScore:
    """Seconds since the fault was injected; None: it never came to that.

    What happened to guests and calls is the ledger's word, what HASS
    thought and when is that of its history.
    """

    name: str
    fault: str
    decided_s: float | None
    fenced_s: float | None
    first_evacuate_s: float | None
    all_active_s: float | None
    returned_s: float | None


@dataclasses.dataclass(frozen=True, slots=True)
class InstanceScore:
    """How many instances; each should be recovered, and run once."""

    protected: int
    recovered: int
    lost: int
    started_twice: int


@dataclasses.dataclass(frozen=True, slots=True)
class Score:
    """:ivar breaches: what the oracle objects to"""

    hosts: list[HostScore]
    instances: InstanceScore
    breaches: list[str]

    @property
    def passed(self) -> bool:
        return (
            not self.breaches
            and self.instances.recovered == self.instances.protected
            and all(
                None not in dataclasses.astuple(host) for host in self.hosts
            )
        )

    def to_dict(self) -> dict[str, Any]:
        """What --json prints."""
        return {
            'result': 'pass' if self.passed else 'fail',
            'hosts': [dataclasses.asdict(host) for host in self.hosts],
            'instances': dataclasses.asdict(self.instances),
        }


def score(
    path: pathlib.Path,
    news: news_.News | None,
    protected: Collection[str],
    hosts: Collection[str],
) -> Score:
    """Ask the oracle about the whole ledger.

    :param protected: UUIDs; all are to be struck, and to run in the end
    :param hosts: names; all are to be on in the end
    """
    verdict = checker.check(ledger.read(path), protected, hosts)
    breaches = [
        f'{breach.instance} on {breach.host}: {breach.why}'
        for breach in (
            *verdict.started_twice,
            *verdict.evacuated_unfenced,
            *verdict.impossible,
        )
    ]
    breaches += [f'{uuid} runs nowhere' for uuid in verdict.lost]
    breaches += [f'{host} is not on' for host in verdict.not_on]
    return Score(
        hosts=[_host(fault, news) for fault in verdict.faults],
        instances=InstanceScore(
            protected=len(protected),
            recovered=sum(_recovered(verdict, uuid) for uuid in protected),
            lost=len(verdict.lost),
            started_twice=len({one.instance for one in verdict.started_twice}),
        ),
        breaches=breaches,
    )


def _recovered(verdict: checker.Result, uuid: str) -> bool:
    """Evacuated, started once for each time, and running once."""
    evacuations = verdict.evacuations.get(uuid, 0)
    return (
        evacuations > 0
        and verdict.instances.get(uuid) == 1 + evacuations
        and len(verdict.running.get(uuid, ())) == 1
    )


def _host(fault: checker.Injection, news: news_.News | None) -> HostScore:
    def hop(state: str) -> float | None:
        return _rounded(news.seconds(fault.host, state) if news else None)

    return HostScore(
        name=fault.host,
        fault=fault.kind,
        decided_s=hop('fencing'),
        fenced_s=hop('forcing_down'),
        first_evacuate_s=_rounded(fault.first_evacuate_s),
        all_active_s=_rounded(fault.all_started_s),
        returned_s=hop('returned'),
    )


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 2)
