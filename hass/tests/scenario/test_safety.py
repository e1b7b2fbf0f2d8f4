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

"""Which test proves which paragraph of the safety rules.

The rules are those that keep an instance from running twice. A name that is
no longer there fails; what no test of this repository proves is in NOT_HERE.
"""

import ast
import pathlib

from hass.tests import base

TESTS = pathlib.Path(__file__).parents[1]

PARAGRAPHS = {
    # Proof.
    'only reading the device back makes a proof': (
        'ProofTest',
        'TestHouseRules',
    ),
    'a proof ages, and an old one evacuates nothing': (
        'test_off_is_believed_for_three_seconds',
        'test_a_stale_proof_is_refused',
        'test_a_proof_older_than_three_seconds_evacuates_nothing',
    ),
    'power is read each turn until every evacuation has ended': (
        'test_somebody_powers_it_on_in_forcing_down',
        'test_somebody_powers_it_on_in_planning',
        'test_somebody_powers_it_on_in_evacuating',
        'test_somebody_powers_it_on_in_verifying',
    ),
    'a beat after the proof voids it': (
        'test_beats_after_the_proof_end_the_evacuation',
        'test_bmc_that_reads_off_while_its_host_beats',
    ),
    'off is the hard power down': (
        'IpmiFencerTest',
        'test_power_goes_off_and_on',
    ),
    'a BMC of another system is no working fence': (
        'test_a_bmc_of_another_system_is_no_working_fence',
        'test_identity_names_the_system_and_its_restore_policy',
    ),
    'a proof for every host where the guest may run': (
        'MustProveTest',
        'test_the_destination_of_an_attempt_must_be_proved_too',
        'test_an_unfinished_move_needs_proofs_of_both_ends',
        'test_without_it_the_instance_is_held',
    ),
    'a living host is cleared by a fresh absent domain': (
        'test_absence_is_believed_for_ten_seconds',
        'test_the_agent_of_a_living_end_can_clear_it',
        'test_an_absent_domain_clears_the_destination_of_a_failed_attempt',
        'test_a_report_from_before_the_attempt_clears_nothing',
        'test_a_report_may_tell_what_was_seen_before_the_attempt',
    ),
    'one open evacuation of an instance over all recoveries': (
        'test_an_instance_has_one_open_evacuation_over_all_recoveries',
        'test_two_engines_plan_an_instance_once',
        'test_an_instance_is_in_one_recovery_at_a_time',
    ),
    'allegations are suspicions': (
        'test_alleged_fault_of_a_healthy_host_is_dismissed',
        'AllegationTest',
    ),
    # Suspicion to fencing.
    'evidences of one network are one evidence': (
        'test_a_powered_host_needs_two_dark_networks_or_word_of_its_death',
        'test_one_dark_network_of_a_host_is_no_suspicion',
    ),
    'whoever heard the host vetoes': (
        'test_a_host_that_anybody_heard_is_not_fenced',
        'VoiceTest',
        'test_engine_that_hears_the_host_vetoes',
    ),
    'a young or deaf engine suspects nobody': (
        'LivenessPropertiesTest',
        'test_a_deaf_engine_says_so_and_suspects_nobody',
        'test_engine_that_is_cut_off_suspects_nobody',
        'test_switch_of_all_hosts_dies',
    ),
    'fencings are counted under the lock of the cluster': (
        'test_the_last_slot_is_taken_by_one_engine',
        'test_the_last_slot_is_taken_by_one_engine',
        'test_third_host_within_the_window_is_held',
        'test_a_third_host_is_fenced_when_the_window_has_passed',
    ),
    'a beat before the first off goes back to confirming': (
        'test_a_beat_before_the_first_off_goes_back',
        'test_a_beat_between_the_decision_and_its_record_goes_back',
    ),
    'what nobody worked on is confirmed anew': (
        'test_recovery_that_nobody_worked_on_is_confirmed_anew',
        'test_an_outage_makes_nobody_wait_for_a_human',
        'OverdueTest',
    ),
    'a restored database holds what is open': (
        'test_restored_database_holds_everything_open',
        'test_a_restore_forgets_wishes_and_pages_again',
    ),
    'observe touches nothing, ask waits, act acts': (
        'test_observing_cluster_is_told_and_not_touched',
        'test_asking_cluster_waits_for_consent',
        'test_a_cluster_that_may_act_at_last_is_recovered',
    ),
    # Claims.
    'claims are renewed, never past a hanging step': (
        'RenewTest',
        'ClaimDeadlineTest',
    ),
    'nothing is sent after the deadline': (
        'DeadlineTest',
        'test_no_act_is_sent_after_its_deadline',
    ),
    'a taker-over waits for calls on their way': (
        'test_taker_over_waits_for_calls_that_are_on_their_way',
        'test_a_dead_engine_is_replaced_when_its_calls_have_arrived',
    ),
    'a stopped and continued engine writes nothing': (
        'test_an_engine_stopped_between_look_and_act_sends_nothing_later',
        'test_engine_stops_between_look_and_act_and_is_continued',
        'test_whoever_was_taken_over_writes_nothing',
    ),
    'an engine without the database acts no more': (
        'test_an_engine_that_loses_only_the_database_acts_no_more',
    ),
    'engines may die at every turn': ('kill_at',),
    "all moments are the database's": (
        'MomentsTest',
        'ServersTimeTest',
    ),
    'never two stories on one host': (
        'test_two_engines_open_one_story_between_them',
        'test_two_engines_supersede_a_return_once',
        'test_nobody_opens_a_story_between_the_end_and_the_next_one',
    ),
    'the host dies again on its way back': (
        'test_a_death_on_the_way_back_supersedes_the_return',
        'test_a_host_that_hangs_while_it_boots_is_reset',
        'test_host_dies_again_while_it_is_unforced',
        'test_host_dies_again_while_it_is_enabled',
    ),
    # Nova.
    'evacuations name 2.94, 2.95 is an explicit choice': (
        'test_it_names_2_94',
        'test_2_95_is_sent_by_explicit_choice',
    ),
    'a call is repeated only when no trace of it is left': (
        'test_nothing_is_asked_again_while_a_record_lives',
        'QueuedTest',
        'test_lost_answers_are_not_repeated',
        'test_calls_that_never_arrived_are_repeated_after_settling',
        'test_a_nova_that_is_silent_as_a_whole_is_given_its_time',
        'test_where_that_host_refuses_no_other_one_is_asked_before',
        'test_a_lost_call_after_a_failed_attempt_is_made_again',
    ),
    'two live evacuations of an instance are held': (
        'test_two_live_evacuations_of_an_instance_are_held',
    ),
    'forcing down is one PUT, and what was is stored first': (
        'test_force_down_is_one_put',
        'test_one_put_comes_before_every_evacuation',
        'test_how_the_service_was_is_written_down_before_it_is_touched',
    ),
    'a disabled service keeps its own reason': (
        'test_a_disabled_service_keeps_its_own_reason',
        'test_service_disabled_by_an_operator_stays_disabled',
        'test_an_operator_who_disables_it_meanwhile_is_obeyed',
    ),
    "an admin's lock stays as it is": (
        'test_a_locked_instance_is_evacuated_and_stays_locked',
    ),
    'local root disks are not re-imaged': (
        'test_a_root_disk_of_its_host_is_refused',
        'test_a_local_root_disk_is_held',
        'test_local_root_disk_is_held_and_not_rebuilt',
    ),
    'stopped instances are not booted': (
        'test_stopped_instance_is_left_where_it_is',
    ),
    "targets are the cluster's, or any": (
        'test_the_scheduler_is_asked_for_hosts_of_the_cluster',
        'test_a_cluster_with_any_target_leaves_the_choice_to_nova',
    ),
    'an unprotected cluster fences nothing': (
        'test_cluster_without_another_usable_host_fences_nothing',
    ),
    'a stale domain elsewhere is looked for first': (
        'test_a_domain_that_another_agent_sees_holds_the_instance',
    ),
    # Host return.
    'powered on only when every evacuation has ended': (
        'test_it_is_powered_on_when_every_evacuation_has_ended',
    ),
    'the gate opens when no recovery wants the host down': (
        'test_the_gate_is_closed_until_the_host_is_empty',
        'GateTest',
        'GateTest',
    ),
    'ailing hardware is not powered on': (
        'test_ailing_hardware_is_not_powered_on',
    ),
    'unprotected instances are started again where they ran': (
        'test_unprotected_instances_are_started_on_the_returned_host',
    ),
    'a host without protected instances is reported': (
        'test_host_without_protected_instances_is_reported_not_fenced',
    ),
    # Held, deadlines, giving back.
    'every unfinished state but held has a deadline': (
        'test_every_unfinished_state_but_held_has_a_deadline',
    ),
    'restraint and capacity expire, the others do not': ('HeldTest',),
    'giving back is the only way from a touched recovery': (
        'test_giving_back_is_the_only_way_from_a_touched_recovery',
        'test_released_recovery_gives_everything_back',
        'test_a_released_recovery_is_given_back_after_an_outage_too',
    ),
    'a human is paged until he acknowledges': (
        'AlarmsTest',
        'FailingCommandTest',
        'test_whoever_asks_for_another_try_hears_of_its_trouble',
    ),
    'API and agents say when no engine patrols': (
        'test_the_log_says_it_too_and_the_balancer_is_told_nothing',
        'test_it_says_when_nobody_watches',
    ),
    # Agents.
    'each host has a key, and replays and forgeries are refused': (
        'BeatTest',
        'ReplayTest',
        'EndpointTest',
    ),
    'agents may write one topic only': (
        'test_agents_cannot_call_what_operators_may',
    ),
    'a goodbye expires after 900 s, then it alarms': (
        'test_goodbye_without_return_pages_after_900_seconds',
        'PlannedTest',
    ),
    'a busy watchdog is told with its owner': (
        'test_the_holder_of_a_busy_device_is_named',
    ),
    # The oracle.
    'the oracle bites': (
        'OracleBitesTest',
        'OracleTest',
    ),
}
NOT_HERE = {
    'own locks on instances': 'HASS locks no instance',
    'operator power actions': 'the API has none',
    'maintenance and instance stories': 'there are none yet',
    'the lease': 'there is none yet',
}


def names():
    """Every class and every function in the files of tests."""
    return {
        node.name
        for path in TESTS.rglob('test_*.py')
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef | ast.FunctionDef)
    }


class SafetyTableTest(base.TestCase):
    def test_every_test_that_the_table_names_is_there(self):
        proofs = {name for named in PARAGRAPHS.values() for name in named}
        self.assertEqual(set(), proofs - names())
