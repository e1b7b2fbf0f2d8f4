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

"""What was taken over and what was not, as an operator reads it."""

from collections.abc import Sequence
import dataclasses


@dataclasses.dataclass(slots=True)
class Report:
    """Sentences, in the order in which things happened.

    :ivar taken: what is new in our tables
    :ivar left: what could not be taken, and why
    :ivar present: what was there already and was left as it is
    :ivar advice: what the operator has to do next
    """

    taken: list[str] = dataclasses.field(default_factory=list)
    left: list[str] = dataclasses.field(default_factory=list)
    present: list[str] = dataclasses.field(default_factory=list)
    advice: list[str] = dataclasses.field(default_factory=list)

    def text(self, dry_run: bool) -> str:
        """Many lines: a title, and under it its sentences."""
        parts = [
            _part('would be taken' if dry_run else 'taken', self.taken),
            _part('not taken', self.left),
        ]
        if self.present:
            parts.append(_part('there already, not changed', self.present))
        if dry_run:
            parts.append('dry run: nothing was written')
        else:
            parts.append(_part('left to do', self.advice))
        return '\n'.join(parts)


def _part(title: str, sentences: Sequence[str]) -> str:
    lines = [f'  {one}' for one in sentences or ['nothing']]
    return '\n'.join([f'{title}:', *lines])
