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

"""Whom the patrol suspects, and that it waits for nobody."""

from concurrent import futures
import threading
from typing import Any
import uuid

import futurist

from hass.conf import protection
from hass.db import hosts
from hass.db import models
from hass.db import notifications
from hass.db import recoveries
from hass.db import services
from hass.diagnosis import quality
from hass.engine import alarms
from hass.engine import inventory
from hass.engine import overview
from hass.engine import patrol
from hass import events
from hass import faults
from hass.fencing import base as fencing
from hass.recovery import control_plane
from hass.recovery import hands
from hass.recovery import witness
from hass.tests import base
from hass.tests import builders
from hass.tests import clocks
from hass.tests import fake_cloud

HOST = 'compute-1'
WISH = quality.Wish(
    target_seconds=3.0,
    false_alarms_per_host_year=1e7,
    probes_per_host_hour=3600.0,
)


def guid_of(host):
    """What the host's agent and its BMC say alike."""
    return uuid.uuid5(uuid.NAMESPACE_DNS, host)


class Power(fencing.Fencer):
    """Every host is on until a test says otherwise."""

    def __init__(self):
        self.reads = fencing.PowerState.ON

    def status(self, target):
        return self.reads

    def read(self, target):
        return fencing.Reading(self.reads, guid_of(target.name))

    def off(self, target, deadline):
        raise AssertionError('the patrol touches nothing')

    on = off


class Pager(events.QuietNotifier):
    def __init__(self):
        self.alarms = []
        self.hang = None

    def alarm(self, payload):
        self.alarms.append(payload)
        if self.hang is not None:
            self.hang.wait(30)


class PatrolCase(base.TestCase):
    """One engine that hears three hosts, and a clock that is turned."""

    names: tuple[str, ...] = (HOST, 'compute-2', 'compute-3')

    def setUp(self):
        super().setUp()
        self.clock = clocks.HandClock()
        self.database = builders.make_database(self, self.clock)
        with self.database.writer() as session:
            for name in self.names:
                builders.make_host(session, name, bmc_address=None)
            services.enter(session, 'engine-1', '1')
        self.ears = fake_cloud.Ears(self.clock, WISH)
        self.power = Power()
        self.pager = Pager()
        self.woken = []
        self.patrol = self.make(futurist.SynchronousExecutor())
        self.pass_time(6)

    def make(self, pool):
        conf = fake_cloud.make_conf(self.make_folder())
        keyring: Any = None
        compute: Any = None
        known = inventory.Inventory(self.database, keyring, self.clock, {})
        pinger = fake_cloud.FakePinger({})
        seen = witness.Witness(
            self.ears,
            fake_cloud.make_outside(
                self.power,
                pinger,
                fake_cloud.FakePeers({}),
                self.clock,
                'engine-1',
            ),
            self.clock,
            'engine-1',
            known.excused,
            bus_seconds=conf.detection.bus_seconds,
            listen_seconds=conf.detection.listen_seconds,
            turn_seconds=0.5,
            alive_seconds=conf.engine.alive_seconds,
        )
        return patrol.Patrol(
            self.database,
            known,
            overview.Overview(
                self.database, self.clock, conf.engine.alive_seconds
            ),
            hands.Hands(
                fencer=self.power,
                compute=compute,
                witness=seen,
                address_of=known.address_of,
                place_of=known.place_of,
                glance=lambda addresses: fake_cloud.at_once(frozenset),
                clock=self.clock,
                control_plane=control_plane.ControlPlane({}, self.clock),
                rule=protection.rule(conf),
                ailing=lambda host: [],
            ),
            self.ears,
            alarms.Alarms(
                self.database,
                self.pager,
                command=(),
                command_seconds=1,
                repeat_seconds=300,
            ),
            'engine-1',
            conf,
            lambda: self.woken.append(self.clock.monotonic()),
            pool,
        )

    def pass_time(self, seconds, silent=(), planned=False):
        """Beats of all but the silent, and turns of the patrol."""
        for _ in range(int(seconds * 2)):
            self.clock.turn(0.5)
            for name in self.names:
                if name not in silent and self.clock.boottime % 1 == 0:
                    self.ears.hear_now(name, 'boot', ['management'], planned)
            self.patrol.turn()

    def suspected(self):
        with self.database.reader() as session:
            return [one.subject for one in recoveries.open_ones(session)]

    def written(self, seconds, **how):
        """How often the engine writes its row in so many seconds."""
        moments = set()
        for _ in range(int(seconds * 2)):
            self.pass_time(0.5, **how)
            moments.add(self.own_row().turn_at)
        return len(moments)

    def own_row(self):
        with self.database.reader() as session:
            return services.all(session)[0]


class SilenceTest(PatrolCase):
    def test_hosts_that_beat_are_not_suspected(self):
        self.pass_time(10)
        self.assertEqual([], self.suspected())
        self.assertEqual(
            (False, {}), (self.own_row().deaf, self.own_row().silent)
        )

    def test_a_silent_host_is_suspected_after_the_wished_time(self):
        self.pass_time(2.5, silent=[HOST])
        self.assertEqual([], self.suspected())
        self.pass_time(0.5, silent=[HOST])
        self.assertEqual([HOST], self.suspected())

    def test_a_silent_host_whose_bmc_reads_off_is_suspected_sooner(self):
        self.power.reads = fencing.PowerState.OFF
        self.pass_time(2.0, silent=[HOST])
        self.assertEqual([HOST], self.suspected())

    def test_the_peers_are_told_who_is_silent_and_since_when(self):
        heard = self.clock.now()
        self.pass_time(2, silent=[HOST])
        self.assertEqual({HOST: heard.isoformat()}, self.own_row().silent)

    def test_the_peers_are_told_less_often_in_calm_times(self):
        self.assertIn(self.written(4), (4, 5))

    def test_the_peers_are_told_in_each_turn_while_a_host_is_silent(self):
        self.pass_time(1.5, silent=[HOST])
        self.assertEqual(2, self.written(1, silent=[HOST]))
        self.assertEqual([], self.suspected())

    def test_the_peers_are_told_in_each_turn_while_a_recovery_is_open(self):
        with self.database.writer() as session:
            builders.make_recovery(session, self.names[1])
        self.assertEqual(8, self.written(4))

    def test_the_peers_are_told_at_once_that_a_host_is_heard_again(self):
        self.pass_time(2, silent=[HOST])
        self.ears.hear_now(HOST, 'boot', ['management'], False)
        self.pass_time(0.5)
        self.assertEqual({}, self.own_row().silent)

    def test_a_recovery_that_another_engine_opened_is_looked_for_once(self):
        self.assertEqual([], self.woken)
        with self.database.writer() as session:
            builders.make_recovery(session, self.names[1])
        self.pass_time(2)
        self.assertEqual(1, len(self.woken))

    def test_an_engine_that_was_paused_suspects_nobody_for_a_while(self):
        self.clock.turn(20)
        self.ears.listen()
        self.patrol.turn()
        self.assertTrue(self.own_row().deaf)
        self.pass_time(4, silent=[HOST])
        self.assertEqual([], self.suspected())
        self.pass_time(2, silent=[HOST])
        self.assertEqual([HOST], self.suspected())

    def test_an_engine_that_was_paused_does_not_say_that_it_heard_all(self):
        self.clock.turn(20)
        self.patrol.turn()
        self.assertEqual(set(self.names), set(self.own_row().silent))

    def lose_power(self, *gone, **known):
        """They fall silent and read off; this is known of their fences."""
        with self.database.writer() as session:
            for name in gone:
                row = hosts.get(session, name)
                row.fence_state = models.FenceState.WORKING
                row.system_uuid = str(guid_of(name))
                for field, value in known.items():
                    setattr(row, field, value)
        self.pass_time(3)
        self.power.reads = fencing.PowerState.OFF
        self.pass_time(4, silent=gone)

    def test_most_hosts_powered_off_are_no_reason_to_doubt_oneself(self):
        gone = self.names[:2]
        self.lose_power(*gone)
        self.assertFalse(self.own_row().deaf)
        self.assertEqual(list(gone), sorted(self.suspected()))

    def test_what_other_systems_read_excuses_nobody(self):
        self.lose_power(*self.names[:2], system_uuid=str(uuid.uuid4()))
        self.assertTrue(self.own_row().deaf)

    def test_what_nobody_can_tell_apart_excuses_nobody(self):
        self.lose_power(*self.names[:2], system_uuid=None)
        self.assertTrue(self.own_row().deaf)

    def test_what_was_seen_to_lie_excuses_nobody(self):
        lying = models.FenceState.LYING
        self.lose_power(*self.names[:2], fence_state=lying)
        self.assertTrue(self.own_row().deaf)

    def test_a_host_without_an_agent_yet_is_not_suspected(self):
        with self.database.writer() as session:
            builders.make_host(session, 'compute-9')
        self.pass_time(20)
        self.assertEqual([], self.suspected())

    def test_a_deaf_engine_says_so_and_suspects_nobody(self):
        self.pass_time(10, silent=self.names)
        self.assertTrue(self.own_row().deaf)
        self.assertEqual([], self.suspected())

    def test_one_silence_opens_one_recovery(self):
        self.pass_time(20, silent=[HOST])
        self.assertEqual([HOST], self.suspected())


class PlannedTest(PatrolCase):
    def test_planned_silence_is_not_suspected(self):
        self.pass_time(1, planned=True)
        self.pass_time(60, silent=[HOST])
        self.assertEqual([], self.suspected())
        self.assertEqual([], self.pager.alarms)

    def test_a_goodbye_that_expired_pages(self):
        with self.database.writer() as session:
            hosts.plan_stop(session, HOST, 900)
        self.pass_time(10, silent=[HOST])
        self.clock.turn(900)
        self.pass_time(3, silent=[HOST])
        self.assertEqual([], self.suspected())
        (alarm,) = self.pager.alarms
        self.assertEqual(HOST, alarm['subject'])
        self.assertIn('the host is unprotected', alarm['why'])


class AllegationTest(PatrolCase):
    def allege(self, host, layer=faults.Layer.OS):
        with self.database.writer() as session:
            made = builders.make_notification(session, host, layer)
        self.pass_time(0.5)
        return self.database.read(notifications.get, made.uuid)

    def test_an_alleged_fault_opens_a_recovery(self):
        answer = self.allege(HOST)
        self.assertIs(models.NotificationState.OPENED, answer.state)
        self.assertEqual([HOST], self.suspected())

    def test_a_second_voice_joins_the_recovery(self):
        first, second = self.allege(HOST), self.allege(HOST)
        self.assertEqual(first.recovery_id, second.recovery_id)

    def test_a_host_of_no_cluster_is_ignored_with_a_reason(self):
        answer = self.allege('elsewhere')
        self.assertIs(models.NotificationState.IGNORED, answer.state)
        self.assertEqual('elsewhere is in no cluster', answer.why)

    def test_a_fault_of_no_instance_is_ignored_with_a_reason(self):
        answer = self.allege(HOST, faults.Layer.GUEST_OS)
        self.assertEqual(
            'payload.instance: the UUID of an instance is wanted', answer.why
        )


class PanicTest(PatrolCase):
    def test_a_panic_that_was_told_is_suspected_at_once(self):
        self.patrol.panicked(HOST)
        self.assertEqual([HOST], self.suspected())

    def test_a_host_that_was_stopped_on_purpose_may_panic(self):
        with self.database.writer() as session:
            hosts.plan_stop(session, HOST, 900)
        self.pass_time(3)
        self.patrol.panicked(HOST)
        self.assertEqual([], self.suspected())

    def test_a_host_of_no_cluster_is_nobodys_concern(self):
        self.patrol.panicked('elsewhere')
        self.assertEqual([], self.suspected())


class PlacesTest(base.TestCase):
    def test_an_address_of_two_hosts_names_neither(self):
        hands = clocks.HandClock()
        database = builders.make_database(self, hands)
        with database.writer() as session:
            for name, own in (('a', '192.0.2.1'), ('b', '2001:DB8::2')):
                builders.make_host(
                    session, name, addresses={'x': own, 'y': '192.0.2.9'}
                )
        keyring: Any = None
        known = inventory.Inventory(database, keyring, hands, {})
        known.refresh()
        self.assertEqual('a', known.host_at('192.0.2.1'))
        self.assertEqual('b', known.host_at('2001:db8::2'))
        self.assertIsNone(known.host_at('192.0.2.9'))


class PagingTest(PatrolCase):
    def test_a_pager_that_hangs_does_not_hold_up_the_patrol(self):
        pool = futures.ThreadPoolExecutor(2)
        self.addCleanup(pool.shutdown)
        self.pager.hang = threading.Event()
        self.addCleanup(self.pager.hang.set)
        self.patrol = self.make(pool)
        with self.database.writer() as session:
            builders.make_recovery(
                session,
                'compute-3',
                state='held',
                held_kind=models.HeldKind.SAFETY,
            )
        self.pass_time(3)
        self.wait_for(lambda: self.pager.alarms, why='a page')
        turned = self.own_row().turn_at
        self.pass_time(3, silent=[HOST])
        self.assertLess(turned, self.own_row().turn_at)
        self.assertIn(HOST, self.suspected())
