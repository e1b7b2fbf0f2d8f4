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

from hass.tests import base
from hass.tests import chaos

SEEDS = (6, 121, 132, 20061, 20068, 20100, 20137)
"""Stories that were once interesting; make soak SET=chaos plays others."""


class ChaosTest(base.TestCase):
    """One test for each seed."""


def _add(seed):
    name = f'test_no_instance_runs_twice_or_is_lost_with_seed_{seed}'
    setattr(ChaosTest, name, lambda self: chaos.play(seed))


for _seed in SEEDS:
    _add(_seed)
