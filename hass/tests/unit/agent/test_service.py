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

import functools
import socket
import threading

from oslo_config import cfg

from hass.agent import detectors
from hass.agent.guests import learning
from hass.agent.guests import watch
from hass.agent import identity
from hass.agent.instances import teller
from hass.agent import service
from hass import clock
from hass.conf import agent as options
from hass.detection import base as base_
from hass.detection import guests
from hass.detection import panel
from hass.diagnosis import quality
from hass.engine import listener
from hass.engine import peers
from hass import exception
from hass import faults
from hass.rpc import messages
from hass.tests import base
from hass.tests.unit.agent import engines
from hass.tests.unit.agent.guests import test_watch

KEY = b'k' * 32
INSTANCE = 'd6f3a1de-2f6e-4c9c-b9c5-6a1d7f7b9a10'
NETWORKS = {'management': '127.0.0.1', 'storage': '127.0.0.2'}


class Engine(engines.SilentEngine):
    """Takes everything."""

    def __init__(self):
        self.goodbyes = 0
        self.reports = 0

    def report(self, envelope):
        self.reports += 1
        return {'patrol_seconds': 0.1}

    def goodbye(self, envelope):
        self.goodbyes += 1
        return {}


class Pinger:
    """One other host answers, and no other."""

    def answering(self, addresses):
        return frozenset({'192.0.2.1'}.intersection(addresses))


class StuckGuests(guests.Guests):
    """A libvirt that never answers."""

    def __init__(self):
        self.release = threading.Event()

    def domains(self):
        self.release.wait()
        return None


class StuckDetector(base_.Detector):
    """A look that never ends."""

    layer = faults.SidePath.STORAGE
    seconds = 0.2

    def __init__(self, release):
        super().__init__(base_.Tools(None, clock.SystemClock()))
        self.release = release

    def probe(self, subject):
        self.release.wait()
        return []


class AgentTest(base.TestCase):
    def setUp(self):
        super().setUp()
        self.clock = clock.SystemClock()
        self.listener = listener.Listener(
            self.clock,
            lambda host: [KEY],
            [(address, 0) for address in NETWORKS.values()],
            quality.Wish(),
        )
        self.listener.start()
        self.addCleanup(self.listener.stop)
        self.engine = Engine()

    def make_agent(
        self, seen=None, engine=None, looker=None, watch=None, **changes
    ):
        conf = cfg.ConfigOpts()
        conf.register_opts(options.OPTIONS, 'agent')
        conf([], default_config_files=[])
        fields = {
            'engines': [
                options.EngineAddress(network, address, port)
                for network, (address, port) in zip(
                    NETWORKS, self.listener.addresses(), strict=True
                )
            ],
            'beat_networks': list(NETWORKS.items()),
            'beat_seconds': 0.05,
            'report_seconds': 1.0,
            'call_seconds': 0.5,
            'nova_conf': '/does/not/exist',
        }
        for option, value in (fields | changes).items():
            conf.set_override(option, value, 'agent')
        agent = service.Agent(
            conf.agent,
            self.clock,
            engine or self.engine,
            identity.Identity(self.clock, 'compute-1', 'boot-1', KEY),
            seen or guests.NoGuests(),
            Pinger(),
            looker=looker,
            watch=watch,
        )
        self.addCleanup(agent.kill)
        return agent

    def start_agent(self, *args, **kwargs):
        agent = self.make_agent(*args, **kwargs)
        agent.start()
        self.wait_for(
            lambda: len(self.heard().by_network if self.heard() else ()) == 2,
            why='beats on both networks',
        )
        return agent

    def heard(self):
        return self.listener.heard('compute-1')

    def wait_more(self):
        last = self.heard().last
        self.wait_for(lambda: self.heard().last > last, why='another beat')

    def assert_silence(self):
        """Whatever was under way has come, and then nothing does."""
        self.wait_for(
            lambda: self.clock.monotonic() - self.heard().last > 0.3,
            why='silence',
        )

    def test_a_planned_stop_is_told_on_every_way(self):
        self.start_agent().stop()
        self.wait_for(lambda: self.heard().planned, why='planned beats')
        self.assertEqual(1, self.engine.goodbyes)
        self.assert_silence()

    def test_a_host_that_loses_its_power_says_nothing(self):
        self.start_agent().kill()
        self.assert_silence()
        self.assertFalse(self.heard().planned)
        self.assertEqual(0, self.engine.goodbyes)

    def test_a_host_that_hangs_is_silent_and_may_come_back(self):
        agent = self.start_agent()
        agent.pause()
        self.assert_silence()
        agent.pause(False)
        self.wait_more()
        self.assertEqual({}, self.listener.refusals())

    def test_a_call_that_blocks_delays_no_beat_and_no_stop(self):
        stuck = threading.Event()
        self.addCleanup(stuck.set)

        class StuckEngine(engines.SilentEngine):
            def report(self, envelope):
                stuck.wait()
                return {}

            goodbye = report

        agent = self.start_agent(engine=StuckEngine())
        self.wait_more()
        agent.stop()
        self.wait_for(lambda: self.heard().planned, why='planned beats')

    def test_guests_that_cannot_be_seen_delay_no_beat_and_no_report(self):
        seen = StuckGuests()
        self.addCleanup(seen.release.set)
        agent = self.start_agent(seen)
        self.wait_more()
        self.wait_for(lambda: self.engine.reports > 1, why='reports')
        self.assertIsNone(agent.facts().domains)

    def test_a_guest_that_falls_silent_is_reported(self):
        host = test_watch.Host()
        host.start(INSTANCE)
        taken = []

        class Engine(engines.SilentEngine):
            def report(self, envelope):
                report = messages.unseal(
                    messages.Report, envelope, lambda host: [KEY]
                )
                taken.append(report)
                return {}

        class Defined(guests.Guests):
            def domains(self):
                return [INSTANCE]

        self.start_agent(
            Defined(),
            engine=Engine(),
            watch=functools.partial(
                watch.Watch, host, host, self.clock, [watch.NETWORK]
            ),
            guest_looks=['network'],
            guest_look_seconds=0.5,
        )
        seen = functools.partial(self.verdicts, taken)
        self.wait_for(lambda: 'healthy' in seen(), why='it to be seen')
        # One answer is not enough for its silence to count.
        self.wait_for(
            lambda: len(host.pinged) > learning.ENOUGH, why='its answers'
        )
        host.silence(INSTANCE)
        self.wait_for(lambda: 'failed' in seen(), why='it to be missed')
        # The look and the event may go out in different reports.
        events = self.wait_for(
            lambda: [one for report in taken for one in report.events],
            why='the event',
        )
        self.assertEqual(
            [(INSTANCE, 'network_lost')],
            [(event.instance, event.incident) for event in events],
        )

    @staticmethod
    def verdicts(reports):
        return [
            look.verdict
            for report in reports
            for look in report.guests
            if look.detector == 'guest_network'
        ]

    def test_what_is_heard_of_an_instance_reaches_who_looks_at_it(self):
        heard = []

        class Watch(watch.Watch):
            def befell(self, event):
                heard.append(event)

        host = test_watch.Host()
        agent = self.make_agent(
            watch=functools.partial(Watch, host, host, self.clock, [])
        )
        event = teller.Event('1', 'a', faults.Incident.REBOOTED, 0.0, '')
        agent.tell(event)
        self.assertEqual([event], heard)

    def test_it_beats_at_once_when_it_is_poked(self):
        self.start_agent(beat_seconds=10.0)
        first = self.heard().by_network
        self.assertEqual(2, self.listener.poke('compute-1'))
        self.wait_for(
            lambda: all(
                self.heard().by_network[network] > first[network]
                for network in NETWORKS
            ),
            why='a beat on each network',
        )
        self.assertEqual({}, self.listener.refusals())

    def test_it_tells_an_engine_whom_it_reaches(self):
        self.start_agent()
        places = {'management': '192.0.2.1', 'storage': '192.0.2.2'}
        self.assertEqual(
            {'compute-1': {'management': True, 'storage': False}},
            self.ask(places),
        )

    def test_a_host_that_hangs_or_is_dead_answers_no_question(self):
        agent = self.start_agent(beat_seconds=10.0)
        first = self.heard().last
        for silence in (agent.pause, agent.kill):
            silence()
            self.listener.poke('compute-1')
            self.assertEqual({}, self.ask({'a': '192.0.2.1'}, seconds=0.5))
            self.assertEqual(first, self.heard().last)

    def ask(self, places, seconds=10.0):
        asked = peers.Peers(self.listener, self.clock)
        return asked.reach('compute-2', places, ['compute-1'], seconds)

    def test_a_detector_that_hangs_delays_no_beat_no_report_and_no_stop(self):
        stuck = threading.Event()
        self.addCleanup(stuck.set)
        looker = detectors.Looker(
            panel.Panel({'stuck': StuckDetector(stuck)}, self.clock),
            base_.Subject('compute-1'),
            self.clock,
        )
        agent = self.start_agent(looker=looker)
        self.wait_more()
        self.wait_for(
            lambda: 'hangs' in agent.facts().health['detector stuck'],
            why='it to be said',
        )
        self.wait_for(lambda: self.engine.reports > 1, why='reports')
        agent.stop()
        self.assertEqual(1, self.engine.goodbyes)
        self.assertFalse(stuck.is_set())

    def test_a_store_that_hangs_delays_no_beat_and_no_stop(self):
        with socket.create_server(('127.0.0.1', 0)) as mute:
            port = mute.getsockname()[1]
            agent = self.start_agent(
                membership_urls=[f'memcached://127.0.0.1:{port}?timeout=600']
            )
            self.wait_more()
            agent.stop()
        self.assertEqual(1, self.engine.goodbyes)
        self.wait_for(lambda: self.heard().planned, why='planned beats')

    def test_an_agent_without_engines_does_not_start(self):
        self.assertRaises(exception.ConfigError, self.make_agent, engines=[])


class LoopTest(base.TestCase):
    def test_it_survives_what_a_turn_throws_and_counts_as_late(self):
        turns = []

        def turn():
            turns.append(1)
            if len(turns) < 5:
                raise RuntimeError('out of luck')

        loop = service.Loop(
            'test',
            turn,
            clock.SystemClock(),
            pause_seconds=0.05,
            deadline_seconds=0.1,
        )
        loop.start()
        self.addCleanup(loop.stop)
        self.wait_for(loop.late, why='a loop that only fails is late')
        self.wait_for(lambda: not loop.late(), why='it is well again')

    def test_one_that_is_woken_does_not_pause(self):
        turns = []
        loop = service.Loop(
            'test',
            lambda: turns.append(1),
            clock.SystemClock(),
            pause_seconds=1000.0,
            deadline_seconds=1000.0,
        )
        loop.start()
        self.addCleanup(loop.stop)
        self.wait_for(lambda: turns, why='the first turn')
        loop.wake()
        self.wait_for(lambda: len(turns) == 2, why='the second turn')
