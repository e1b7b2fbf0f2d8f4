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

"""What ends a held recovery by itself, as its row has it."""

from hass.db import models
from hass.states import State
from hass import until

PASSING = frozenset(
    {
        models.HeldKind.RESTRAINT,
        models.HeldKind.CAPACITY,
        models.HeldKind.DEADLINE,
    }
)


def ends_of(recovery: models.Recovery) -> tuple[until.Until, ...]:
    """What ends the hold; an older engine has written down no condition."""
    if recovery.until is None and recovery.held_kind in PASSING:
        return (until.anew(),)
    return until.of_all(recovery.until)


def goes_on_when(recovery: models.Recovery) -> str | None:
    """When it goes on by itself; None: not held, or a human has to act."""
    if recovery.state != State.HELD:
        return None
    return until.sentence(ends_of(recovery))
