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

"""What is measured of a path: lost beats, and the delay of the others.

Each quantity has two memories, of which the more cautious counts (Tomsic
and others, "2W-FD", IPDPS 2015): the short one sees that a network has
just become bad, the long one does not forget it too soon.
"""

import math

SHORT_BEATS = 20
LONG_BEATS = 2000
BURST_BEATS = 20000
"""The long memory of how losses follow each other: most are rare."""
DELAY_BEATS = 100
"""The long memory of delays; two clocks may run apart by 0.5 ms a second,
so that it must not be too long."""
PRIOR_LOSS, PRIOR_BEATS = 0.01, 10.0
PRIOR_AFTER_LOSS, PRIOR_LOSSES = 0.2, 5.0
"""What is believed of a new path, and how many beats outvote that."""
PRIOR_JITTER, PRIOR_DELAYS = 0.1, 4
"""A share of the beat interval, and so many beats outvote it."""


class _Share:
    """How many of those counted were lost, older ones fading.

    :param weight: so many counts it takes to outvote what was believed
    """

    def __init__(self, memory: int, weight: float) -> None:
        self._keep = 1.0 - 1.0 / memory
        self._weight = weight
        self._all = self._lost = 0.0

    def take(self, count: int, lost: int) -> None:
        self._all = self._all * self._keep + count
        self._lost = self._lost * self._keep + lost

    def found(self) -> None:
        """One that was counted as lost was only late."""
        self._lost = max(0.0, self._lost - 1)

    def value(self, believed: float) -> float:
        lost = believed * self._weight + self._lost
        return lost / (self._weight + self._all)


class _Recall:
    """A share in two memories: the short one starts from the long one."""

    def __init__(self, believed: float, weight: float, long: int) -> None:
        self._believed = believed
        self._long = _Share(long, weight)
        self._short = _Share(SHORT_BEATS, weight)

    def take(self, count: int, lost: int) -> None:
        self._long.take(count, lost)
        self._short.take(count, lost)

    def found(self) -> None:
        self._long.found()
        self._short.found()

    def value(self) -> float:
        """The more cautious of both."""
        long = self._long.value(self._believed)
        return max(long, self._short.value(long))


class Losses:
    """Lost beats, and how they follow each other.

    Beats after one lost beat and after more of them are counted apart: a
    single loss tells less of a burst than the second one. Bursts that come
    a few times an hour are learned only slowly: under [rough] of
    tools/noise/noise.toml 8 false alarms a year came where 1 was wished
    (10,000 host-hours, each host anew every 10 hours).
    """

    def __init__(self) -> None:
        self._all = _Recall(PRIOR_LOSS, PRIOR_BEATS, LONG_BEATS)
        self._after_one = _Recall(PRIOR_AFTER_LOSS, PRIOR_LOSSES, BURST_BEATS)
        self._after_more = _Recall(PRIOR_AFTER_LOSS, PRIOR_LOSSES, BURST_BEATS)

    def take(self, run: int) -> None:
        """A beat came, after so many lost ones."""
        self._all.take(run + 1, run)
        self._after_one.take(min(run, 1), min(max(run - 1, 0), 1))
        self._after_more.take(max(run - 1, 0), max(run - 2, 0))

    def found(self) -> None:
        """One that was counted as lost was only late."""
        self._all.found()
        self._after_one.found()
        self._after_more.found()

    def share(self) -> float:
        return self._all.value()

    def share_after_loss(self) -> float:
        return max(self._after_one.value(), self._after_more.value())


class _Delay:
    """Mean and variance of arrivals, older ones fading."""

    def __init__(self, memory: int, variance: float) -> None:
        self._least_weight = 1.0 / memory
        self._count = 0
        self.mean: float | None = None
        self.variance = variance

    def take(self, offset: float, tardy: float, outlier: float) -> None:
        if self.mean is None:
            self.mean = offset
        weight = max(self._least_weight, 1.0 / (self._count + PRIOR_DELAYS))
        wrong = min(outlier, abs(offset - self.mean + tardy))
        self.mean += weight * (offset - self.mean)
        self.variance += weight * (wrong * wrong - self.variance)
        self._count += 1


class Delays:
    """Both memories of one path.

    :param beat_seconds: what is believed of the jitter is a share of it
    """

    def __init__(self, beat_seconds: float) -> None:
        variance = (PRIOR_JITTER * beat_seconds) ** 2
        self._short = _Delay(SHORT_BEATS, variance)
        self._long = _Delay(DELAY_BEATS, variance)

    def take(self, offset: float, tardy: float, outlier: float) -> None:
        """A beat came this long after it was sent, by two clocks.

        :param tardy: how much later than planned it was sent
        :param outlier: no deviation counts for more
        """
        self._short.take(offset, tardy, outlier)
        self._long.take(offset, tardy, outlier)

    def forget_clock(self) -> None:
        """The host counts its time anew; the jitter stays what it was."""
        self._short.mean = self._long.mean = None

    def mean(self) -> float | None:
        """The longer mean of (arrival - uptime); None when not known."""
        short, long = self._short.mean, self._long.mean
        return None if short is None or long is None else max(short, long)

    def jitter(self) -> float:
        """The larger standard deviation, in seconds."""
        return math.sqrt(max(self._short.variance, self._long.variance))
