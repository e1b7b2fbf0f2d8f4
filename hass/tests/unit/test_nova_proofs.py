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

import datetime

from hass import exception
from hass.fencing import base as fencing
from hass import nova
from hass.nova import proofs
from hass.tests import base
from hass.tests import clocks

BEGIN = datetime.datetime(2030, 1, 1)


def server(host='a', uuid='vm'):
    return nova.Server(
        uuid=uuid,
        name='web',
        project_id='p',
        host=host,
        status='ACTIVE',
        vm_state='active',
        task_state=None,
        power_state=1,
        locked=False,
        locked_reason=None,
        image_backed=False,
        launched=True,
    )


def history(*moves):
    """Migrations, oldest first, each 'TYPE SOURCE DESTINATION STATUS'.

    A destination in brackets was asked for, and never claimed resources.
    """
    found = []
    for number, move in enumerate(moves):
        kind, source, there, status = move.split()
        claimed = not there.startswith('(')
        there = there.strip('()').replace('-', '')
        found.append(
            nova.Migration(
                uuid=f'm{number}',
                id=number,
                instance_uuid='vm',
                source=source,
                destination=there or None,
                destination_node=there if there and claimed else None,
                status=status,
                type={'evac': 'evacuation', 'live': 'live-migration'}.get(
                    kind, kind
                ),
                created_at=BEGIN + datetime.timedelta(seconds=number),
                updated_at=None,
            )
        )
    return found


class MustProveTest(base.TestCase):
    def assertProve(self, hosts, *moves, host='a'):
        found = nova.must_prove(server(host), history(*moves))
        self.assertEqual(set(hosts.split()), found)

    def test_a_server_that_never_moved_is_where_nova_says(self):
        self.assertProve('a')

    def test_a_server_without_a_host_and_without_moves_is_nowhere(self):
        self.assertProve('', host=None)

    def test_moves_of_other_servers_say_nothing(self):
        found = nova.must_prove(
            server(uuid='other'), history('evac a b failed')
        )
        self.assertEqual({'a'}, found)

    def test_no_valid_host_adds_nothing(self):
        self.assertProve('a', 'evac a - error')

    def test_a_target_that_the_scheduler_refused_adds_nothing(self):
        self.assertProve('a', 'evac a (b) error')

    def test_a_destination_that_gave_up_before_its_claim_adds_nothing(self):
        self.assertProve('a', 'evac a (b) failed')

    def test_a_destination_that_claimed_may_have_spawned(self):
        self.assertProve('a b', 'evac a b failed')

    def test_an_error_after_the_claim_may_have_spawned(self):
        self.assertProve('a b', 'evac a b error')

    def test_each_failed_destination_counts(self):
        self.assertProve('a b c', 'evac a b failed', 'evac a c failed')

    def test_a_dead_destination_leaves_both_ends(self):
        self.assertProve('a b', 'evac a b pre-migrating')

    def test_a_call_still_in_a_queue_counts_with_its_target(self):
        self.assertProve('a b', 'evac a (b) accepted')

    def test_without_a_destination_nobody_can_prove_it(self):
        found = nova.must_prove(server(), history('evac a - accepted'))
        self.assertEqual({'a', nova.UNKNOWN_HOST}, found)

    def test_after_an_evacuation_the_new_host_counts(self):
        self.assertProve('b', 'evac a b done', host='b')

    def test_a_stuck_first_attempt_counts_when_the_second_succeeded(self):
        self.assertProve(
            'a b c', 'evac a b pre-migrating', 'evac a c done', host='c'
        )

    def test_a_failed_first_attempt_counts_when_the_second_succeeded(self):
        self.assertProve('b c', 'evac a b failed', 'evac a c done', host='c')

    def test_an_old_attempt_that_never_ran_ends_completed(self):
        # The source's nova-compute completes what was stuck, too.
        self.assertProve(
            'b c', 'evac a b completed', 'evac a c completed', host='c'
        )

    def test_live_migration_away_lets_the_host_off(self):
        self.assertProve(
            'c', 'evac a b completed', 'live b c completed', host='c'
        )

    def test_confirmed_resize_lets_the_source_off(self):
        self.assertProve(
            'c', 'evac a b completed', 'resize b c confirmed', host='c'
        )

    def test_evacuation_away_lets_off_once_nova_compute_cleaned_up(self):
        self.assertProve(
            'c', 'evac a b completed', 'evac b c completed', host='c'
        )

    def test_evacuation_away_alone_does_not(self):
        self.assertProve(
            'b c', 'evac a b completed', 'evac b c done', host='c'
        )

    def test_a_move_away_before_the_attempt_lets_nothing_off(self):
        self.assertProve(
            'a b', 'live b a completed', 'evac a b failed', host='a'
        )

    def test_nothing_lets_an_unfinished_move_off(self):
        self.assertProve(
            'a b c', 'live a b running', 'live b c completed', host='c'
        )

    def test_a_live_migration_under_way_has_two_ends(self):
        for status in ('accepted', 'queued', 'preparing', 'running'):
            self.assertProve('a b', f'live a b {status}')

    def test_a_resize_waiting_for_its_user_has_two_ends(self):
        self.assertProve('a b', 'resize a b finished', host='b')

    def test_a_state_that_nobody_knows_is_unfinished(self):
        self.assertProve('a b', 'live a b post-quantum')

    def test_a_finished_live_migration_adds_nothing(self):
        self.assertProve('b', 'live a b completed', host='b')

    def test_a_failed_live_migration_may_have_switched(self):
        for status in ('failed', 'error', 'cancelled'):
            self.assertProve('a b', f'live a b {status}')

    def test_a_failed_resize_may_have_started_the_guest(self):
        self.assertProve('a b', 'resize a b error')

    def test_a_move_that_failed_before_its_claim_adds_nothing(self):
        self.assertProve('a', 'resize a (b) error', 'live a (b) error')

    def test_a_reverted_resize_adds_nothing(self):
        self.assertProve('a', 'resize a b reverted')

    def test_order_is_by_creation_not_by_the_list(self):
        moves = history('evac a b completed', 'live b c completed')
        self.assertEqual({'c'}, nova.must_prove(server('c'), reversed(moves)))


class Off(fencing.Fencer):
    """A device that says off of every host."""

    def status(self, target):
        return fencing.PowerState.OFF

    def off(self, target, deadline):
        """It is."""

    def on(self, target, deadline):
        """It stays off."""


def off(host, read_at):
    """A proof as the device gave it at that moment."""
    clock = clocks.HandClock()
    clock.boottime = read_at
    return fencing.look(Off(), fencing.Target(host, None), clock).proof()


class CheckTest(base.TestCase):
    def flaw(self, needed, now=100.0, **found):
        try:
            proofs.check(server(), needed, found, now)
        except exception.ProofMissing as error:
            return f'{error.host}: {error.reason}'
        return None

    def test_each_host_proved_is_enough(self):
        self.assertIsNone(
            self.flaw(
                ['a', 'b'],
                a=off('a', 100.0),
                b=nova.DomainAbsent('b', 'vm', 100.0),
            )
        )

    def test_one_host_missing_is_not(self):
        self.assertEqual(
            'b: and nothing proves the contrary',
            self.flaw(['a', 'b'], a=off('a', 100.0)),
        )

    def test_a_proof_of_another_host_is_none(self):
        self.assertEqual(
            'a: and the proof is one of b', self.flaw(['a'], a=off('b', 100.0))
        )

    def test_a_proof_of_another_instance_is_none(self):
        self.assertEqual(
            'a: and the proof is one of other',
            self.flaw(['a'], a=nova.DomainAbsent('a', 'other', 100.0)),
        )

    def test_off_is_believed_for_three_seconds(self):
        self.assertIsNone(self.flaw(['a'], now=103.0, a=off('a', 100.0)))
        self.assertEqual(
            'a: and the proof is 3.1 s old',
            self.flaw(['a'], now=103.1, a=off('a', 100.0)),
        )

    def test_absence_is_believed_for_ten_seconds(self):
        absent = nova.DomainAbsent('a', 'vm', 100.0)
        self.assertIsNone(self.flaw(['a'], now=110.0, a=absent))
        self.assertEqual(
            'a: and the proof is 15.1 s old',
            self.flaw(['a'], now=115.1, a=absent),
        )

    def test_a_proof_from_the_future_is_none(self):
        self.assertEqual(
            'a: and the proof comes from another clock',
            self.flaw(['a'], now=99.9, a=off('a', 100.0)),
        )

    def test_nobody_proves_the_host_that_nova_has_yet_to_choose(self):
        self.assertEqual(
            '(not yet known): and nothing proves the contrary',
            self.flaw(['a', nova.UNKNOWN_HOST], a=off('a', 100.0)),
        )
