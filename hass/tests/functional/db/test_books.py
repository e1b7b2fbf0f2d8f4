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

"""What Prometheus reads of the tables, on every database."""

import datetime
import random
from typing import Any

import prometheus_client
from prometheus_client import core
import sqlalchemy as sa

from hass.db import clusters
from hass.db import evacuations
from hass.db import hosts
from hass.db import losses
from hass.db import models
from hass.db import moments
from hass.db import observations
from hass.db import outbox
from hass.db import protection
from hass.db import recoveries
from hass.db import services
from hass.diagnosis import layers
from hass import faults
from hass.metrics import books
from hass import payloads
from hass.tests import builders
from hass.tests import clocks
from hass.tests.functional.db import base

DAY = datetime.timedelta(days=1)
SECOND = datetime.timedelta(seconds=1)
NETWORKS = ('', 'management', 'storage')


class BooksCase(base.DatabaseTest):
    def setUp(self):
        super().setUp()
        self.clock = clocks.HandClock()
        self.books = books.Books(self.database, self.clock)

    def told(self, name, **labels):
        registry = prometheus_client.CollectorRegistry()
        registry.register(self.books)
        # What was read a moment ago is not read again.
        self.clock.turn(60)
        return registry.get_sample_value(name, labels)

    def families(self):
        self.clock.turn(60)
        return {one.name: one for one in self.books.collect()}

    def now(self):
        return self.read(moments.read_now)

    def host(self, name, cluster=None, **fields):
        fields = {'reported_at': self.now()} | fields
        with self.database.writer() as session:
            return builders.make_host(session, name, cluster, **fields)

    def cluster(self, name, maintenance_until=None, **fields):
        with self.database.writer() as session:
            made = builders.make_cluster(session, name, **fields)
            made.maintenance_until = maintenance_until
            return made

    def recovery(self, host, **fields):
        with self.database.writer() as session:
            return builders.make_recovery(session, host, **fields)

    def end(self, recovery, outcome, seconds, days=0.0):
        """It took so long, and ended so many days ago."""
        with self.database.writer() as session:
            row = session.get_one(models.Recovery, recovery.id)
            recoveries.end(session, row, outcome, 'engine-1', 'why')
            row.ended_at = moments.read_now(session) - days * DAY
            row.opened_at = row.ended_at - seconds * SECOND


@base.on_every_database
class HostsTest(BooksCase):
    def test_hosts_are_counted_by_cluster_and_fence(self):
        self.cluster('racks')
        self.host('a')
        self.host('b')
        self.host('c', fence_state=models.FenceState.BROKEN)
        for fence, number in (('working', 2), ('broken', 1)):
            labels = {'cluster': 'racks', 'fence': fence}
            self.assertEqual(number, self.told('hass_hosts', **labels))

    def test_who_is_unprotected_is_what_the_api_says(self):
        """Hosts of every kind, in clusters of every kind."""
        soon = self.now() + DAY
        long_ago = self.now() - DAY
        kinds: list[dict[str, Any]] = [
            {},
            {},
            {'fence_state': models.FenceState.LYING},
            {'reported_at': None},
            {'reported_at': long_ago},
            {'planned_until': soon},
            {'maintenance_until': soon},
            {'maintenance_until': long_ago},
        ]
        made = [
            self.cluster('acts'),
            self.cluster('asks', mode=models.Mode.ASK),
            self.cluster('looks', mode=models.Mode.OBSERVE),
            self.cluster('works', maintenance_until=soon),
            self.cluster('alone'),
        ]
        for cluster in made:
            for number, kind in enumerate(kinds):
                if cluster.name == 'alone' and number not in (0, 2):
                    continue
                self.host(f'{cluster.name}-{number}', cluster, **kind)
        with self.database.reader() as session:
            now = moments.read_now(session)
            usable = protection.usable(session, now)
            for cluster in made:
                rows = hosts.all(session, cluster_id=cluster.id)
                missing = [
                    protection.missing(one, now, usable.get(cluster.id, 0))
                    for one in rows
                ]
                self.assertEqual(
                    sum(map(bool, missing)),
                    self.told('hass_hosts_unprotected', cluster=cluster.name),
                    cluster.name,
                )

    def test_windows_and_degraded_hosts_are_counted(self):
        soon = self.now() + DAY
        racks = self.cluster('racks')
        works = self.cluster('works', maintenance_until=soon)
        self.host('a', racks, degraded=[])
        self.host('b', racks, degraded=None)
        self.host('c', racks, degraded=['no BMC'], maintenance_until=soon)
        self.host('d', works)
        for name, cluster, number in (
            ('hass_hosts_degraded', 'racks', 1),
            ('hass_hosts_degraded', 'works', 0),
            ('hass_hosts_in_maintenance', 'racks', 1),
            ('hass_hosts_in_maintenance', 'works', 1),
        ):
            self.assertEqual(number, self.told(name, cluster=cluster), name)


@base.on_every_database
class LayersTest(BooksCase):
    def setUp(self):
        super().setUp()
        self.cluster('racks')

    def see(self, *seen):
        with self.database.writer() as session:
            observations.put(session, *seen)

    def state(self, layer, state):
        return self.told(
            'hass_host_layers', cluster='racks', layer=layer, state=state
        )

    def test_what_nobody_looked_at_is_unknown(self):
        self.host('a')
        for layer in layers.ORDER:
            self.assertEqual(1, self.state(layer, 'unknown'))

    def test_a_look_of_before_the_clock_was_set_back_is_replaced(self):
        self.host('a')
        power = faults.Layer.POWER
        for verdict, ahead in (
            (faults.Verdict.FAILED, DAY),
            (faults.Verdict.HEALTHY, 0 * DAY),
        ):
            seen_at = self.now() + ahead
            self.see(faults.Observation('a', power, 'ipmi', verdict, seen_at))
        (kept,) = self.read(observations.of_host, 'a')
        self.assertEqual(faults.Verdict.HEALTHY, kept.verdict)

    def test_the_same_witnesses_are_believed_as_in_the_diagnosis(self):
        """Whatever they say: 60 hosts with observations by lot."""
        lot = random.Random(7)
        now = self.now()
        wanted: dict[tuple[str, str], int] = {}
        for number in range(60):
            self.host(f'host-{number}')
            seen = [
                faults.Observation(
                    f'host-{number}',
                    layer,
                    f'detector-{one}',
                    lot.choice(list(faults.Verdict)),
                    now
                    - lot.choice([1, 20, 200, 400]) * SECOND
                    - one * datetime.timedelta(milliseconds=1),
                    lot.choice(NETWORKS),
                    certainty=lot.choice(list(faults.Certainty)),
                )
                for one, layer in enumerate(
                    lot.choices([*faults.Layer, *faults.SidePath], k=12)
                )
            ]
            self.see(*seen)
            for aspect in layers.ORDER:
                alone = [one for one in seen if one.layer is aspect]
                standing = next(
                    one
                    for one in layers.standings(alone, now)
                    if one.aspect is aspect
                )
                key = str(aspect), str(standing.state)
                wanted[key] = wanted.get(key, 0) + 1
        samples = self.families()['hass_host_layers'].samples
        found = {
            (one.labels['layer'], one.labels['state']): one.value
            for one in samples
            if one.value
        }
        self.assertEqual(wanted, found)


@base.on_every_database
class RecoveriesTest(BooksCase):
    def setUp(self):
        super().setUp()
        self.cluster('racks')

    def test_open_ones_are_counted_by_state(self):
        for host, state in (
            ('a', 'fencing'),
            ('b', 'fencing'),
            ('c', 'planning'),
        ):
            self.recovery(host, state=state)
        self.end(self.recovery('d'), 'finished', 30)
        samples = self.families()['hass_recoveries_open'].samples
        self.assertEqual(
            {'fencing': 2, 'planning': 1},
            {one.labels['state']: one.value for one in samples},
        )

    def test_held_ones_are_counted_by_why(self):
        safety = models.HeldKind.SAFETY
        self.recovery('a', state='held', held_kind=safety)
        self.recovery(
            'b', state='held', held_kind=safety, acknowledged_at=self.now()
        )
        # It was held once, and is not now.
        self.recovery('c', state='fencing', held_kind=safety)
        samples = self.families()['hass_recoveries_held'].samples
        self.assertEqual(
            {('safety', 'no'): 1, ('safety', 'yes'): 1},
            {
                (one.labels['kind'], one.labels['acknowledged']): one.value
                for one in samples
            },
        )

    def test_losses_are_counted_until_they_end(self):
        name = 'hass_losses_open'
        with self.database.writer() as session:
            made = [builders.make_loss(session, f'i-{n}') for n in range(3)]
            losses.acknowledge(session, made[0].uuid)
            losses.end(session, made[1], models.LossEnd.RUNS, 'it runs')
        self.assertEqual(1, self.told(name, acknowledged='yes'))
        self.assertEqual(1, self.told(name, acknowledged='no'))

    def test_who_waits_for_an_engine_is_seen(self):
        name = 'hass_recoveries_overdue_seconds'
        self.assertEqual(0, self.told(name))
        now = self.now()
        self.recovery('a', wake_at=now - 40 * SECOND)
        self.recovery('b', wake_at=now - 90 * SECOND, claimed_until=now + DAY)
        self.recovery('c', wake_at=now + DAY)
        found = self.told(name)
        self.assertTrue(40 <= found < 90, found)

    def test_what_is_held_waits_for_an_engine_too(self):
        now = self.now()
        held = {'state': 'held', 'claimed_until': now + DAY}
        self.recovery('a', wake_at=now - 40 * SECOND, **held)
        found = self.told('hass_recoveries_overdue_seconds')
        self.assertTrue(40 <= found < 90, found)

    def test_how_long_they_took_is_told_of_one_day(self):
        for host, seconds, days in (
            ('a', 12, 0.1),
            ('b', 50, 0.9),
            ('c', 50, 1.1),
        ):
            self.end(self.recovery(host), 'finished', seconds, days)
        self.end(self.recovery('d'), 'dismissed', 3)
        labels = {
            'workflow': 'host_failure',
            'outcome': 'finished',
            'cluster': 'racks',
        }
        name = 'hass_recovery_seconds_last_day'
        for top, number in (('10.0', 0), ('15.0', 1), ('60.0', 2)):
            self.assertEqual(
                number, self.told(f'{name}_bucket', le=top, **labels), top
            )
        self.assertEqual(2, self.told(f'{name}_gcount', **labels))
        self.assertEqual(62, self.told(f'{name}_gsum', **labels))

    def test_downtime_ends_with_the_evacuation_of_each_instance(self):
        made = self.recovery('a', opened_at=self.now() - 30 * SECOND)
        wanted = [
            evacuations.Intention(f'vm-{n}', 'vm', 'blue') for n in range(3)
        ]
        with self.database.writer() as session:
            evacuations.plan(session, made.id, 'a', wanted)
            rows = session.scalars(sa.select(models.Evacuation)).all()
            for row, state in zip(rows, ('done', 'done', 'left'), strict=True):
                row.state = models.EvacuationState(state)
                row.ended_at = made.opened_at + 20 * SECOND
        # An instance that failed by itself was down until its own end.
        own = self.recovery('vm-9', workflow='instance_failure')
        self.end(own, 'finished', 7)
        name = 'hass_instance_down_seconds_last_day'
        self.assertEqual(3, self.told(f'{name}_gcount', cluster='racks'))
        self.assertEqual(47, self.told(f'{name}_gsum', cluster='racks'))
        for state, number in (('done', 2), ('left', 1)):
            labels = {'state': state, 'cluster': 'racks'}
            found = self.told('hass_evacuations_last_day', **labels)
            self.assertEqual(number, found)

    def test_faults_and_fencings_of_one_day(self):
        fault = {'layer': 'power', 'host': 'a'}
        first = self.recovery('a', fault=fault)
        self.recovery('b')
        old = self.recovery('c', fault=fault)
        with self.database.writer() as session:
            for made, days in ((first, 0), (first, 0), (old, 2)):
                recoveries.append_history(
                    session, made.id, 'confirming', 'fencing', 'e', 'why'
                )
                session.flush()
                line = session.scalars(
                    sa.select(models.RecoveryHistory)
                    .order_by(models.RecoveryHistory.id.desc())
                    .limit(1)
                ).one()
                line.at -= days * DAY
            session.get_one(models.Recovery, old.id).opened_at -= 2 * DAY
        self.assertEqual(
            1, self.told('hass_fencings_last_day', cluster='racks')
        )
        for layer in ('power', ''):
            labels = {'workflow': 'host_failure', 'cluster': 'racks'}
            found = self.told('hass_faults_last_day', layer=layer, **labels)
            self.assertEqual(1, found, layer)

    def test_a_deleted_cluster_has_no_name(self):
        self.end(self.recovery('a'), 'finished', 12)
        with self.database.writer() as session:
            clusters.delete(session, 'racks')
        found = self.told(
            'hass_recovery_seconds_last_day_gcount',
            workflow='host_failure',
            outcome='finished',
            cluster='',
        )
        self.assertEqual(1, found)

    def test_notifications_and_instances(self):
        with self.database.writer() as session:
            builders.make_notification(session)
            old = builders.make_notification(session)
            old.received_at -= 2 * DAY
            builders.make_instance(session)
        labels = {'source': 'monitor', 'layer': 'power', 'state': 'new'}
        self.assertEqual(2, self.told('hass_notifications_last_day', **labels))
        found = self.told('hass_instances_protected', cluster='racks')
        self.assertEqual(1, found)


@base.on_every_database
class EnginesTest(BooksCase):
    def test_engines_and_their_detectors(self):
        with self.database.writer() as session:
            services.enter(session, 'engine-1', '1')
            services.turn(session, 'engine-1', True, {'a': None, 'b': None})
            services.measured(
                session,
                'engine-1',
                {},
                {
                    'power_ipmi': {'layer': 'power', 'why': ''},
                    'broken': {'layer': '', 'why': 'ImportError'},
                },
            )
        engine = {'engine': 'engine-1'}
        self.assertEqual(1, self.told('hass_engine_deaf', **engine))
        self.assertEqual(2, self.told('hass_engine_hosts_silent', **engine))
        age = self.told('hass_engine_turn_age_seconds', **engine)
        self.assertTrue(0 <= age < 60, age)
        for detector, layer, works in (
            ('power_ipmi', 'power', 1),
            ('broken', '', 0),
        ):
            found = self.told(
                'hass_detector_working',
                detector=detector,
                layer=layer,
                **engine,
            )
            self.assertEqual(works, found)


@base.on_every_database
class OutboxTest(BooksCase):
    def test_what_is_still_to_be_told(self):
        with self.database.writer() as session:
            now = moments.read_now(session)
            for age in (0, 90):
                outbox.put(
                    session, payloads.Event.ALARM, {}, now - age * SECOND
                )
            outbox.spread(session, ['bus'])
        self.assertEqual(2, self.told('hass_outbox_waiting', channel='bus'))
        age = self.told('hass_outbox_age_seconds', channel='bus')
        self.assertTrue(90 <= age < 150, age)


class CostTest(BooksCase):
    kind = 'SQLite'

    def test_a_scrape_is_a_few_statements_and_the_next_one_none(self):
        seen = []
        engine = self.database.engine
        sa.event.listen(
            engine,
            'before_cursor_execute',
            lambda *call: seen.append(call[2]),
        )
        list(self.books.collect())
        self.assertLess(len(seen), 15)
        before = len(seen)
        list(self.books.collect())
        self.assertEqual(before, len(seen))

    def test_nothing_names_hosts_instances_or_projects(self):
        self.cluster('racks')
        self.host('secret-host')
        self.recovery('secret-host')
        with self.database.writer() as session:
            builders.make_instance(session, 'secret-vm', 'secret-project')
        told = '\n'.join(map(str, self.families().values()))
        self.assertNotIn('secret', told)

    def test_without_a_database_it_says_so_and_nothing_else(self):
        nowhere = self.open('sqlite:////nowhere/at/all')
        (only,) = books.Books(nowhere, self.clock).collect()
        self.assertIsInstance(only, core.GaugeMetricFamily)
        self.assertEqual('hass_database_up', only.name)
        self.assertEqual(0, only.samples[0].value)
