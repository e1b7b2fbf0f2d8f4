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


"""Regular looks: what they see, whom they skip, what they page."""

import datetime
import threading
from typing import Any, ClassVar

import futurist

from hass import beats
from hass.db import hosts
from hass.db import observations
from hass.db import services
from hass.detection import base as detection
from hass.detection import panel
from hass.diagnosis import estimates
from hass.engine import contradictions
from hass.engine import fences
from hass.engine import hearing
from hass.engine import inventory
from hass.engine import overview
from hass.engine import rounds
from hass.engine import shares
from hass.engine import strangers
from hass.engine import wiring
from hass.engine import worries
from hass import exception
from hass import faults
from hass.fencing import fake
from hass.tests import base
from hass.tests import builders
from hass.tests import clocks
from hass.tests import fake_cloud

HEALTHY = faults.Verdict.HEALTHY
FAILED = faults.Verdict.FAILED
UNKNOWN = faults.Verdict.UNKNOWN
HOST = 'compute-1'


class Power(detection.Detector):
    """Every host is on, but for what a test says."""

    layer: ClassVar[faults.Aspect] = faults.Layer.POWER

    def __init__(self, clock):
        super().__init__(detection.Tools(None, clock))
        self.says = {}
        self.looks = []

    def probe(self, subject):
        self.looks.append(subject.host)
        said = self.says.get(subject.host, HEALTHY)
        if isinstance(said, threading.Event):
            said.wait(30)
        if isinstance(said, Exception):
            raise said
        verdict = said if isinstance(said, faults.Verdict) else HEALTHY
        return [detection.Finding(verdict, f'it reads {verdict}')]


class Hardware(Power):
    layer = faults.Layer.HARDWARE


class Pings(Power):
    """Looks at all at once."""

    layer = faults.Layer.NETWORK

    def __init__(self, clock):
        super().__init__(clock)
        self.sweeps = []
        self.remembered = set()

    def lacks(self, subject):
        return '' if subject.networks else 'no address is known'

    def remember(self, host, addresses):
        self.remembered |= {(host, address) for address in addresses}

    def probe_many(self, subjects):
        self.sweeps.append(sorted(one.host for one in subjects))
        return {
            one.host: [
                detection.Finding(
                    self.says.get(one.host, HEALTHY), 'a ping', network
                )
                for network in one.networks
            ]
            for one in subjects
        }


def mute():
    return exception.BmcUnreachable('bmc-1', 'no answer in 2.0 s')


class RoundsCase(base.TestCase):
    names: tuple[str, ...] = (HOST, 'compute-2', 'compute-3')

    def setUp(self):
        super().setUp()
        self.clock = clocks.HandClock()
        self.database = builders.make_database(self, self.clock)
        with self.database.writer() as session:
            for name in self.names:
                builders.make_host(
                    session,
                    name,
                    bmc_address=None,
                    addresses={'storage': f'10.0.0.{name[-1]}'},
                )
            services.enter(session, 'engine-1', '1')
        self.alarms = []
        self.power = Power(self.clock)
        self.hardware = Hardware(self.clock)
        self.pings = Pings(self.clock)
        self.beats = {}
        self.learnt = estimates.Learnt()
        self.tried = []
        lane = futurist.SynchronousExecutor()
        self.strangers = strangers.Strangers(self.clock)
        self.rounds = self.make('engine-1', (lane, lane))

    def make(self, engine, lanes):
        conf = fake_cloud.make_conf(self.make_folder())
        keyring: Any = None
        known = inventory.Inventory(self.database, keyring, self.clock, {})
        self.panel = panel.Panel(
            {
                'power_ipmi': self.power,
                'hardware_ipmi': self.hardware,
                'network_icmp': self.pings,
            },
            self.clock,
        )
        return rounds.Rounds(
            self.database,
            known,
            overview.Overview(self.database, self.clock, 5.0),
            self.panel,
            worries.Worries(self.alarms.append, self.clock, engine, 300),
            contradictions.Contradictions(self.beats.get),
            self.learnt,
            fences.Trials(
                self.tried.append, lambda host: None, self.clock, 1800, 30
            ),
            wiring.Wirings(
                self.database,
                fake.FakeFencer(clock=self.clock),
                lambda host: None,
                lambda host: None,
                0,
            ),
            self.strangers,
            self.clock,
            engine,
            conf,
            lanes,
        )

    def pass_time(self, seconds):
        for _ in range(int(seconds)):
            self.clock.turn(1)
            with self.database.writer() as session:
                services.turn(session, 'engine-1', False, {})
            self.rounds.turn()

    def seen(self, layer, host=HOST):
        with self.database.reader() as session:
            return observations.of_host(session, host, layer)

    def degraded(self, host=HOST):
        with self.database.reader() as session:
            return hosts.get(session, host).degraded

    def whys(self):
        return [alarm['why'] for alarm in self.alarms]


class PaceTest(RoundsCase):
    def test_each_layer_is_looked_at_at_its_own_pace(self):
        self.pass_time(120)
        self.assertEqual(4, self.power.looks.count(HOST))
        self.assertEqual(2, self.hardware.looks.count(HOST))
        self.assertEqual(12, len(self.pings.sweeps))

    def test_the_first_looks_are_spread_over_a_round(self):
        self.pass_time(1)
        self.assertLess(len(self.power.looks), 3)

    def test_all_hosts_are_pinged_at_once_and_a_new_one_soon(self):
        self.pass_time(1)
        self.assertEqual([sorted(self.names)], self.pings.sweeps)
        with self.database.writer() as session:
            builders.make_host(
                session, 'compute-9', bmc_address=None, addresses={'a': '::1'}
            )
        self.pass_time(4)
        self.assertIn('compute-9', self.pings.sweeps[-1])

    def test_a_host_with_an_open_recovery_is_left_alone(self):
        with self.database.writer() as session:
            builders.make_recovery(session, HOST)
        self.pass_time(60)
        self.assertNotIn(HOST, self.power.looks + self.pings.sweeps[-1])
        self.assertIn('compute-2', self.power.looks)


class ObservationTest(RoundsCase):
    def test_what_was_seen_is_written_with_who_saw_it(self):
        self.pass_time(31)
        (seen,) = self.seen(faults.Layer.POWER)
        self.assertEqual(
            (HEALTHY, 'power_ipmi', 'engine-1', faults.Certainty.READ),
            (seen.verdict, seen.detector, seen.seen_by, seen.certainty),
        )
        self.assertLess(
            self.clock.now() - seen.seen_at, datetime.timedelta(seconds=31)
        )
        (ping,) = self.seen(faults.Layer.NETWORK)
        self.assertEqual('storage', ping.network)

    def test_what_cannot_be_looked_at_is_unknown(self):
        self.power.says[HOST] = mute()
        self.pass_time(32)
        (seen,) = self.seen(faults.Layer.POWER)
        self.assertIs(UNKNOWN, seen.verdict)
        self.assertIn('no answer in 2.0 s', seen.detail)

    def test_a_change_is_written_at_once(self):
        self.pass_time(10)
        self.pings.says[HOST] = FAILED
        self.pass_time(11)
        (ping,) = self.seen(faults.Layer.NETWORK)
        self.assertIs(FAILED, ping.verdict)

    def test_who_answered_another_engine_is_remembered(self):
        answered = faults.Observation(
            HOST,
            faults.Layer.NETWORK,
            'network_icmp',
            HEALTHY,
            self.clock.now(),
            'storage',
        )
        self.database.write(observations.put, answered)
        self.pass_time(1)
        self.assertEqual({(HOST, '10.0.0.1')}, self.pings.remembered)

    def test_the_engine_tells_what_it_looks_with(self):
        self.panel.missing['os_broken'] = 'it cannot be loaded: no module'
        self.pass_time(60)
        with self.database.reader() as session:
            (row,) = services.all(session)
        assert row.detectors is not None
        assert row.estimates is not None
        self.assertEqual(
            {'layer': 'power', 'why': ''}, row.detectors['power_ipmi']
        )
        self.assertIn('no module', row.detectors['os_broken']['why'])
        self.assertEqual([], row.strangers)
        self.assertLess(0, row.estimates['power']['probes_measured'])

    def test_the_engine_tells_whom_it_refuses(self):
        forged = exception.MessageRefused(HOST, beats.Refusal.FORGED)
        for _each in range(12):
            self.strangers.note(forged, '192.0.2.7')
            self.pass_time(1)
        with self.database.reader() as session:
            (found,) = services.strangers(session, 30)
        self.assertEqual(
            [{'name': HOST, 'known': True, 'address': '192.0.2.7'}], found
        )


class LyingTest(RoundsCase):
    def setUp(self):
        super().setUp()
        self.power.says[HOST] = FAILED
        looks = self.power.looks.count(HOST)
        while looks == self.power.looks.count(HOST):
            self.pass_time(1)
        self.pass_time(6)

    def beat(self, up_seconds, ago=0):
        now = self.clock.monotonic() - ago
        self.beats[HOST] = hearing.Heard(
            host=HOST,
            boot_id='boot',
            by_network={'storage': now},
            last=now,
            sent=now,
            since=now - up_seconds,
            uptime=9000.0,
            planned=False,
            clock_jump=False,
        )
        self.pass_time(1)

    def fence(self):
        with self.database.reader() as session:
            host = hosts.get(session, HOST)
        return host.fence_state, host.fence_why

    def test_a_host_that_beats_while_its_bmc_reads_off_has_no_fence(self):
        self.beat(up_seconds=9000)
        why = 'it was heard while its BMC read off'
        self.assertEqual(('lying', why), self.fence())
        self.assertIn(
            {'subject': HOST, 'why': f'{why}: it could not be fenced'},
            self.alarms,
        )

    def test_a_host_that_was_powered_on_since_is_no_contradiction(self):
        self.beat(up_seconds=1)
        self.assertEqual('working', self.fence()[0])

    def test_a_late_beat_of_a_host_cut_off_meanwhile_is_no_contradiction(self):
        self.beat(up_seconds=9000, ago=5)
        self.assertEqual('working', self.fence()[0])

    def test_a_host_that_is_off_and_silent_is_no_contradiction(self):
        self.assertEqual('working', self.fence()[0])


class DegradedTest(RoundsCase):
    def test_a_detector_that_cannot_look_degrades_the_host(self):
        self.hardware.says[HOST] = mute()
        self.pass_time(61)
        (why,) = self.degraded()
        self.assertIn('no hardware detector: hardware_ipmi: ', why)
        self.assertIn('no answer', why)
        self.assertFalse(self.degraded('compute-2'))

    def test_a_doubtful_fence_degrades_the_host(self):
        with self.database.writer() as session:
            row = hosts.get(session, HOST)
            row.bmc_address, row.bmc_password = '192.0.2.1', None
        self.pass_time(61)
        self.assertIn('never tried', ' '.join(self.degraded() or ()))
        self.assertFalse(self.degraded('compute-2'))

    def test_it_is_degraded_no_more_when_the_detector_works_again(self):
        self.hardware.says[HOST] = mute()
        self.pass_time(61)
        del self.hardware.says[HOST]
        self.pass_time(61)
        self.assertEqual([], self.degraded())


class WorryTest(RoundsCase):
    def test_power_that_two_looks_could_not_read_pages(self):
        self.power.says[HOST] = mute()
        self.pass_time(31)
        self.assertEqual(1, self.power.looks.count(HOST))
        self.assertEqual([], self.alarms)
        self.pass_time(31)
        self.assertEqual(2, self.power.looks.count(HOST))
        (why,) = self.whys()
        self.assertIn(
            'power of compute-1 cannot be read: it could not be fenced', why
        )

    def test_it_pages_again_only_after_repeat_seconds(self):
        self.power.says[HOST] = mute()
        self.pass_time(300)
        self.assertEqual(1, len(self.alarms))
        self.pass_time(90)
        self.assertEqual(2, len(self.alarms))

    def test_power_that_is_unknown_twice_pages_too(self):
        self.power.says[HOST] = UNKNOWN
        self.pass_time(62)
        self.assertEqual(1, len(self.alarms))

    def test_power_that_reads_off_is_read(self):
        self.power.says[HOST] = FAILED
        self.pass_time(120)
        self.assertEqual([], self.alarms)

    def test_failed_hardware_is_reported_and_not_fenced(self):
        self.hardware.says[HOST] = FAILED
        self.pass_time(61)
        self.assertEqual(
            [
                'hardware of compute-1 fails: it reads failed; it is '
                'reported, not fenced'
            ],
            self.whys(),
        )

    def test_many_hosts_with_one_worry_are_one_page(self):
        alarms: list[dict[str, Any]] = []
        worried = worries.Worries(alarms.append, self.clock, 'engine-1', 300)
        for number in range(12):
            for _ in range(worries.ROUNDS):
                worried.note(f'c-{number}', faults.Layer.POWER, (), 'mute')
        worried.page()
        (alarm,) = alarms
        self.assertEqual('engine-1', alarm['subject'])
        self.assertIn('power of 12 hosts cannot be read', alarm['why'])


class LanesTest(RoundsCase):
    def test_a_bmc_that_hangs_keeps_nobody_waiting(self):
        """One lane of one thread each: the second look is in the slow one."""
        lanes = tuple(futurist.ThreadPoolExecutor(1) for _ in range(2))
        for lane in lanes:
            self.addCleanup(lane.shutdown)
        hanging = threading.Event()
        self.addCleanup(hanging.set)
        self.patch(Power, 'seconds', 0.05)
        self.power.says[HOST] = hanging
        self.rounds = self.make('engine-1', lanes)
        self.wait_for(
            lambda: (
                self.pass_time(1) or self.power.looks.count('compute-2') > 3
            ),
            why='others are looked at',
        )


class SharesTest(base.TestCase):
    names = tuple(f'compute-{n}' for n in range(300))

    def test_each_host_has_one_keeper_and_each_engine_its_part(self):
        engines = ('a', 'b', 'c')
        parts = [shares.keeps(one, self.names, engines) for one in engines]
        self.assertEqual(set(self.names), set.union(*parts))
        self.assertEqual(300, sum(map(len, parts)))
        self.assertLess(60, min(map(len, parts)))

    def test_only_hosts_of_an_engine_that_went_change_hands(self):
        for host in self.names:
            before = shares.keeper(host, ('a', 'b', 'c'))
            if before != 'b':
                self.assertEqual(before, shares.keeper(host, ('a', 'c')))

    def test_without_an_engine_nobody_keeps_anything(self):
        self.assertEqual(set(), shares.keeps('a', self.names, ()))
