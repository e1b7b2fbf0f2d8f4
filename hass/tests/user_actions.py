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

"""What users do with their instances, drawn at random."""

import enum
import random


class Kind(enum.StrEnum):
    """A deed of a user, with what takes it back."""

    STOP = 'stop, start'
    HARD_REBOOT = 'hard reboot'
    SOFT_REBOOT = 'soft reboot'
    DELETE = 'delete, create'
    REBUILD = 'rebuild'
    RESIZE = 'resize, confirm'
    REVERT = 'resize, revert'
    MIGRATE = 'migrate, confirm'
    LIVE_MIGRATE = 'live-migrate'
    PAUSE = 'pause, unpause'
    SUSPEND = 'suspend, resume'
    SHELVE = 'shelve, unshelve'
    RESCUE = 'rescue, unrescue'
    LOCK = 'lock, stop, start, unlock'
    VIRSH = 'virsh destroy, virsh start'
    """An operator's, past Nova: where there is a libvirt."""

    @property
    def actions(self) -> int:
        """How many actions it counts for."""
        return len(self.split(', '))


THROUGH_NOVA: tuple[Kind, ...] = tuple(
    kind for kind in Kind if kind is not Kind.VIRSH
)


def draw(
    seed: int, actions: int, kinds: tuple[Kind, ...] = THROUGH_NOVA
) -> list[Kind]:
    """So many actions at least: equal shares of the kinds, shuffled."""
    dice = random.Random(seed)
    drawn: list[Kind] = []
    while sum(kind.actions for kind in drawn) < actions:
        deck = list(kinds)
        dice.shuffle(deck)
        drawn += deck
    return drawn
