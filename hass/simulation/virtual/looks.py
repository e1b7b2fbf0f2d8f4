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

"""Looks at hosts from outside that take no virtual time."""

from collections.abc import Callable
from collections.abc import Collection
from collections.abc import Mapping
from concurrent import futures
from typing import Any

import futurist

from hass import clock as clock_
from hass.detection import base as detection
from hass.detection import compute_nova
from hass.detection import network_icmp
from hass.detection import panel
from hass.diagnosis import diagnose
from hass.diagnosis import estimates
from hass import faults
from hass.fencing import base as fencing
from hass.recovery import looking
from hass.recovery import outside
from hass.simulation.virtual import hosts as hosts_
from hass.simulation.virtual import views

SEARCH_SECONDS = 2.0


class Peers:
    """The agents of other hosts, as far as their networks reach."""

    def __init__(
        self,
        hosts: Mapping[str, hosts_.Host],
        view: views.View | None = None,
    ) -> None:
        self._hosts = hosts
        self._view = view or views.View()

    def reach(
        self,
        host: str,
        addresses: Mapping[str, str],
        of: Collection[str],
        seconds: float,
    ) -> dict[str, dict[str, bool]]:
        return {
            helper: {
                network: network in asked.reachable_on()
                and network in self._hosts[host].reachable_on()
                for network in addresses
            }
            for helper in of
            for asked in [self._hosts[helper]]
            if self._answers(asked)
        }

    def _answers(self, asked: hosts_.Host) -> bool:
        return not asked.agent_killed and any(
            self._view.reaches(asked.name, network)
            for network in asked.reachable_on()
        )


def at_once(work: Callable[[], Any]) -> 'futures.Future[Any]':
    """Do the work before anything else: time stands still meanwhile."""
    return futurist.SynchronousExecutor().submit(work)


class Power(detection.Detector):
    """Reads the chassis through a fencer."""

    layer = faults.Layer.POWER

    def __init__(self, fencer: fencing.Fencer, tools: detection.Tools) -> None:
        super().__init__(tools)
        self._fencer = fencer

    def probe(self, subject: detection.Subject) -> list[detection.Finding]:
        target = fencing.Target(subject.host, subject.bmc)
        state = diagnose.Power(self._fencer.status(target).value)
        return [
            detection.Finding(outside.POWERS[state], f'it reads power {state}')
        ]


def make_panel(
    fencer: fencing.Fencer,
    pinger: detection.Pinger,
    clock: clock_.Clock,
    services: Callable[[], Collection[detection.ComputeRecord]],
) -> panel.Panel:
    """What the rounds look with."""
    tools = detection.Tools(None, clock, pinger=pinger, services=services)
    return panel.Panel(
        {
            'power_ipmi': Power(fencer, tools),
            'network_icmp': network_icmp.NetworkIcmp(tools),
            'compute_nova': compute_nova.ComputeNova(tools),
        },
        clock,
        spawn=at_once,
    )


def make_outside(
    fencer: fencing.Fencer,
    pinger: detection.Pinger,
    peers: outside.Peers,
    clock: clock_.Clock,
    engine: str,
) -> outside.Outside:
    """The real search, with no detector but the given."""
    return outside.Outside(
        fencer,
        pinger,
        peers,
        panel.Panel({}, clock, spawn=at_once),
        looking.Search(
            clock,
            estimates.Learnt(),
            limit=None,
            seconds=SEARCH_SECONDS,
            spawn=at_once,
        ),
        engine,
        clock,
        at_once,
    )
