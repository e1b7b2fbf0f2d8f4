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

"""Clusters, hosts, protected instances and the engines."""

import datetime
from typing import Any
import uuid

from hass.db import clusters
from hass.db import hosts
from hass.db import instances
from hass.db import models
from hass.db import moments
from hass.db import observations
from hass.db import recoveries
from hass.db import services
from hass import exception
from hass import faults
from hass.tests import builders
from hass.tests.functional.db import base

REPORT: dict[str, Any] = {
    'boot_id': 'boot-1',
    'addresses': {'storage': '10.0.0.1', 'tenant': '10.1.0.1'},
    'domains': ['a', 'b'],
    'system_uuid': 'guid-1',
    'resume_guests': False,
    'clock_at': datetime.datetime(2026, 1, 31, 12),
}


@base.on_every_database
class ClustersTest(base.DatabaseTest):
    def test_a_new_cluster_only_observes(self):
        self.database.write(clusters.create, 'rack-1')
        cluster = self.database.read(clusters.get, 'rack-1')
        self.assertEqual(models.Mode.OBSERVE, cluster.mode)
        self.assertEqual(models.Targets.CLUSTER, cluster.targets)
        self.assertEqual(
            ['power', 'os', 'network', 'instance', 'guest_os'], cluster.layers
        )
        self.assertIs(False, cluster.shared_storage)

    def test_a_cluster_is_found_by_its_uuid_too(self):
        made = self.database.write(clusters.create, 'rack-1')
        self.assertEqual('rack-1', self.read(clusters.get, made.uuid).name)

    def test_a_name_that_is_taken_is_refused(self):
        self.database.write(clusters.create, 'rack-1')
        self.database.write(clusters.create, 'rack-2')
        refusal = 'name: there is a cluster rack-1 already'
        self.assertRefused(refusal, clusters.create, 'rack-1')
        self.assertRefused(refusal, clusters.update, 'rack-2', name='rack-1')

    def test_an_unknown_cluster_is_not_found(self):
        self.assertNotFound('cluster rack-9', clusters.get, 'rack-9')
        self.assertNotFound('cluster rack-9', clusters.delete, 'rack-9')
        self.assertNotFound('cluster rack-9', clusters.update, 'rack-9')

    def test_clusters_come_in_pages(self):
        for number in range(5):
            self.database.write(clusters.create, f'rack-{number}')
        first = self.read(clusters.all, limit=2)
        then = self.read(clusters.all, limit=9, marker=first[-1].uuid)
        names = [cluster.name for cluster in [*first, *then]]
        self.assertEqual([f'rack-{number}' for number in range(5)], names)

    def test_a_marker_must_name_a_row(self):
        error = self.assertRaises(
            exception.Invalid, self.read, clusters.all, marker='no-such'
        )
        self.assertEqual('marker', error.field)

    def test_only_an_empty_cluster_is_deleted(self):
        self.database.write(builders.make_host)
        self.database.write(builders.make_instance)
        self.assertRefused(
            'cluster rack-1 has 1 hosts: remove them first',
            clusters.delete,
            'rack-1',
        )
        self.database.write(hosts.remove, 'compute-1')
        self.assertRefused(
            'cluster rack-1 has 1 protected instances: remove them first',
            clusters.delete,
            'rack-1',
        )
        for uuid_ in self.read(instances.all):
            self.database.write(instances.unprotect, uuid_.uuid)
        self.database.write(clusters.delete, 'rack-1')
        self.assertEqual([], self.read(clusters.all))

    def test_an_update_tells_when_it_was(self):
        made = self.database.write(clusters.create, 'rack-1')
        self.database.write(
            clusters.update, made.uuid, mode=models.Mode.ACT, layers=['os']
        )
        found = self.read(clusters.get, 'rack-1')
        self.assertIs(models.Mode.ACT, found.mode)
        self.assertEqual(['os'], found.layers)
        self.assertIsNotNone(found.updated_at)


@base.on_every_database
class HostsTest(base.DatabaseTest):
    def prepare(self):
        super().prepare()
        self.host = self.database.write(builders.make_host)

    def found(self) -> models.Host:
        return self.database.read(hosts.get, 'compute-1')

    def test_a_host_is_found_by_its_uuid_too(self):
        self.assertEqual(
            'compute-1', self.read(hosts.get, self.host.uuid).name
        )

    def test_an_unknown_host_is_not_found(self):
        unknown = 'host compute-9'
        self.assertNotFound(unknown, hosts.get, 'compute-9')
        self.assertNotFound(unknown, hosts.remove, 'compute-9')
        self.assertNotFound(unknown, hosts.plan_stop, 'compute-9', 9)
        self.assertNotFound(unknown, hosts.rotate_key, 'compute-9', 'x')
        self.assertNotFound(
            unknown, hosts.record_report, 'compute-9', **REPORT
        )

    def test_hosts_are_found_by_names(self):
        self.database.write(builders.make_host, 'compute-2')
        found = self.read(hosts.by_names, ['compute-2', 'compute-9'])
        self.assertEqual(['compute-2'], list(found))
        self.assertEqual({}, self.read(hosts.by_names, []))

    def test_hosts_of_a_cluster(self):
        other = self.database.write(builders.make_cluster, 'rack-2')
        self.database.write(builders.make_host, 'compute-2', other)
        found = self.read(hosts.of_cluster, other.id)
        self.assertEqual(['compute-2'], [host.name for host in found])
        self.assertEqual(2, len(self.read(hosts.all)))

    def test_a_report_is_kept(self):
        self.database.write(hosts.record_report, 'compute-1', **REPORT)
        found = self.found()
        for field, value in REPORT.items():
            field = {'addresses': 'networks'}.get(field, field)
            self.assertEqual(value, getattr(found, field))
        self.assertIsNotNone(found.reported_at)

    def test_an_agent_that_cannot_see_domains_says_none(self):
        blind = REPORT | {'domains': None}
        self.database.write(hosts.record_report, 'compute-1', **blind)
        self.assertIsNone(self.found().domains)

    def test_an_address_that_was_set_is_not_learnt(self):
        self.database.write(
            hosts.update, 'compute-1', addresses={'storage': '10.9.9.9'}
        )
        self.database.write(hosts.record_report, 'compute-1', **REPORT)
        self.assertEqual(
            {'storage': '10.9.9.9', 'tenant': '10.1.0.1'},
            self.found().networks,
        )

    def test_an_address_that_changed_is_learnt_anew(self):
        """Nobody knows whether the new one answers pings."""
        self.database.write(hosts.record_report, 'compute-1', **REPORT)
        for network in ('storage', 'tenant'):
            answers = faults.Observation(
                'compute-1',
                faults.Layer.NETWORK,
                'network_icmp',
                faults.Verdict.HEALTHY,
                self.database.read(moments.read_now),
                network,
            )
            self.database.write(observations.put, answers)
        moved = REPORT['addresses'] | {'storage': '10.0.0.2'}
        self.database.write(
            hosts.record_report, 'compute-1', **REPORT | {'addresses': moved}
        )
        self.assertEqual(moved, self.found().networks)
        known = self.read(observations.of_host, 'compute-1')
        self.assertEqual(['tenant'], [one.network for one in known])

    def test_a_planned_stop_ends_by_itself_or_by_a_report(self):
        self.database.write(hosts.plan_stop, 'compute-1', 900)
        self.assertIsNotNone(self.found().planned_until)
        self.database.write(hosts.record_report, 'compute-1', **REPORT)
        self.assertIsNone(self.found().planned_until)

    def test_no_power_command_lasts_while_a_clock_set_back_catches_up(self):
        with self.database.writer() as session:
            row = hosts.get(session, 'compute-1')
            hosts.begin_powering(session, row, hosts.LONGEST_POWERING_SECONDS)
            now = moments.read_now(session)
        self.assertTrue(hosts.is_powering(row, now))
        an_hour = datetime.timedelta(hours=1)
        self.assertFalse(hosts.is_powering(row, now - an_hour))

    def test_why_it_is_degraded_is_kept(self):
        why = ['no hardware detector: its BMC does not answer']
        self.database.write(hosts.set_degraded, 'compute-1', why)
        self.assertEqual(why, self.found().degraded)

    def test_an_explanation_is_kept_and_its_moment_renewed(self):
        self.database.write(hosts.still_explained, ['compute-1'])
        self.assertIsNone(self.found().explained_at)
        self.database.write(hosts.explain, 'compute-1', 'It is well.')
        first = self.found()
        self.assertEqual('It is well.', first.explanation)
        self.database.write(hosts.still_explained, ['compute-1'])
        self.assertNotEqual(first.explained_at, self.found().explained_at)

    def test_what_a_test_of_the_fence_showed_is_kept(self):
        self.database.write(
            hosts.set_fence,
            'compute-1',
            models.FenceState.BROKEN,
            'the BMC is silent',
            None,
            'always-off',
        )
        found = self.found()
        self.assertIs(models.FenceState.BROKEN, found.fence_state)
        self.assertEqual('the BMC is silent', found.fence_why)
        self.assertEqual('always-off', found.power_restore_policy)

    def rotate(self, key):
        return self.database.write(hosts.rotate_key, 'compute-1', key)

    def use(self, key):
        self.database.write(hosts.end_overlaps, {'compute-1': key})

    def assertKeys(self, *keys):
        self.assertEqual({'compute-1': [*keys]}, self.read(hosts.agent_keys))

    def test_an_old_key_counts_until_the_new_one_is_used(self):
        self.assertIsNone(self.rotate('newer'))
        self.assertKeys('newer', 'encrypted')
        self.use('newer')
        self.assertKeys('newer')

    def test_a_rotation_replaces_what_was_never_used(self):
        self.rotate('newer')
        issued_at = self.found().agent_key_rotated_at
        self.assertEqual(issued_at, self.rotate('newest'))
        self.assertKeys('newest', 'encrypted')
        self.use('newest')
        self.assertIsNone(self.rotate('next'))
        self.assertKeys('next', 'newest')

    def test_a_rotation_that_is_written_twice_happens_once(self):
        self.rotate('newer')
        self.assertIsNone(self.rotate('newer'))
        self.assertKeys('newer', 'encrypted')

    def test_a_key_that_was_used_before_it_was_replaced_counts(self):
        self.rotate('newer')
        self.rotate('newest')
        self.use('newer')
        self.assertKeys('newest', 'newer')

    def test_a_use_that_is_heard_of_late_brings_no_key_back(self):
        self.rotate('newer')
        self.use('newer')
        self.rotate('newest')
        self.use('newest')
        self.use('newer')
        self.assertKeys('newest')

    def test_every_secret_is_encrypted_anew(self):
        self.database.write(hosts.rotate_key, 'compute-1', 'newer')
        seen = []

        def renew(secret, what):
            seen.append(what)
            return f'{secret}!'

        self.assertEqual(1, self.database.write(hosts.reencrypt, renew))
        found = self.found()
        self.assertEqual('newer!', found.agent_key)
        self.assertEqual('encrypted!', found.agent_key_previous)
        self.assertEqual('encrypted!', found.bmc_password)
        self.assertEqual(3, len(seen))

    def test_a_host_leaves_with_what_was_observed_of_it(self):
        seen = faults.Observation(
            'compute-1',
            faults.Layer.OS,
            'beats',
            faults.Verdict.HEALTHY,
            datetime.datetime(2030, 1, 1),
        )
        self.database.write(observations.put, seen)
        self.database.write(hosts.remove, 'compute-1')
        self.assertEqual([], self.read(observations.of_host, 'compute-1'))

    def test_a_host_with_an_open_recovery_stays(self):
        made = self.database.write(builders.make_recovery)
        self.assertRefused(
            f'host compute-1 has an open recovery: {made.uuid}',
            hosts.remove,
            'compute-1',
        )

    def test_a_host_with_an_open_recovery_of_an_instance_stays(self):
        for column in ('fault', 'was'):
            where: dict[str, Any] = {column: {'host': 'compute-1'}}
            with self.database.writer() as session:
                made = builders.make_recovery(session, 'vm-1', **where)
            self.assertRefused(
                f'instance vm-1 on host compute-1 has an open recovery: '
                f'{made.uuid}',
                hosts.remove,
                'compute-1',
            )
            with self.database.writer() as session:
                row = recoveries.get(session, made.uuid)
                recoveries.end(session, row, 'finished', 'engine-1', 'runs')


@base.on_every_database
class InstancesTest(base.DatabaseTest):
    def test_an_instance_is_protected_once(self):
        made = self.database.write(builders.make_instance)
        cluster = self.read(clusters.get, 'rack-1')
        self.assertRefused(
            f'uuid: instance {made.uuid} is protected already',
            instances.protect,
            cluster,
            made.uuid,
            'vm',
            'red',
        )

    def test_other_projects_instances_are_unknown(self):
        made = self.database.write(builders.make_instance, project_id='blue')
        self.assertEqual(
            'vm-1', self.read(instances.get, made.uuid, 'blue').name
        )
        unknown = f'instance {made.uuid}'
        self.assertNotFound(unknown, instances.get, made.uuid, 'red')
        self.assertNotFound(unknown, instances.unprotect, made.uuid, 'red')

    def test_instances_of_a_project_or_a_cluster(self):
        one = self.database.write(builders.make_instance, project_id='blue')
        self.database.write(builders.make_instance, project_id='red')
        found = self.read(instances.all, project_id='blue')
        self.assertEqual([one.uuid], [row.uuid for row in found])
        found = self.read(instances.all, cluster_id=one.cluster_id)
        self.assertEqual(2, len(found))
        self.assertEqual([], self.read(instances.all, cluster_id=0))

    def test_a_choice_is_found_in_whatever_cluster(self):
        made = [self.database.write(builders.make_instance) for _ in range(3)]
        uuids = [one.uuid for one in made]
        self.assertEqual(set(uuids), self.read(instances.uuids))
        among = [*uuids[:2], str(uuid.uuid4())]
        found = self.read(instances.chosen, among)
        self.assertEqual(set(uuids[:2]), found)
        self.assertEqual(set(), self.read(instances.chosen, []))

    def test_more_are_looked_up_than_a_statement_takes(self):
        made = self.database.write(builders.make_instance)
        many = [str(uuid.uuid4()) for _ in range(2 * instances.CHUNK)]
        found = self.read(instances.chosen, [*many, made.uuid])
        self.assertEqual({made.uuid}, found)

    def test_a_deleted_instance_is_dropped_whether_known_or_not(self):
        made = self.database.write(builders.make_instance)
        for _ in range(2):
            self.database.write(instances.drop, made.uuid)
        self.assertEqual([], self.read(instances.all))
        self.database.write(instances.drop, str(uuid.uuid4()))


@base.on_every_database
class ServicesTest(base.DatabaseTest):
    def test_an_engine_is_deaf_when_it_enters(self):
        self.database.write(services.enter, 'engine-1', '1.0')
        (found,) = self.read(services.all)
        self.assertIs(True, found.deaf)

    def test_a_turn_tells_what_the_engine_hears(self):
        self.database.write(services.enter, 'engine-1', '1.0')
        self.database.write(services.turn, 'engine-1', False, {'c-1': None})
        (found,) = self.read(services.alive, 60)
        self.assertIs(False, found.deaf)
        self.assertEqual({'c-1': None}, found.silent)

    def test_an_engine_tells_what_it_looks_with_and_how_long_it_takes(self):
        self.database.write(services.enter, 'engine-1', '1.0')
        detectors = {'power_ipmi': {'layer': 'power', 'why': ''}}
        self.database.write(services.measured, 'engine-1', {'a': 1}, detectors)
        (found,) = self.read(services.all)
        self.assertEqual(
            ({'a': 1}, detectors), (found.estimates, found.detectors)
        )

    def test_an_engine_that_enters_again_is_deaf_again(self):
        self.database.write(services.enter, 'engine-1', '1.0')
        self.database.write(services.turn, 'engine-1', False, {'c-1': None})
        self.database.write(services.enter, 'engine-1', '1.1')
        (found,) = self.read(services.all)
        self.assertEqual(('1.1', True, {}), (
            found.version, found.deaf, found.silent
        ))  # fmt: skip

    def test_an_engine_without_turns_is_not_alive(self):
        self.database.write(services.enter, 'engine-1', '1.0')
        self.wait_for(
            lambda: not self.read(services.alive, 0.05),
            why='the last turn is old',
        )

    def test_an_engine_that_left_has_no_turns(self):
        self.database.write(services.enter, 'engine-1', '1.0')
        self.database.write(services.leave, 'engine-1')
        self.assertEqual([], self.read(services.all))
        self.assertNotFound(
            'engine engine-1', services.turn, 'engine-1', False, {}
        )
