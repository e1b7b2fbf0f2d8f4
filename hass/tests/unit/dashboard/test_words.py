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

"""The dashboard has a word for each word of the API."""

from hass.db import clusters
from hass.db import models
from hass import entitlement
from hass import faults
from hass.recovery import workflow
from hass.tests import base
from hass_dashboard import words


class WordsTest(base.TestCase):
    def test_every_layer_mode_and_choice_has_one(self):
        for known, named in (
            (faults.Layer, words.LAYERS),
            (faults.SidePath, words.SIDE_PATHS),
            (faults.Verdict, words.VERDICTS),
            (models.Mode, words.MODES),
            (models.Targets, words.TARGETS),
            (entitlement.Protects, words.PROTECTS),
            (models.FenceState, words.FENCES),
        ):
            self.assertEqual({*known}, set(dict(named)))

    def test_every_state_has_one_and_says_whether_it_changes(self):
        states = {*workflow.State, *models.EvacuationState}
        self.assertEqual(states, set(dict(words.STATES)))
        self.assertEqual(states, set(dict(words.STATE_STATUSES)))
        ended = {*workflow.ENDED, 'done', 'left'}
        self.assertEqual(ended, set(words.ENDED))

    def test_a_new_cluster_protects_what_the_api_would(self):
        self.assertEqual(clusters.LAYERS, words.DEFAULT_LAYERS)
