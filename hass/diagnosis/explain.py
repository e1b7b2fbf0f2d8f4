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


"""Why HASS does, or does not, act on a host now: a paragraph. Pure code.

The first sentence says what is done and why, in the order in which reasons
count: an open recovery, planned silence, what would keep a fault from being
recovered at all, an engine that distrusts itself, then what is seen. Ages are
rounded, so that the words change when their meaning does.
"""

from collections.abc import Iterator
from collections.abc import Mapping
import dataclasses

from hass.diagnosis import accrual
from hass.diagnosis import layers
from hass.diagnosis import quality
from hass import faults

FAILED = faults.Verdict.FAILED
HEALTHY = faults.Verdict.HEALTHY
SLOW = 'later than was wished'
"""Said of a host whose beats are lost, or known too little, for the wish."""
GUESTS = frozenset(
    {
        faults.Layer.INSTANCE,
        faults.Layer.GUEST_OS,
        faults.Layer.GUEST_NETWORK,
    }
)


@dataclasses.dataclass(frozen=True, slots=True)
class Story:
    """An open recovery of the host.

    :ivar held: the kind of hold, '' when it goes on
    """

    uuid: str
    workflow: str
    state: str
    why: str
    held: str = ''


@dataclasses.dataclass(frozen=True, slots=True)
class Situation:
    """All that bears on one host now.

    :ivar mode: the cluster's: observe, ask or act
    :ivar silence: network to the seconds since a beat arrived there; None:
        none ever did
    :ivar suspicion: what its silence on all networks gives reason for
    :ivar dark: networks whose silence has lasted long enough to tell of it
    :ivar timeouts: silence that gives low and high suspicion now
    :ivar known: of its layers, as layers.standings() has it
    :ivar planned: why its silence is planned, '' when it is not
    :ivar unprotected: what would keep its fault from being recovered
    :ivar restraint: what would be held back now, and why
    :ivar doubts: why the engine distrusts itself, '' when it does not
    :ivar degraded: a sentence for each missing detector
    :ivar strangers: a sentence for each of who takes its name or address
    """

    host: str
    cluster: str
    mode: str
    engine: str
    silence: Mapping[str, float | None] = dataclasses.field(
        default_factory=dict
    )
    suspicion: accrual.Suspicion = accrual.Suspicion.NONE
    dark: tuple[str, ...] = ()
    timeouts: quality.Timeouts | None = None
    known: tuple[layers.Standing, ...] = ()
    story: Story | None = None
    planned: str = ''
    unprotected: tuple[str, ...] = ()
    restraint: str = ''
    doubts: str = ''
    degraded: tuple[str, ...] = ()
    strangers: tuple[str, ...] = ()

    @property
    def silent_seconds(self) -> float | None:
        """Silence on all networks; None: it was never heard."""
        heard = [it for it in self.silence.values() if it is not None]
        return min(heard, default=None)


def explain(now: Situation) -> str:
    """The paragraph: whole sentences, nothing twice."""
    return ' '.join(_sentences(now))


def span(seconds: float) -> str:
    """A time, coarsely: it stays the same while it means the same."""
    if seconds < 10:
        return 'less than 10 s'
    if seconds < 60:
        return f'over {int(seconds // 10) * 10} s'
    if seconds < 3600:
        return f'over {int(seconds // 60)} min'
    return f'over {int(seconds // 3600)} h'


def _sentences(now: Situation) -> Iterator[str]:
    yield _verdict(now)
    yield from _heard(now)
    for one in now.strangers:
        yield f'{one[0].upper()}{one[1:]}.'
    yield from _seen(now)
    if now.story is None or now.story.held:
        yield from _would(now)
    for why in now.degraded:
        yield f'Degraded: {why}.'


def _verdict(now: Situation) -> str:
    """What is done about it, and why."""
    if now.story is not None:
        return _told(now.host, now.story)
    if now.planned:
        return f'HASS leaves {now.host} alone: {now.planned}.'
    if now.doubts:
        return (
            f'HASS does nothing about {now.host}: {now.engine} distrusts '
            f'itself and suspects nobody ({now.doubts}).'
        )
    silent = now.silent_seconds
    if silent is None:
        return (
            f'HASS does nothing about {now.host}: {now.engine} has not yet '
            'heard its agent, so its silence means nothing.'
        )
    if now.suspicion is accrual.Suspicion.HIGH:
        return f'HASS suspects {now.host}: its agent is silent.'
    if now.suspicion is accrual.Suspicion.LOW:
        return f'HASS looks at {now.host}: its agent has missed its beat.'
    return f'HASS does nothing about {now.host}: its agent beats.'


def _told(host: str, story: Story) -> str:
    if story.held:
        return (
            f'HASS holds back on {host} ({story.held}): {story.why} '
            f'(recovery {story.uuid}).'
        )
    return (
        f'HASS acts on {host}: {story.workflow} is {story.state}: '
        f'{story.why} (recovery {story.uuid}).'
    )


def _heard(now: Situation) -> Iterator[str]:
    silent = now.silent_seconds
    if silent is None:
        return
    if now.suspicion is accrual.Suspicion.NONE:
        if now.dark:
            yield (
                f'No beat of it arrives on {", ".join(now.dark)}, while it '
                'is heard on another network: that alone is reported, and '
                'never fenced.'
            )
        if now.timeouts is not None and now.timeouts.unmet:
            yield (
                'As far as the losses and delays of its beats are known, it '
                f'would be suspected after {now.timeouts.high_seconds:.0f} s '
                f'of silence, {SLOW}.'
            )
        return
    after = ''
    if now.timeouts is not None:
        after = (
            f'; probes start after {now.timeouts.low_seconds:.1f} s, '
            f'suspicion after {now.timeouts.high_seconds:.1f} s'
        )
    yield f'It was not heard on any network for {span(silent)}{after}.'


def _seen(now: Situation) -> Iterator[str]:
    for one in now.known:
        if one.state is FAILED and one.by is not None:
            detail = f': {one.by.detail}' if one.by.detail else ''
            yield f'Its {one.aspect} fails ({one.by.detector}{detail}).'
        if one.conflict:
            yield f'Of its {one.aspect} not all say the same: {one.conflict}.'
    works = [one.aspect for one in now.known if one.state is HEALTHY]
    if works:
        # Of a silent host the last look may be older than its fault.
        quiet = now.suspicion is not accrual.Suspicion.NONE
        when = ' before its silence, or since' if quiet else ''
        yield f'Seen to work{when}: {", ".join(works)}.'
    blind = [
        one.aspect
        for one in now.known
        if isinstance(one.aspect, faults.Layer)
        and one.state is faults.Verdict.UNKNOWN
        and one.aspect not in GUESTS
    ]
    if blind:
        yield f'Unknown now: {", ".join(blind)}.'


def _would(now: Situation) -> Iterator[str]:
    """What would come of a fault."""
    if now.unprotected:
        yield (
            'If it failed it would not be recovered: '
            f'{"; ".join(now.unprotected)}.'
        )
        return
    if now.restraint:
        yield f'If it failed it would be held: {now.restraint}.'
        return
    acts = {
        'observe': 'this would be told and nothing touched',
        'ask': 'HASS would ask an operator before it fences it',
        'act': 'HASS would fence it and evacuate its instances',
    }
    yield (
        f'If it failed {acts[now.mode]} (cluster {now.cluster} is in mode '
        f'{now.mode}).'
    )
