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

"""What the outer world is told: bodies of notifications and webhooks.

Each has a version: its second number grows when a field is added, its first
one when a field goes or gets another meaning.
"""

from collections.abc import Mapping
import dataclasses
import datetime
import enum
from typing import Any


class Event(enum.StrEnum):
    """Names of what is told."""

    TRANSITION = 'hass.recovery.transition'
    ALARM = 'hass.alarm'


@dataclasses.dataclass(frozen=True, slots=True)
class Transition:
    """A recovery went on to another state, or was opened.

    :ivar recovery: its uuid
    :ivar subject: the host's name, or the instance's uuid
    :ivar cluster: its name; None: it was deleted
    :ivar old: None: the recovery was opened
    :ivar held_kind: why it is held; None: it is not
    :ivar layer: the lowest one that failed; None: no fault was found yet
    :ivar engine: who decided it
    :ivar at, opened_at: by the database's clock, naive UTC
    """

    recovery: str
    workflow: str
    subject: str
    cluster: str | None
    old: str | None
    new: str
    held_kind: str | None
    layer: str | None
    why: str
    engine: str
    at: datetime.datetime
    opened_at: datetime.datetime

    def to_dict(self) -> dict[str, Any]:
        """JSON."""
        return {
            'version': '1.0',
            'recovery': self.recovery,
            'workflow': self.workflow,
            'subject': self.subject,
            'cluster': self.cluster,
            'from': self.old,
            'to': self.new,
            'held_kind': self.held_kind,
            'layer': self.layer,
            'why': self.why,
            'engine': self.engine,
            'at': shown(self.at),
            'opened_at': shown(self.opened_at),
        }


def alarm(told: Mapping[str, Any]) -> dict[str, Any]:
    """An alarm with all the fields that one can have.

    :param told: at least ``subject`` and ``why``
    """
    fields = (
        'recovery',
        'workflow',
        'held_kind',
        'goes_on_when',
        'since',
        'losses',
    )
    return {'version': '1.1', **dict.fromkeys(fields), **told}


def shown(moment: datetime.datetime) -> str:
    """ISO 8601; the argument is naive UTC."""
    return f'{moment.isoformat(timespec="microseconds")}Z'
