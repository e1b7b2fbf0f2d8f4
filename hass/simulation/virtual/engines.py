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

"""One engine: the real patrol and the real workflows, turn by turn."""

from collections.abc import Callable
import datetime
import typing

import futurist
from oslo_config import cfg

from hass.conf import protection
from hass.db import recoveries
from hass.db import services
from hass.diagnosis import estimates
from hass.diagnosis import quality
from hass.engine import alarms
from hass.engine import contradictions
from hass.engine import fences
from hass.engine import forsaken
from hass.engine import inventory
from hass.engine import overview
from hass.engine import patrol
from hass.engine import rounds
from hass.engine import strangers
from hass.engine import wiring
from hass.engine import worries
from hass import exception
from hass.recovery import control_plane
from hass.recovery import hands
from hass.recovery import runner
from hass.recovery import witness
from hass.recovery import workflow
from hass.simulation import clock as virtual
from hass.simulation.virtual import ears
from hass.simulation.virtual import hosts
from hass.simulation.virtual import looks
from hass.simulation.virtual import views

if typing.TYPE_CHECKING:
    from hass.simulation.virtual import cloud as cloud_

Around = Callable[[workflow.Workflow], workflow.Workflow]


class Engine:
    """What an engine's threads do one after another, a turn at a time.

    :param around: may put something between the runner and a workflow
    :ivar alive: it was not killed
    :ivar paused_until: it is stopped until that moment, and heard later
    :ivar no_database: it listens, and its turns fail
    :ivar rests: so many turns are left out after each one: it is slow
    """

    def __init__(
        self,
        cloud: 'cloud_.Cloud',
        name: str,
        around: Around = lambda story: story,
    ) -> None:
        self.name = name
        self.alive = True
        self.working = False
        self.paused_until = 0.0
        self.no_database = False
        self.rests = 0
        self._rested = 0
        self.view = views.View()
        self.clock = virtual.OtherClock(cloud.clock)
        self.ears = ears.Ears(self.clock, wish(cloud.conf), cloud.turn_seconds)
        self._cloud = cloud
        self._inventory = inventory.Inventory(
            cloud.database, cloud.keyring, self.clock, {}
        )
        self._overview = overview.Overview(
            cloud.database, self.clock, cloud.conf.engine.alive_seconds
        )
        pinger = views.Pinger(cloud.hosts, self.view)
        self.hands = self._hands(pinger)
        self.workflows = {
            name: around(story)
            for name, story in workflow.make_all(
                self.hands, cloud.conf
            ).items()
        }
        self.runner = runner.Runner(
            cloud.database,
            self.workflows,
            self.clock,
            name,
            held_seconds=cloud.conf.recovery.held_seconds,
            stale_seconds=cloud.conf.recovery.stale_seconds,
        )
        self._forsaken = forsaken.Forsaken(
            self.clock,
            cloud.conf.recovery.claim_seconds,
            cloud.conf.recovery.call_seconds,
        )
        self._alarms = alarms.Alarms(
            cloud.database,
            cloud.notifier,
            command=(),
            command_seconds=1,
            repeat_seconds=cloud.conf.alarm.repeat_seconds,
        )
        self.patrol = self._patrol()
        self._rounds = self._make_rounds(pinger)
        self._next_round = 0.0
        with cloud.database.writer() as session:
            services.enter(session, name, 'simulated')

    def _hands(self, pinger: views.Pinger) -> hands.Hands:
        conf = self._cloud.conf
        fencer = views.Bmcs(self._cloud.bmcs, self.view)
        return hands.Hands(
            fencer=fencer,
            compute=self._cloud.compute,
            witness=witness.Witness(
                self.ears,
                looks.make_outside(
                    fencer,
                    pinger,
                    looks.Peers(self._cloud.hosts, self.view),
                    self.clock,
                    self.name,
                ),
                self.clock,
                self.name,
                self._inventory.excused,
                bus_seconds=conf.detection.bus_seconds,
                listen_seconds=conf.detection.listen_seconds,
                turn_seconds=self._cloud.turn_seconds,
                alive_seconds=conf.engine.alive_seconds,
                wait=lambda seconds: None,
            ),
            address_of=lambda host: None,
            clock=self.clock,
            control_plane=control_plane.ControlPlane(
                control_plane.parts_of(
                    self._cloud.compute, self._cloud.bus.ping
                ),
                self.clock,
                lambda work: work(),
            ),
            rule=protection.rule(conf),
            place_of=self._inventory.place_of,
            glance=lambda addresses: looks.at_once(
                lambda: pinger.answering(addresses)
            ),
            ailing=lambda host: self._cloud.hosts[host.name].ailing,
            pool=lambda calls: futurist.SynchronousExecutor(),
        )

    def _patrol(self) -> patrol.Patrol:
        return patrol.Patrol(
            self._cloud.database,
            self._inventory,
            self._overview,
            self.hands,
            self.ears,
            self._alarms,
            self.name,
            self._cloud.conf,
            self._overview.disturb,
            futurist.SynchronousExecutor(),
        )

    def _make_rounds(self, pinger: views.Pinger) -> rounds.Rounds:
        return rounds.Rounds(
            self._cloud.database,
            self._inventory,
            self._overview,
            looks.make_panel(
                self.hands.fencer,
                pinger,
                self.clock,
                self._cloud.compute.services,
            ),
            worries.Worries(
                self._alarms.page,
                self.clock,
                self.name,
                self._cloud.conf.alarm.repeat_seconds,
            ),
            contradictions.Contradictions(self.ears.heard),
            estimates.Learnt(),
            self._trials(),
            wiring.Wirings(
                self._cloud.database,
                self.hands.fencer,
                self.hands.address_of,
                self.hands.place_of,
                self._cloud.conf.fencing.wiring_seconds,
            ),
            strangers.Strangers(self.clock),
            self.clock,
            self.name,
            self._cloud.conf,
            (futurist.SynchronousExecutor(), futurist.SynchronousExecutor()),
        )

    def _trials(self) -> fences.Trials:
        conf, address_of = self._cloud.conf, self.hands.address_of
        tester = fences.Fences(
            self._cloud.database, self.hands.fencer, address_of, self.clock
        )
        return fences.Trials(
            tester.test,
            address_of,
            self.clock,
            conf.fencing.test_seconds,
            conf.detection.rounds_seconds,
        )

    def listens(self) -> bool:
        """Whether it works at this moment."""
        paused = self.clock.monotonic() < self.paused_until
        return self.alive and not paused

    def turn(self) -> None:
        """Listen, one turn of the patrol, every recovery that is due."""
        if self.clock.monotonic() < self.paused_until:
            return
        self.ears.listen()
        if self._rested < self.rests:
            self._rested += 1
            return
        self._rested = 0
        if self.no_database:
            return
        self._cloud.database.engine_works = True
        try:
            self._work_once()
        except exception.DatabaseUnreachable as error:
            # Its threads go on with their next turns.
            self._cloud.refusals.append(str(error))
        finally:
            self._cloud.database.engine_works = False

    def _work_once(self) -> None:
        self.patrol.turn()
        if self.clock.monotonic() >= self._next_round:
            self._next_round = self.clock.monotonic() + rounds.TURN_SECONDS
            self._rounds.turn()
        if not self._overview.look().pending.recoveries:
            return
        call_seconds = self._cloud.conf.recovery.call_seconds
        with self._cloud.database.reader() as session:
            due = recoveries.due(session, call_seconds, 100)
            ahead = self._forsaken.find(session)
        for recovery_id, claim in due:
            self._work(recovery_id, claim)
        for one in ahead:
            self._work(one.id, one.claim, one.until)

    def hear_panic(self, host: hosts.Host) -> None:
        """fence_kdump of a panicking kernel, on any network it has left."""
        if self.listens() and any(
            self.view.reaches(host.name, network)
            for network in set(host.networks) - host.cut
        ):
            self.patrol.panicked(host.name)

    def claim(
        self,
        recovery_id: int,
        claim: int,
        until: datetime.datetime | None = None,
    ) -> runner.Claimed | None:
        """Take a recovery, as the dispatcher does."""
        seconds = self._cloud.conf.recovery.claim_seconds
        began = self.clock.monotonic()
        with self._cloud.database.writer() as session:
            taken = recoveries.take(
                session, recovery_id, claim, self.name, seconds, until
            )
        if taken is None:
            return None
        deadline = runner.ClaimDeadline(self.clock, seconds)
        deadline.renewed(began)
        return runner.Claimed(taken, deadline, began)

    def _work(
        self,
        recovery_id: int,
        claim: int,
        until: datetime.datetime | None = None,
    ) -> None:
        claimed = self.claim(recovery_id, claim, until)
        if claimed is None:
            return
        self.working = True
        try:
            self.runner.run(claimed)
        except exception.HassError as error:
            self._cloud.refusals.append(str(error))
        finally:
            self.working = False


def wish(conf: cfg.ConfigOpts) -> quality.Wish:
    """What the options ask of detection."""
    return quality.Wish(
        target_seconds=conf.detection.target_seconds,
        false_alarms_per_host_year=conf.detection.false_alarms_per_host_year,
        probes_per_host_hour=conf.detection.probes_per_host_hour,
        longest_seconds=conf.detection.longest_seconds,
    )
