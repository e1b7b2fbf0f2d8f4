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

"""The twin of tools/noise/simulate.py: many hosts at once, with numpy.

It does with vectors what hass.diagnosis.accrual, measures and quality do for
one host, in the same order of the same operations, so that it finds the very
same suspicions. What does not hang on what was measured before, such as how
many beats were lost between two, is worked out for a whole host at once; the
memories step from beat to beat, over all hosts of a batch.

The clock of no host jumps here, and none boots: a life with a beat that was
under way for a minute is refused.
"""

import dataclasses
import functools

import numpy as np

from hass.diagnosis import accrual
from hass.diagnosis import measures
from hass.diagnosis import quality
from tools.noise import model as noise_model
from tools.noise import simulate as simulate_noise

Floats = noise_model.Floats
Ints = noise_model.Ints

BLOCK = 256
"""Beats that are laid out for stepping at a time."""
LONG, SHORT, ALL, LOST = 0, 1, 0, 1
MEMORIES = np.array(
    [
        [measures.LONG_BEATS, measures.SHORT_BEATS],
        [measures.BURST_BEATS, measures.SHORT_BEATS],
        [measures.BURST_BEATS, measures.SHORT_BEATS],
    ],
    float,
)
"""Of measures.Losses: of all beats, those after one lost, after more."""
RUNS = np.arange(accrual.OUTAGE_BEATS)
DELAY_WEIGHTS = np.array([1 / measures.DELAY_BEATS, 1 / measures.SHORT_BEATS])


@dataclasses.dataclass(frozen=True, slots=True)
class Plan:
    """What one host's memories will be told; one row for each new beat.

    :ivar offsets: arrival less moment of sending, in seconds
    :ivar tardy: how much later than planned it was sent
    :ivar outliers: no deviation counts for more
    :ivar runs: beats lost before it
    :ivar found: lost ones that came late, since the beat before
    :ivar after: of each silence to judge, the newest beat before it
    :ivar late: lost ones that came late in it
    :ivar silences: their lengths
    :ivar since: their beginnings
    :ivar longest: of all, in seconds
    :ivar beats: the measured interval of beats
    :ivar leads: by what beat ``after`` may have been early: sent, arrived;
        a silence after a beat's second network has none
    """

    offsets: Floats
    tardy: Floats
    outliers: Floats
    runs: Ints
    found: Ints
    after: Ints
    late: Ints
    silences: Floats
    since: Floats
    beats: Floats
    sent: Floats
    arrived: Floats
    fresh: noise_model.Bools
    longest: float


def plan(noise: noise_model.Noise, heard: noise_model.Heard) -> Plan:
    """Work out what hangs on the beats alone."""
    sequences = heard.sequences()
    advance = heard.numbers > _before(heard.numbers)
    newer = sequences > _before(sequences)
    ordinal = np.cumsum(advance) - 1
    at = np.flatnonzero(advance)
    sent, arrived = heard.sent[at], heard.arrivals[at]
    offsets = arrived - sent
    if np.ptp(offsets) >= accrual.CLOCK_SECONDS:
        raise ValueError('a beat was under way for a minute')
    gaps = np.diff(sent)
    beats = intervals(gaps, noise.beat_seconds)
    rounds = np.maximum(1, np.rint(gaps / beats[:-1]))
    tardy = gaps - rounds * beats[:-1]
    lost = np.append(0, rounds - 1).astype(np.int64)
    came_late = _found(heard, ~newer, ordinal, sent, beats, rounds)
    late = np.cumsum(came_late)
    # Silences, each from one newest beat to the next.
    news = np.flatnonzero(newer)
    silences = np.diff(heard.arrivals[news])
    before = np.append(0.0, silences)[np.searchsorted(news, at)]
    intervals_before = np.append(noise.beat_seconds, beats[:-1])
    outages = (
        np.maximum(lost, before / intervals_before) >= accrual.OUTAGE_BEATS
    )
    judged = np.flatnonzero(
        (silences > simulate_noise.LEAST * noise.beat_seconds)
        & (silences >= quality.LOW_BEATS * beats[ordinal[news[:-1]]])
    )
    first, last = news[judged], news[judged + 1]
    after = ordinal[first]
    ended = np.maximum.accumulate(np.where(outages, np.arange(len(at)), -1))
    waited = (ended >= 0) & (
        arrived < arrived[ended] + accrual.FLUSH_BEATS * intervals_before
    )
    return Plan(
        offsets,
        np.append(0.0, tardy),
        np.where(waited, 0.0, accrual.OUTLIER_BEATS * intervals_before),
        np.where(outages, np.minimum(lost, accrual.OUTAGE_LOSSES), lost),
        np.diff(late[at], prepend=0),
        after,
        late[last] - late[at[after]],
        silences[judged],
        heard.arrivals[first],
        beats[after],
        sent[after],
        arrived[after],
        advance[first],
        float(silences.max(initial=0)),
    )


def _before(values: Ints) -> Ints:
    """The largest of all earlier ones, -1 for the first."""
    return np.append(-1, np.maximum.accumulate(values)[:-1])


def _found(
    heard: noise_model.Heard,
    fill: noise_model.Bools,
    ordinal: Ints,
    sent: Floats,
    beats: Floats,
    rounds: Floats,
) -> noise_model.Bools:
    """Which beats had been counted as lost: Path._fill()."""
    found = np.zeros(len(ordinal), np.bool_)
    old = np.flatnonzero(fill)
    newest = ordinal[old]
    ago = np.rint((sent[newest] - heard.sent[old]) / beats[newest])
    marks = np.append(0, np.cumsum(np.minimum(rounds, accrual.ROUNDS)))
    mark = marks[newest] - ago
    known = marks[np.searchsorted(marks, mark)] == mark
    good = (ago > 0) & (ago < accrual.ROUNDS) & ~known
    old, mark = old[good], mark[good]
    found[old[np.unique(mark, return_index=True)[1]]] = True
    return found


def intervals(gaps: Floats, beat_seconds: float) -> Floats:
    """The beat interval after each beat: a low one of the last gaps.

    The fifth of sixteen, from the least of pairs, fours and eights.
    """
    wanted = accrual.GAPS // 4 + 1
    padded = np.append([beat_seconds] * accrual.GAPS, gaps)
    lowest, size = [padded], 1
    while size < accrual.GAPS:
        left = [each[:-size] for each in lowest]
        right = [each[size:] for each in lowest]
        size *= 2
        first = wanted if size == accrual.GAPS else 1
        lowest = [
            _lowest(left, right, nth)
            for nth in range(first, min(size, wanted) + 1)
        ]
    return lowest[0]


def _lowest(left: list[Floats], right: list[Floats], nth: int) -> Floats:
    """The nth lowest of two sorted columns: so many are from the left."""
    splits = []
    for taken in range(nth + 1):
        if taken <= len(left) and nth - taken <= len(right):
            sides = []
            if taken:
                sides.append(left[taken - 1])
            if nth - taken:
                sides.append(right[nth - taken - 1])
            splits.append(functools.reduce(np.maximum, sides))
    return functools.reduce(np.minimum, splits)


class Memories:
    """measures.Losses and measures.Delays of many hosts.

    :ivar shares: host, kind, memory, and counts of all and of lost beats
    """

    def __init__(self, hosts: int, beat_seconds: float) -> None:
        self.shares = np.zeros((hosts, *MEMORIES.shape, 2))
        self.means = np.zeros((hosts, 2))
        believed = (measures.PRIOR_JITTER * beat_seconds) ** 2
        self.variances = np.full((hosts, 2), believed)
        keep = np.repeat(1.0 - 1.0 / MEMORIES[..., None], 2, axis=2)
        self._keep = keep.reshape(-1)
        self._flat = self.shares.reshape(hosts, -1)
        zero = np.zeros_like(RUNS)
        counts = [
            (RUNS + 1, RUNS),
            (np.minimum(RUNS, 1), np.clip(RUNS - 1, 0, 1)),
            (np.maximum(RUNS - 1, zero), np.maximum(RUNS - 2, zero)),
        ]
        table = np.array([[kind, kind] for kind in counts], float)
        self._table = table.transpose(3, 0, 1, 2).reshape(len(RUNS), -1).copy()
        self._taken = np.empty((hosts, self._table.shape[1]))

    def find(self, hosts: Ints, found: Ints) -> None:
        lost = self.shares[hosts, :, :, LOST] - found[:, None, None]
        self.shares[hosts, :, :, LOST] = np.maximum(0.0, lost)

    def take(
        self,
        nth: int,
        offsets: Floats,
        tardy: Floats,
        outliers: Floats,
        runs: Ints,
    ) -> None:
        """The nth beat of each host came; columns of one value each."""
        self._flat *= self._keep
        self._flat += self._table.take(
            runs, axis=0, out=self._taken, mode='clip'
        )
        if not nth:
            self.means[:] = offsets
        weights = np.maximum(
            DELAY_WEIGHTS, 1.0 / (nth + measures.PRIOR_DELAYS)
        )
        off = offsets - self.means
        wrong = np.minimum(outliers, np.abs(off + tardy))
        wrong *= wrong
        wrong -= self.variances
        wrong *= weights
        self.variances += wrong
        off *= weights
        self.means += off


@dataclasses.dataclass(frozen=True, slots=True)
class Wrongs:
    """Suspected silences of a batch; see simulate_noise.Wrong.

    :ivar hosts: by their rows in the batch
    :ivar longest: of all silences, in seconds
    """

    hosts: Ints
    since: Floats
    phi: Floats
    high: noise_model.Bools
    longest: float

    def of(self, host: int) -> list[simulate_noise.Wrong]:
        """Those of one host."""
        mine = self.hosts == host
        return list(
            zip(
                self.since[mine].tolist(),
                self.phi[mine].tolist(),
                self.high[mine].tolist(),
                strict=True,
            )
        )


def listen(
    scene: simulate_noise.Scene,
    first: int,
    count: int,
    hours: float = simulate_noise.HOST_HOURS,
) -> Wrongs:
    """Hear so many hosts, as simulate_noise.listen() hears each."""
    plans = [
        plan(
            scene.noise,
            noise_model.hear(
                noise_model.live(scene.noise, scene.seed, host, hours)
            ),
        )
        for host in range(first, first + count)
    ]
    hosts = np.repeat(np.arange(count), [len(each.after) for each in plans])
    order = np.lexsort((hosts, _joined(plans, 'after')))
    hosts = hosts[order]
    shares, means, variances = _step(scene, plans, hosts, order)
    silences = _joined(plans, 'silences')[order]
    beats = _joined(plans, 'beats')[order]
    lost = shares[..., LOST] - _joined(plans, 'late')[order][:, None, None]
    shares[..., LOST] = np.maximum(0.0, lost)
    arrived = _joined(plans, 'arrived')[order]
    expected = np.minimum(
        np.maximum(arrived, _joined(plans, 'sent')[order] + means.max(axis=1)),
        arrived + beats,
    )
    leads = np.where(_joined(plans, 'fresh')[order], expected - arrived, 0.0)
    phi = _phi(shares, variances, beats, silences - leads)
    low, high = _judge(scene.wish, phi, beats, silences)
    since = _joined(plans, 'since')[order]
    return Wrongs(
        hosts[low],
        since[low],
        phi[low],
        high[low],
        max(each.longest for each in plans),
    )


def _joined(plans: list[Plan], name: str) -> noise_model.Floats:
    return np.concatenate([getattr(each, name) for each in plans])


def _step(
    scene: simulate_noise.Scene,
    plans: list[Plan],
    hosts: Ints,
    order: Ints,
) -> tuple[Floats, Floats, Floats]:
    """The memories as they are in each silence that is to be judged."""
    memories = Memories(len(plans), scene.noise.beat_seconds)
    steps = max(len(each.offsets) for each in plans)
    ends = np.searchsorted(
        _joined(plans, 'after')[order], np.arange(steps), 'right'
    ).tolist()
    seen = (
        np.empty((len(order), *memories.shares.shape[1:])),
        np.empty((len(order), 2)),
        np.empty((len(order), 2)),
    )
    begin = 0
    for start in range(0, steps, BLOCK):
        offsets, tardy, outliers = (
            _columns(plans, name, start)[..., None]
            for name in ('offsets', 'tardy', 'outliers')
        )
        runs = _columns(plans, 'runs', start).astype(np.int64)
        found = _columns(plans, 'found', start).astype(np.int64)
        some = set(np.flatnonzero(found.any(axis=1)).tolist())
        for row in range(min(BLOCK, steps - start)):
            if row in some:
                which = np.flatnonzero(found[row])
                memories.find(which, found[row][which])
            memories.take(
                start + row,
                offsets[row],
                tardy[row],
                outliers[row],
                runs[row],
            )
            end = ends[start + row]
            if end > begin:
                rows = hosts[begin:end]
                seen[0][begin:end] = memories.shares[rows]
                seen[1][begin:end] = memories.means[rows]
                seen[2][begin:end] = memories.variances[rows]
                begin = end
    return seen


def _columns(plans: list[Plan], name: str, start: int) -> Floats:
    """A block of one field, a row for each step; 0 after a host's end."""
    block = np.zeros((len(plans), BLOCK))
    for row, each in enumerate(plans):
        values = getattr(each, name)[start : start + BLOCK]
        block[row, : len(values)] = values
    return np.ascontiguousarray(block.T)


def _judge(
    wish: quality.Wish, phi: Floats, beats: Floats, silences: Floats
) -> tuple[noise_model.Bools, noise_model.Bools]:
    """Path.suspicion() of each silence: whether it is any, whether high.

    None of them is too short for any.
    """
    high_phi, low_phi = (
        -np.log10(np.minimum(1.0, wished * beats / span))
        for wished, span in (
            (wish.false_alarms_per_host_year, quality.YEAR_SECONDS),
            (wish.probes_per_host_hour, quality.HOUR_SECONDS),
        )
    )
    least = quality.HIGH_BEATS * beats
    high = (silences >= np.maximum(wish.longest_seconds, least)) | (
        (silences >= np.maximum(wish.target_seconds, least))
        & (phi >= high_phi)
    )
    return high | (phi >= low_phi), high


def _share(counts: Floats, believed: float, weight: float) -> Floats:
    """measures._Recall.value(), of memories and counts."""
    long, short = counts[:, LONG], counts[:, SHORT]
    share = (believed * weight + long[:, LOST]) / (weight + long[:, ALL])
    now = (share * weight + short[:, LOST]) / (weight + short[:, ALL])
    return np.maximum(share, now)


def _phi(
    shares: Floats, variances: Floats, beats: Floats, silences: Floats
) -> Floats:
    """Path.network() and quality.Network.phi() of each."""
    after_loss = measures.PRIOR_AFTER_LOSS, measures.PRIOR_LOSSES
    loss = _share(shares[:, 0], measures.PRIOR_LOSS, measures.PRIOR_BEATS)
    later = np.maximum(
        _share(shares[:, 1], *after_loss), _share(shares[:, 2], *after_loss)
    )
    later = np.maximum(loss, later)
    jitter = np.sqrt(variances.max(axis=1))
    variance = np.maximum(jitter, accrual.LEAST_JITTER * beats) ** 2
    chance, lost = np.ones_like(loss), loss
    overdue = silences - beats
    while (going := (overdue > 0) & (chance > 1e-300)).any():
        late = variance / (variance + overdue * overdue)
        factor = lost + (1.0 - lost) * late
        chance = np.where(going, chance * factor, chance)
        lost, overdue = later, overdue - beats
    phi: Floats = -np.log10(np.maximum(chance, 1e-300))
    return phi
