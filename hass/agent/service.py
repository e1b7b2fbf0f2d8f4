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

"""The agent: loops that beat, answer, report, look at guests and feed."""

from collections.abc import Callable, Mapping, Sequence
import functools
import logging
import threading
from typing import Any

from hass.agent import answers
from hass.agent import beats
from hass.agent import detectors
from hass.agent import facts
from hass.agent import gauges
from hass.agent.guests import sights
from hass.agent.guests import watch as watches
from hass.agent import identity as identities
from hass.agent.instances import ear as ears
from hass.agent.instances import teller
from hass.agent import membership
from hass.agent import orders
from hass.agent import reporter
from hass.agent import watchdog
from hass import clock as clocks
from hass.detection import groups
from hass.detection import guests as detection
from hass.detection import pings
from hass import exception
from hass import faults
from hass.rpc import api
from hass.rpc import messages

LOG = logging.getLogger(__name__)

GOODBYE_BEATS = 3
WATCH_SECONDS = 20.0
ORDER_SECONDS = 20.0
"""How long an order that is being done may hold up a stop."""
"""A guest agent may hang for half of that."""
MakeWatch = Callable[[Callable[[teller.Event], None]], watches.Watch]


class Loop:
    """A thread that takes a turn, pauses, and takes the next.

    It is well when it finished a turn lately; that its thread exists
    proves nothing.
    """

    def __init__(
        self,
        name: str,
        turn: Callable[[], None],
        clock: clocks.Clock,
        *,
        pause_seconds: float,
        deadline_seconds: float,
    ) -> None:
        self.name = name
        self._turn = turn
        self._clock = clock
        self._pause_seconds = pause_seconds
        self._deadline_seconds = deadline_seconds
        self._finished_at = clock.monotonic()
        self._stopped = threading.Event()
        self._awake = threading.Event()
        self._awake.set()
        self._bell = threading.Event()
        self._thread = threading.Thread(
            target=self._run, name=f'agent-{name}', daemon=True
        )

    def start(self) -> None:
        self._finished_at = self._clock.monotonic()
        self._thread.start()

    def stop(self) -> None:
        """No turn begins after this."""
        self._stopped.set()
        self._awake.set()
        self._bell.set()

    def wake(self) -> None:
        """Take the next turn without a pause."""
        self._bell.set()

    def join(self, seconds: float) -> bool:
        """Wait for a turn under way, but not for ever; whether it ended."""
        if self._thread.is_alive():
            self._thread.join(seconds)
        return not self._thread.is_alive()

    def pause(self, paused: bool) -> None:
        """Stand still, as if the host hung."""
        if paused:
            self._awake.clear()
        else:
            self._awake.set()

    def late(self) -> bool:
        """Whether the last finished turn is too long ago."""
        ago = self._clock.monotonic() - self._finished_at
        return ago > self._deadline_seconds

    def _run(self) -> None:
        while not self._stopped.is_set():
            began = self._clock.monotonic()
            try:
                self._turn()
                self._finished_at = self._clock.monotonic()
            except Exception:
                LOG.exception('the loop %s goes on after this', self.name)
            spent = self._clock.monotonic() - began
            self._bell.wait(max(0.0, self._pause_seconds - spent))
            self._bell.clear()
            self._awake.wait()


class Agent:
    """One host's agent. Everything that it touches is handed in.

    :param conf: the options of [agent]
    :param pinger: reaches other hosts for the engines; None: ICMP
    :param looker: the detectors of this host; None: there are none
    :param ear: hears of its instances; None: nobody tells of them
    :param watch: makes what looks at them, of what it is to tell events to
    :param doers: what engines may order here, and what does it
    """

    def __init__(
        self,
        conf: Any,
        clock: clocks.Clock,
        engine: api.Engine,
        identity: identities.Identity,
        guests: detection.Guests,
        pinger: answers.Pinger | None = None,
        looker: detectors.Looker | None = None,
        ear: ears.Ear | None = None,
        watch: MakeWatch | None = None,
        doers: Mapping[str, orders.Doer] | None = None,
    ) -> None:
        if not conf.engines:
            raise exception.ConfigError(
                '[agent] engines', 'names no engine to beat to'
            )
        self._conf = conf
        self._engine = engine
        self._identity = identity
        self._addresses = dict(conf.beat_networks)
        self._sender = beats.Sender(identity, self._addresses, conf.engines)
        self._answers = answers.Answers(
            identity,
            self._sender,
            pinger or pings.Pinger(answers.REACH_SECONDS, 2, clock),
            clock,
        )
        self._domains = facts.Domains(clock, guests)
        self._nova_conf = facts.NovaConf(conf.nova_conf)
        self._system_uuid: str | None = None
        self._watchdog = watchdog.Watchdog(
            conf.watchdog_device, conf.watchdog_seconds, conf.allow_softdog
        )
        self._watch = watch(self._send) if watch else None
        self._orders = orders.Orders(
            identity, clock, doers or {}, conf, lambda: self._reports.wake()
        )
        self._reporter = reporter.Reporter(
            identity,
            engine,
            clock,
            self.facts,
            report_seconds=conf.report_seconds,
            backlog=conf.backlog,
            sights=self._watch.sights if self._watch else sights.Sights(clock),
            orders=self._orders,
        )
        self._looker = looker
        self._ear = ear
        self._members = [
            membership.Member(url, conf.host) for url in conf.membership_urls
        ]
        self._reports = Loop(
            'reports',
            self._report,
            clock,
            pause_seconds=min(1.0, conf.report_seconds),
            deadline_seconds=3 * conf.call_seconds,
        )
        self._loops = self._make_loops(clock)
        # Nobody waits for the end of these.
        self._side_loops = self._make_side_loops(clock)

    def start(self) -> None:
        """Start every loop; returns at once."""
        for loop in self._all_loops():
            loop.start()

    def stop(self, planned: bool = True) -> None:
        """End the loops; if that is planned, tell the engines so first."""
        if planned:
            # It goes on beating meanwhile.
            self._orders.finish(ORDER_SECONDS)
            self._reports.stop()
            if self._reports.join(self._conf.call_seconds):
                self._report_last()
        self._end_loops()
        if planned:
            self._say_goodbye()
            membership.leave(self._members)
        self._watchdog.close(planned)
        self._sender.close()

    def kill(self) -> None:
        """End as a host does that loses its power: silently, at once."""
        self._sender.close()
        for loop in self._all_loops():
            loop.stop()
        self._watchdog.close(planned=False)

    def pause(self, paused: bool = True) -> None:
        """Hang, or go on: for tests and the demo."""
        self._sender.mute(paused)
        for loop in self._all_loops():
            loop.pause(paused)

    def allege(self, layer: faults.Layer, payload: dict[str, str]) -> None:
        """Report a fault that a detector of this host alleges."""
        self._reporter.allege(layer, payload)

    def tell(self, event: teller.Event) -> None:
        """Report at once what happened to an instance."""
        if self._watch is not None:
            self._watch.befell(event)
        self._send(event)

    def gauges(self) -> gauges.Gauges:
        """What Prometheus may know of it."""
        return gauges.Gauges(self._sender, self._reporter, self._health)

    def facts(self) -> facts.Facts:
        """What the next report says."""
        # The machine's: it stays what it is once it can be read.
        self._system_uuid = self._system_uuid or facts.system_uuid(
            self._conf.system_uuid_file
        )
        return facts.Facts(
            addresses=self._addresses,
            domains=self._domains.fresh(),
            system_uuid=self._system_uuid,
            resume_guests=self._nova_conf.resume_guests(),
            watchdog=self._watchdog.state[: messages.MAX_CHARACTERS],
            health=self._health(),
            sights=self._looker.sights() if self._looker else (),
        )

    def _health(self) -> dict[str, str]:
        health = {
            loop.name: 'late' if loop.late() else 'ok'
            for loop in self._all_loops()
        }
        if self._looker is not None:
            for name, why in self._looker.troubles().items():
                health[f'detector {name}'] = why
        for member in self._members:
            if member.trouble:
                health[member.name] = 'the store does not answer'
        if self._ear is not None and self._ear.trouble:
            health['libvirt'] = self._ear.trouble[: messages.MAX_CHARACTERS]
        if self._watch is not None and self._watch.trouble:
            trouble = self._watch.trouble[: messages.MAX_CHARACTERS]
            health['guest networks'] = trouble
        return health

    def _all_loops(self) -> list[Loop]:
        return [*self._loops, *self._side_loops]

    def _make_loops(self, clock: clocks.Clock) -> Sequence[Loop]:
        seconds = self._conf.beat_seconds
        look = min(1.0, self._conf.report_seconds)
        loops = [
            Loop(
                'beats',
                self._sender.beat,
                clock,
                pause_seconds=seconds,
                deadline_seconds=3 * seconds,
            ),
            Loop(
                'guests',
                self._domains.look,
                clock,
                pause_seconds=look,
                deadline_seconds=facts.FRESH_SECONDS,
            ),
            Loop(
                'answers',
                self._answers.turn,
                clock,
                pause_seconds=answers.PAUSE_SECONDS,
                deadline_seconds=5.0,
            ),
            self._reports,
        ]
        if seconds := self._conf.bus_beat_seconds:
            loops.append(
                Loop(
                    'signs',
                    self._reporter.show_life,
                    clock,
                    pause_seconds=seconds,
                    deadline_seconds=seconds + 3 * self._conf.call_seconds,
                )
            )
        if self._conf.watchdog_device:
            loops.append(
                Loop(
                    'watchdog',
                    self._feed,
                    clock,
                    pause_seconds=1.0,
                    deadline_seconds=5.0,
                )
            )
        return loops

    def _make_side_loops(self, clock: clocks.Clock) -> Sequence[Loop]:
        """For what may hang, and is not missed when it does."""
        looker = self._looker
        looks = [
            Loop(
                f'detector {name}',
                functools.partial(looker.look, name),
                clock,
                pause_seconds=self._conf.look_seconds,
                deadline_seconds=self._conf.look_seconds
                + looker.seconds(name)
                + facts.FRESH_SECONDS,
            )
            for name in (looker.names() if looker else ())
            if looker is not None
        ]
        members = [
            Loop(
                member.name,
                member.turn,
                clock,
                pause_seconds=groups.BEAT_SECONDS,
                deadline_seconds=3 * groups.CALL_SECONDS,
            )
            for member in self._members
        ]
        # It ends when what an order asks of ends.
        ordered = Loop(
            'orders',
            self._orders.turn,
            clock,
            pause_seconds=0.0,
            deadline_seconds=facts.FRESH_SECONDS,
        )
        watching = self._make_watch(clock)
        hearing = self._make_ears(clock)
        return [*looks, *members, *hearing, *watching, ordered]

    def _make_ears(self, clock: clocks.Clock) -> Sequence[Loop]:
        """One hears of the instances, and may hang; one tells."""
        if self._ear is None:
            return []
        return [
            Loop(
                'libvirt',
                self._ear.turn,
                clock,
                pause_seconds=1.0,
                deadline_seconds=facts.FRESH_SECONDS,
            ),
            Loop(
                'instances',
                teller.Teller(self._ear, self.tell).turn,
                clock,
                pause_seconds=0.0,
                deadline_seconds=facts.FRESH_SECONDS,
            ),
        ]

    def _make_watch(self, clock: clocks.Clock) -> Sequence[Loop]:
        """What they ask may hang, each kind for itself."""
        watch = self._watch
        if watch is None:
            return []
        wanted = self._conf.guest_looks
        turns: list[tuple[str, Callable[[], None], float]] = [
            ('instance list', watch.list, 1.0)
        ]
        if watches.AGENT in wanted:
            turns += [
                ('guest agents', watch.line_up, 1.0),
                *(
                    (f'guest agents {number}', watch.ask_agents, 0.0)
                    for number in range(1, watches.ASKERS + 1)
                ),
            ]
        if watches.NETWORK in wanted:
            seconds = self._conf.guest_look_seconds
            turns.append(('guest networks', watch.ask_networks, seconds))
        return [
            Loop(
                name,
                turn,
                clock,
                pause_seconds=pause,
                deadline_seconds=pause + WATCH_SECONDS,
            )
            for name, turn, pause in turns
        ]

    def _send(self, event: teller.Event) -> None:
        self._reporter.tell(event)
        self._reports.wake()

    def _report(self) -> None:
        if self._reporter.turn():
            self._reports.wake()

    def _report_last(self) -> None:
        """Unless the broker is away: then a call may last for ever."""
        last = threading.Thread(target=self._reporter.turn, daemon=True)
        last.start()
        last.join(self._conf.call_seconds)

    def _feed(self) -> None:
        """Feed the watchdog while the agent itself is well."""
        before = self._watchdog.state
        if not self._loops[0].late():
            self._watchdog.feed()
        if self._watchdog.state != before:
            LOG.warning('watchdog: %s', self._watchdog.state)

    def _end_loops(self) -> None:
        for loop in self._all_loops():
            loop.stop()
        for loop in self._loops:
            loop.join(self._conf.beat_seconds)

    def _say_goodbye(self) -> None:
        """Over RPC, and in the last beats while the call is under way."""
        call = threading.Thread(target=self._call_goodbye, daemon=True)
        call.start()
        turns = int(self._conf.call_seconds / self._conf.beat_seconds) + 1
        for turn in range(max(turns, GOODBYE_BEATS)):
            self._sender.beat(planned=True)
            call.join(self._conf.beat_seconds)
            if not call.is_alive() and turn:
                return

    def _call_goodbye(self) -> None:
        try:
            self._engine.goodbye(
                self._identity.seal(messages.Goodbye, why='stopped')
            )
        except (
            exception.EngineUnreachable,
            exception.MessageRefused,
        ) as error:
            LOG.warning('no engine took the goodbye: %s', error)
