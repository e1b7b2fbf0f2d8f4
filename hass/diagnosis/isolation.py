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

"""What to do with a host that lost some of its networks, and not all.

Its instances may be well: a host without its management network serves its
guests as before. So nothing is done unless the cluster's rules say otherwise.
Pure code.
"""

from collections.abc import Collection
from collections.abc import Mapping
from collections.abc import Sequence
import dataclasses
import enum
from typing import Any


class Action(enum.StrEnum):
    """What a rule says."""

    REPORT = 'report'
    FENCE = 'fence'


@dataclasses.dataclass(frozen=True, slots=True)
class Rule:
    """One line of a cluster's matrix of paths.

    :ivar lost: fits when all of these networks are dark
    :ivar alive: and all of these are alive
    """

    lost: frozenset[str]
    action: Action
    alive: frozenset[str] = frozenset()

    def fits(self, dark: Collection[str], alive: Collection[str]) -> bool:
        return self.lost <= set(dark) and self.alive <= set(alive)


def read(rows: Sequence[Mapping[str, Any]] | None) -> tuple[Rule, ...]:
    """The rules of a cluster's row: ``{"lost", "alive", "action"}`` each."""
    return tuple(
        Rule(
            frozenset(row['lost']),
            Action(row['action']),
            frozenset(row.get('alive', ())),
        )
        for row in rows or ()
    )


def decide(
    rules: Sequence[Rule], dark: Collection[str], alive: Collection[str]
) -> tuple[Action, str]:
    """What the first rule that fits says, and why."""
    state = f'it lost {_names(dark)} and is alive on {_names(alive)}'
    for number, rule in enumerate(rules, 1):
        if rule.fits(dark, alive):
            return rule.action, (
                f"{state}: rule {number} of its cluster's isolation says to "
                f'{rule.action} it'
            )
    return Action.REPORT, (
        f"{state}: no rule of its cluster's isolation fits, so it is reported "
        'and not fenced'
    )


def _names(networks: Collection[str]) -> str:
    return ', '.join(sorted(networks))
