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
from typing import Any

import hypothesis
from hypothesis import strategies

from hass.diagnosis import diagnose
from hass.diagnosis import isolation
from hass import faults
from hass.tests import base

Action = isolation.Action
Power = diagnose.Power
Verdict = faults.Verdict
Voice = diagnose.Voice
ALIVE = {'management': Verdict.HEALTHY, 'storage': Verdict.HEALTHY}
DARK = {'management': Verdict.FAILED, 'storage': Verdict.FAILED}
MOMENT = datetime.datetime(2030, 1, 1)


def evidence(**fields):
    """A host that is on and mute everywhere, and nobody objects."""
    given: dict[str, Any] = {
        'host': 'compute-1',
        'suspected_at': MOMENT,
        'heard': False,
        'voices': {'engine-2': Voice.SILENT},
        'power': Power.ON,
        'networks': DARK,
        'compute_down': False,
    } | fields
    return diagnose.Evidence(**given)


class DiagnoseTest(base.TestCase):
    """Each rule, as a sentence."""

    def decide(self, decision, words, **fields):
        found = diagnose.diagnose(evidence(**fields))
        self.assertIsInstance(found, decision)
        self.assertIn(words, found.why)
        return found

    def test_power_off_is_a_fault_of_power(self):
        found = self.decide(faults.Fault, 'reads power off', power=Power.OFF)
        self.assertIs(faults.Layer.POWER, found.layer)

    def test_a_host_that_answers_pings_is_not_off(self):
        for seen in (
            {'answering': ('storage',)},
            {'reached': {'storage': ['compute-2']}},
        ):
            found = self.decide(
                diagnose.Doubt, 'on storage although', power=Power.OFF, **seen
            )
            self.assertFalse(found.passes)

    def test_mute_on_two_networks_is_a_fault_of_the_network(self):
        found = self.decide(faults.Fault, 'mute on management, storage')
        self.assertIs(faults.Layer.NETWORK, found.layer)

    def test_silence_that_may_be_chance_condemns_no_host_that_is_on(self):
        self.decide(diagnose.Unclear, 'may be chance', lasting=False)
        self.decide(
            faults.Fault, 'reads power off', lasting=False, power=Power.OFF
        )

    def test_an_agent_that_speaks_over_the_bus_alone_is_waited_for(self):
        told = 'no beat of it arrives, but 2.0 s ago its agent spoke'
        self.decide(diagnose.Unclear, 'its agent spoke', told=told)

    def test_a_kernel_that_panicked_is_not_waited_for(self):
        self.decide(
            faults.Fault,
            'its agent is silent',
            told='its agent spoke 2.0 s ago',
            layers={faults.Layer.OS: Verdict.FAILED},
        )

    def test_a_host_that_this_engine_hears_is_alive(self):
        self.decide(diagnose.Alive, 'this engine', heard=True)

    def test_a_host_that_a_peer_hears_is_alive(self):
        voices = {'engine-2': Voice.HEARD, 'engine-3': Voice.SILENT}
        self.decide(diagnose.Alive, 'heard by engine-2', voices=voices)

    def test_a_bmc_that_is_known_to_lie_raises_no_doubt_about_a_beat(self):
        given = {'heard': True, 'power': Power.OFF}
        self.decide(diagnose.Doubt, 'reads off', **given)
        self.decide(diagnose.Alive, 'this engine', lying=True, **given)

    def test_a_beat_under_a_bmc_that_reads_off_is_for_a_human(self):
        found = self.decide(
            diagnose.Doubt,
            'beats although its BMC reads off (heard by engine-2)',
            power=Power.OFF,
            voices={'engine-2': Voice.HEARD},
        )
        self.assertFalse(found.passes)

    def test_every_engine_is_asked_before_anything_is_decided(self):
        voices = {'engine-2': Voice.SILENT, 'engine-3': Voice.NOT_YET}
        for power in Power:
            self.decide(
                diagnose.Unclear, 'engine-3', power=power, voices=voices
            )

    def test_a_lone_engine_decides_by_itself(self):
        self.decide(faults.Fault, 'off', power=Power.OFF, voices={})

    def test_a_power_state_that_cannot_be_read_is_no_fault(self):
        found = self.decide(
            diagnose.Doubt,
            'cannot be read: no answer',
            power=Power.UNKNOWN,
            power_why='no answer',
        )
        self.assertTrue(found.passes)

    def test_a_bmc_that_has_not_answered_yet_is_waited_for(self):
        self.decide(diagnose.Unclear, 'not answered yet', power=Power.UNKNOWN)

    def test_one_dark_network_is_one_evidence(self):
        found = self.decide(
            diagnose.Doubt,
            'only management is dark',
            networks={'management': Verdict.FAILED},
        )
        self.assertTrue(found.passes)

    def test_a_network_that_was_never_known_to_work_is_not_dark(self):
        networks = DARK | {'storage': Verdict.UNKNOWN}
        self.decide(diagnose.Doubt, 'only management', networks=networks)

    def test_a_kernel_that_answers_is_looked_at_longer(self):
        self.decide(diagnose.Unclear, 'on management, storage', networks=ALIVE)

    def test_agent_and_nova_compute_silent_is_a_fault_of_the_os(self):
        found = self.decide(
            faults.Fault,
            'its kernel answers on management, storage',
            networks=ALIVE,
            compute_down=True,
        )
        self.assertIs(faults.Layer.OS, found.layer)

    def test_a_host_that_lost_some_networks_is_reported(self):
        """Nova's record is down too: it came over the dark network."""
        found = self.decide(
            diagnose.Doubt,
            'it lost management and is alive on storage',
            networks=DARK | {'storage': Verdict.HEALTHY},
            compute_down=True,
        )
        self.assertTrue(found.passes)

    def test_a_rule_of_its_cluster_may_fence_it(self):
        rule = isolation.Rule(frozenset({'management'}), Action.FENCE)
        found = self.decide(
            faults.Fault,
            'rule 1 of its cluster',
            networks=DARK | {'storage': Verdict.HEALTHY},
            rules=(rule,),
        )
        self.assertIs(faults.Layer.NETWORK, found.layer)

    def test_a_network_that_only_others_reach_counts_as_alive(self):
        self.decide(
            diagnose.Doubt,
            'it lost management and is alive on storage',
            networks=DARK | {'storage': Verdict.UNKNOWN},
            reached={'storage': ['compute-2']},
        )

    def test_an_engine_that_others_outhear_is_deaf(self):
        for down in (False, True):
            self.decide(
                diagnose.Unclear,
                'this engine is deaf to it on management, where compute-2',
                reached={'management': ['compute-2']},
                compute_down=down,
            )

    def test_an_operating_system_seen_to_fail_is_a_fault_of_it(self):
        seen = faults.Observation(
            'compute-1',
            faults.Layer.OS,
            'os_watchdog',
            Verdict.FAILED,
            MOMENT,
            detail='its countdown ran out',
        )
        found = self.decide(
            faults.Fault,
            'its agent is silent; os_watchdog: its countdown ran out',
            layers={faults.Layer.OS: Verdict.FAILED},
            seen=(seen,),
            networks=ALIVE,
        )
        self.assertIs(faults.Layer.OS, found.layer)

    def test_nobody_is_accused_before_a_beat_is_missing(self):
        self.decide(
            diagnose.Unclear,
            'too young',
            layers={faults.Layer.OS: Verdict.FAILED},
            silent=False,
        )

    def test_ill_sensors_name_the_fault_and_do_not_make_one(self):
        ill = {faults.Layer.HARDWARE: Verdict.FAILED}
        found = self.decide(faults.Fault, 'its sensors fail', layers=ill)
        self.assertIs(faults.Layer.HARDWARE, found.layer)
        self.decide(diagnose.Unclear, 'silent', layers=ill, networks=ALIVE)

    def test_a_fault_tells_what_it_was_seen_by(self):
        seen = faults.Observation(
            'compute-1',
            faults.Layer.POWER,
            'power_ipmi',
            Verdict.FAILED,
            MOMENT,
        )
        found = self.decide(faults.Fault, 'off', power=Power.OFF, seen=(seen,))
        self.assertEqual((seen,), found.evidence)


EVIDENCES = strategies.builds(
    evidence,
    heard=strategies.booleans(),
    voices=strategies.dictionaries(
        strategies.sampled_from(['engine-2', 'engine-3', 'engine-4']),
        strategies.sampled_from(Voice),
    ),
    power=strategies.sampled_from(Power),
    networks=strategies.dictionaries(
        strategies.sampled_from(['management', 'storage', 'tenant']),
        strategies.sampled_from(Verdict),
    ),
    compute_down=strategies.booleans(),
    silent=strategies.booleans(),
    reached=strategies.dictionaries(
        strategies.sampled_from(['management', 'storage', 'tenant']),
        strategies.just(['compute-2']),
    ),
    layers=strategies.dictionaries(
        strategies.sampled_from([faults.Layer.HARDWARE, faults.Layer.OS]),
        strategies.sampled_from(Verdict),
    ),
)


class DiagnosePropertiesTest(base.TestCase):
    """Whatever is seen."""

    def is_fault(self, seen):
        return isinstance(diagnose.diagnose(seen), faults.Fault)

    @hypothesis.given(EVIDENCES)
    def test_a_host_that_anybody_heard_is_not_fenced(self, seen):
        hypothesis.assume(seen.heard or Voice.HEARD in seen.voices.values())
        self.assertFalse(self.is_fault(seen))

    @hypothesis.given(EVIDENCES)
    def test_nobody_is_fenced_while_an_engine_has_not_spoken(self, seen):
        hypothesis.assume(Voice.NOT_YET in seen.voices.values())
        self.assertFalse(self.is_fault(seen))

    @hypothesis.given(EVIDENCES)
    def test_a_host_of_unknown_power_is_not_fenced(self, seen):
        hypothesis.assume(seen.power is Power.UNKNOWN)
        self.assertFalse(self.is_fault(seen))

    @hypothesis.given(EVIDENCES)
    def test_a_host_that_misses_no_beat_yet_is_not_fenced(self, seen):
        hypothesis.assume(not seen.silent)
        self.assertFalse(self.is_fault(seen))

    @hypothesis.given(EVIDENCES)
    def test_a_powered_host_needs_two_dark_networks_or_word_of_its_death(
        self, seen
    ):
        hypothesis.assume(seen.power is Power.ON)
        verdicts = list(seen.networks.values())
        two_dark = verdicts.count(Verdict.FAILED) >= 2
        os_died = Verdict.HEALTHY in verdicts and seen.compute_down
        os_died |= seen.layers.get(faults.Layer.OS) is Verdict.FAILED
        if not (two_dark or os_died):
            self.assertFalse(self.is_fault(seen))

    @hypothesis.given(EVIDENCES)
    def test_a_wire_that_works_is_never_called_a_fault_of_the_network(
        self, seen
    ):
        hypothesis.assume(
            Verdict.HEALTHY in seen.networks.values() or seen.reached
        )
        found = diagnose.diagnose(seen)
        layer = getattr(found, 'layer', None)
        self.assertNotEqual(faults.Layer.NETWORK, layer)

    @hypothesis.given(EVIDENCES)
    def test_every_decision_has_a_reason(self, seen):
        self.assertNotEqual('', diagnose.diagnose(seen).why)
