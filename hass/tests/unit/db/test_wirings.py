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

"""What is kept of wirings is read by engines of the release before too."""

import datetime

from hass.bmc import identity
from hass.db import wirings
from hass.tests import base

NOW = datetime.datetime(2026, 1, 1)


class WiringTest(base.TestCase):
    def test_what_a_newer_release_keeps_is_read(self):
        trial = wirings.Trial('1', 'hass-1', 'b', 'place', None, NOW)
        known = wirings.Wiring(identity.Wired.PROVEN, at=NOW, trial=trial)
        kept = known.to_dict()
        kept['temper'] = 'good'
        kept['trial']['temper'] = 'good'
        self.assertEqual(known, wirings.Wiring.read(kept))

    def test_what_only_a_newer_release_finds_proves_nothing(self):
        kept = wirings.Wiring(
            identity.Wired.PROVEN, until=NOW, place='192.0.2.1:623'
        ).to_dict()
        known = wirings.Wiring.read(kept | {'found': 'probable'})
        self.assertIsNone(known.holds('192.0.2.1:623', None, NOW))
        known = wirings.Wiring.read(kept)
        self.assertIs(
            identity.Wired.PROVEN, known.holds('192.0.2.1:623', None, NOW)
        )
