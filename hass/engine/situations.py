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


"""What bears on each host now, gathered from rows and ears."""

from collections.abc import Mapping
import datetime

from oslo_config import cfg

from hass import clock as clock_
from hass.db import models
from hass.db import moments
from hass.db import observations
from hass.db import session as db_session
from hass.diagnosis import explain
from hass.diagnosis import layers
from hass.diagnosis import strangers
from hass.engine import inventory as inventory_
from hass.engine import overview as overview_
from hass.engine import shares
from hass.recovery import restraining
from hass.recovery import witness as witness_
from hass.states import State


class Situations:
    """Those of the hosts that are this engine's to explain.

    :param witness: knows whether this engine may believe its ears
    """

    def __init__(
        self,
        database: db_session.Database,
        inventory: inventory_.Inventory,
        overview: overview_.Overview,
        witness: witness_.Witness,
        ears: witness_.Ears,
        clock: clock_.Clock,
        engine: str,
        conf: cfg.ConfigOpts,
    ) -> None:
        self._database = database
        self._inventory = inventory
        self._overview = overview
        self._witness = witness
        self._ears = ears
        self._clock = clock
        self._engine = engine
        self._restrainer = restraining.Restrainer(conf)

    def __call__(self, everyone: bool) -> dict[str, explain.Situation]:
        """All of them, or those of silent hosts and of open recoveries."""
        known = {one.name: one for one in self._inventory.hosts()}
        ears = self._witness.ears()
        alive = self._overview.look().engines
        open_ones = {one.subject: one for one in self._overview.open_ones()}
        engines = [one.name for one in alive]
        mine = shares.keeps(self._engine, sorted(known), engines)
        if not everyone:
            mine &= ears.suspected() | open_ones.keys()
        if not mine:
            return {}
        with self._database.reader() as session:
            now = moments.read_now(session)
            if not everyone:
                seen = {
                    name: observations.of_host(session, name)
                    for name in sorted(mine)
                }
            else:
                seen = observations.all(session)
            ahead = self._restrainer.ahead(session, mine)
        doubts = self._witness.deaf()
        foreign = strangers.Sentences(one.strangers for one in alive)
        return {
            name: explain.Situation(
                host=name,
                cluster=known[name].cluster.name,
                mode=known[name].cluster.mode,
                engine=self._engine,
                silence=self._silence(known[name]),
                suspicion=ears.suspicion(name),
                dark=self._dark(name),
                timeouts=self._ears.liveness(name).any.timeouts(),
                known=layers.standings(seen.get(name, ()), now),
                story=_story(open_ones.get(name)),
                planned=self._planned(known[name], now),
                unprotected=_unprotected(known[name]),
                doubts=doubts,
                restraint=ahead.get(name, ''),
                degraded=tuple(known[name].degraded or ()),
                strangers=tuple(
                    foreign.of_host(name, known[name].networks.values())
                ),
            )
            for name in sorted(mine)
        }

    def _silence(self, host: models.Host) -> Mapping[str, float | None]:
        heard = self._ears.heard(host.name)
        arrivals = {} if heard is None else dict(heard.by_network)
        now = self._clock.monotonic()
        return dict.fromkeys(host.networks) | {
            network: max(0.0, now - at) for network, at in arrivals.items()
        }

    def _dark(self, host: str) -> tuple[str, ...]:
        health = self._witness.health
        now = self._clock.monotonic()
        path = self._ears.liveness(host)
        return tuple(path.degraded(now, health.since(), health.patience()))

    def _planned(self, host: models.Host, now: datetime.datetime) -> str:
        for word, row in (('its', host), ("the cluster's", host.cluster)):
            until = row.maintenance_until
            if until is not None and until > now:
                why = (
                    f' ({row.maintenance_why})' if row.maintenance_why else ''
                )
                return f'{word} maintenance lasts until {_clock(until)}{why}'
        heard = self._ears.heard(host.name)
        if host.planned_until is not None or (heard and heard.planned):
            return 'its agent was stopped on purpose'
        return ''


def _clock(moment: datetime.datetime) -> str:
    return f'{moment:%Y-%m-%d %H:%M} UTC'


def _story(recovery: models.Recovery | None) -> explain.Story | None:
    if recovery is None:
        return None
    return explain.Story(
        recovery.uuid,
        recovery.workflow,
        recovery.state,
        recovery.why,
        str(recovery.held_kind or '') if recovery.state == State.HELD else '',
    )


def _unprotected(host: models.Host) -> tuple[str, ...]:
    """What the rows tell; what Nova would say is asked in a recovery."""
    found = []
    if host.reported_at is None:
        found.append('its agent never reported')
    if host.fence_state is not models.FenceState.WORKING:
        why = f', {host.fence_why}' if host.fence_why else ''
        found.append(f'no working fence: {host.fence_state}{why}')
    return tuple(found)
