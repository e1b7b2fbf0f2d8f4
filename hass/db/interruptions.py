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

"""Returns of hosts that a suspicion interrupts, and that go on after it.

What a return holds for operators is not forgotten when its host is suspected
for nothing. The suspicion remembers it, and the next return goes on with it.
"""

import datetime
from typing import Any

from hass.db import models
from hass.states import State

INTERRUPTED = 'interrupted'
"""A suspicion remembers by this which return it has superseded."""
RESUMED = 'resumed'
"""A new return remembers by this which earlier one it continues."""


def note(story: models.Recovery, held_for: object) -> dict[str, Any]:
    """What the story that supersedes a return has to remember of it.

    :param held_for: see recoveries.HELD_FOR
    """
    known = {
        'acknowledged_at': story.acknowledged_at,
        'alarmed_at': story.alarmed_at,
    }
    off_at = story.was.get(RESUMED, {}).get('off_at')
    return {
        INTERRUPTED: {
            'off_at': off_at or story.opened_at.isoformat(),
            'fault': story.fault,
            'held_for': held_for,
            **{key: at and at.isoformat() for key, at in known.items()},
        }
    }


def of(ended: models.Recovery) -> dict[str, Any]:
    """The return that goes on after this story; {}: none does.

    After its power was cut, or was off, a host returns from the beginning.
    """
    was = ended.was
    cut = was.get('off_sent') or was.get('off_since')
    if cut or ended.state != State.DISMISSED:
        return {}
    found: dict[str, Any] = was.get(INTERRUPTED, {})
    return found


def go_on(story: models.Recovery, interrupted: dict[str, Any]) -> None:
    """An operator who knows of the hold is not paged by the new return."""
    story.acknowledged_at = moment(interrupted['acknowledged_at'])
    story.alarmed_at = moment(interrupted['alarmed_at'])


def moment(text: str | None) -> datetime.datetime | None:
    """What note() has written."""
    return None if text is None else datetime.datetime.fromisoformat(text)
