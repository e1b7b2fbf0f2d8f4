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

"""Whether our own clock is the one that is wrong. Pure code.

An engine refuses the beats of a new boot whose wall clock is over a minute
off: they may be played back. If it is the engine's clock that is wrong, it
refuses every new boot, and hears less than there is.
"""

from collections.abc import Collection
import statistics

APART_SECONDS = 60.0
"""So far off a new boot is refused: see beats.CLOCK_SECONDS."""
LEAST_OTHERS = 2
AGREEING = 0.75


def wrong(own: float, others: Collection[float]) -> str:
    """What is wrong with our clock, '' when nothing tells that it is.

    :param own: seconds by which it is ahead of the database's
    :param others: the same of other engines and of hosts
    """
    if len(others) < LEAST_OTHERS:
        return ''
    middle = statistics.median(others)
    agreeing = [one for one in others if abs(one - middle) <= APART_SECONDS]
    apart = own - middle
    if len(agreeing) < AGREEING * len(others) or abs(apart) <= APART_SECONDS:
        return ''
    way = 'ahead of' if apart > 0 else 'behind'
    return (
        f'its clock is {abs(apart):.0f} s {way} those of all others '
        f'({len(agreeing)} engines and hosts)'
    )
