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

"""Reads a scenario: a line each for a setting or for an event."""

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence
import dataclasses
import enum
import functools
from typing import Any

from hass.db import clusters
from hass.db import models
from hass.diagnosis import isolation
from hass import entitlement
from hass import faults
from hass.simulation.scenario import cloud_deeds
from hass.simulation.scenario import engine_deeds
from hass.simulation.scenario import host_deeds
from hass.simulation.scenario import instance_deeds
from hass.simulation.scenario import phrases
from hass.simulation.scenario.phrases import BadLine
from hass.simulation.scenario.phrases import Phrase
from hass.simulation.scenario.stage import Act
from hass.simulation.scenario.stage import Stage

MAX_HOSTS = 200
MAX_ENGINES = 9
MAX_INSTANCES = 1000
MAX_SECONDS = 100_000.0
ONCE = frozenset(
    {
        *('hosts', 'engines', 'networks', 'mode', 'targets', 'protects'),
        *('layers', 'seed', 'step', 'run'),
    }
)
"""Settings of which a second one would undo the first."""


@dataclasses.dataclass(frozen=True, slots=True)
class Event:
    """Something that happens at a moment, and how the file says it."""

    seconds: float
    text: str
    act: Act
    line: int


class Guests(enum.Enum):
    """What is known of instances before anything happens."""

    CHOSEN = enum.auto()
    PLAIN = enum.auto()
    """Neither chosen nor tagged."""
    TAGGED = enum.auto()
    AMPHORAE = enum.auto()
    """Octavia's."""


@dataclasses.dataclass(slots=True)
class Scenario:
    """What a file asks for.

    :ivar isolation: the cluster's rules, as its row has them
    :ivar instances: how many on which host, and of which kind
    :ivar options: (group.name, value) of options that are no default
    :ivar step: seconds from one turn of the engines to the next
    :ivar run: seconds that are played
    :ivar lines: where each of the settings stands that may stand once
    """

    hosts: int = 4
    engines: int = 2
    networks: tuple[str, ...] = ('management', 'storage', 'tenant')
    mode: models.Mode = models.Mode.ACT
    shared_storage: bool = True
    targets: models.Targets = models.Targets.CLUSTER
    protects: entitlement.Protects = entitlement.Protects.CHOSEN
    layers: tuple[str, ...] = clusters.LAYERS
    isolation: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    instances: list[tuple[int, str, Guests]] = dataclasses.field(
        default_factory=list
    )
    options: list[tuple[str, str]] = dataclasses.field(default_factory=list)
    labels: list[tuple[str, str, str]] = dataclasses.field(
        default_factory=list
    )
    rooms: list[tuple[str, int]] = dataclasses.field(default_factory=list)
    seed: int = 0
    step: float = 0.25
    run: float = 0.0
    events: list[Event] = dataclasses.field(default_factory=list)
    lines: dict[str, int] = dataclasses.field(default_factory=dict)

    def host_names(self) -> list[str]:
        return [f'compute-{number + 1}' for number in range(self.hosts)]

    def engine_names(self) -> list[str]:
        return [f'engine-{number + 1}' for number in range(self.engines)]


def parse(text: str) -> Scenario:
    """Understand a file.

    Settings are read first, wherever they stand: events name what they set.

    :raises BadLine: naming the line, and what it might have said
    """
    lines = [
        (number, line.partition('#')[0].strip())
        for number, line in enumerate(text.splitlines(), start=1)
    ]
    scenario = Scenario()
    events = [(n, line) for n, line in lines if line.startswith('at ')]
    settings = [
        (n, line) for n, line in lines if line and not line.startswith('at ')
    ]
    for hosts_first in (True, False):
        for number, line in settings:
            if line.startswith(('hosts', 'networks')) is hosts_first:
                _set(scenario, number, line)
    if not scenario.run:
        raise BadLine(0, "how long? There must be a line like 'run 60 s'")
    scenario.events = [_event(scenario, *line) for line in events]
    return scenario


# Settings.


def _set(scenario: Scenario, number: int, line: str) -> None:
    try:
        words = phrases.split(line)
        found = phrases.understand(SETTINGS, words)
        if found is None:
            raise ValueError(
                f'{line!r} is no setting and no event: '
                f'{_offer(SETTINGS, words)}'
            )
        word = line.split()[0]
        if word in ONCE and scenario.lines.setdefault(word, number) != number:
            raise ValueError(
                f'line {scenario.lines[word]} has said {word!r} already'
            )
        phrase, slots = found
        phrase.means(scenario, **slots)
    except ValueError as error:
        raise BadLine(number, str(error)) from None


def _within(name: str, value: float, most: float) -> None:
    if not 0 < value <= most:
        raise ValueError(
            f'{name} must be above 0 and at most {most:g}, not {value:.15g}'
        )


def _hosts(scenario: Scenario, number: int) -> None:
    _within('hosts', number, MAX_HOSTS)
    scenario.hosts = number


def _engines(scenario: Scenario, number: int) -> None:
    _within('engines', number, MAX_ENGINES)
    scenario.engines = number


def _networks(scenario: Scenario, words: list[str]) -> None:
    if len(set(words)) < len(words):
        raise ValueError(f'networks must differ: {" ".join(words)}')
    scenario.networks = tuple(words)


def _mode(scenario: Scenario, name: str) -> None:
    scenario.mode = models.Mode(_one_of('mode', name, models.Mode))


def _targets(scenario: Scenario, name: str) -> None:
    scenario.targets = models.Targets(_one_of('targets', name, models.Targets))


def _rule(
    action: isolation.Action,
    scenario: Scenario,
    networks: list[str],
    words: Iterable[str] = (),
) -> None:
    known = list(scenario.networks)
    scenario.isolation.append(
        {
            'lost': _known(networks, known, 'network'),
            'alive': _known(list(words), known, 'network'),
            'action': str(action),
        }
    )


def _local_disks(scenario: Scenario) -> None:
    scenario.shared_storage = False


def _protects(scenario: Scenario, name: str) -> None:
    found = _one_of('protects', name, entitlement.Protects)
    scenario.protects = entitlement.Protects(found)


def _layers(scenario: Scenario, words: list[str]) -> None:
    for word in words:
        _one_of('layers', word, faults.Layer)
    scenario.layers = tuple(words)


def _instances(
    kind: Guests, scenario: Scenario, number: int, hosts: list[str]
) -> None:
    _within('instances', number, MAX_INSTANCES)
    for host in _known(hosts, scenario.host_names(), 'host'):
        scenario.instances.append((number, host, kind))


def _room(scenario: Scenario, number: int, hosts: list[str]) -> None:
    for host in _known(hosts, scenario.host_names(), 'host'):
        scenario.rooms.append((host, number))


def _option(scenario: Scenario, name: str, words: list[str]) -> None:
    scenario.options.append((name, ' '.join(words)))


def _label(scenario: Scenario, name: str, hosts: list[str]) -> None:
    key, equals, value = name.partition('=')
    if not (key and equals and value):
        raise ValueError(f'a label is KEY=VALUE, not {name}')
    for host in _known(hosts, scenario.host_names(), 'host'):
        scenario.labels.append((host, key, value))


def _seed(scenario: Scenario, number: int) -> None:
    scenario.seed = number


def _step(scenario: Scenario, seconds: float) -> None:
    _within('step', seconds, 1.0)
    scenario.step = seconds


def _run(scenario: Scenario, seconds: float) -> None:
    _within('run', seconds, MAX_SECONDS)
    scenario.run = seconds


SETTINGS = (
    Phrase('hosts NUMBER', _hosts),
    Phrase('engines NUMBER', _engines),
    Phrase('networks WORDS', _networks),
    Phrase('mode NAME', _mode),
    Phrase('targets NAME', _targets),
    *(
        Phrase(f'{act} hosts that lost {who}', functools.partial(_rule, act))
        for act in isolation.Action
        for who in ('NETWORKS but not WORDS', 'NETWORKS')
    ),
    Phrase('root disks are local', _local_disks),
    Phrase('protects NAME', _protects),
    Phrase('layers WORDS', _layers),
    *(
        Phrase(f'{word} NUMBER on HOSTS', functools.partial(_instances, kind))
        for word, kind in (
            ('instances|instance', Guests.CHOSEN),
            ('unprotected', Guests.PLAIN),
            ('tagged', Guests.TAGGED),
            ('amphorae|amphora', Guests.AMPHORAE),
        )
    ),
    Phrase('room NUMBER on HOSTS', _room),
    Phrase('option NAME WORDS', _option),
    Phrase('label NAME on HOSTS', _label),
    Phrase('seed NUMBER', _seed),
    Phrase('step SECONDS', _step),
    Phrase('run SECONDS', _run),
)


# Events.


def _event(scenario: Scenario, number: int, line: str) -> Event:
    try:
        seconds, told = _moment(scenario, line.split()[1:])
        act = _act(scenario, phrases.split(told), told)
    except ValueError as error:
        raise BadLine(number, str(error)) from None
    return Event(seconds, told, act, number)


def _moment(scenario: Scenario, words: list[str]) -> tuple[float, str]:
    """When, in seconds, and the rest of the line."""
    count, seconds = 2, phrases.seconds(words)
    if seconds is None:
        count, seconds = 1, phrases.number(words[0]) if words else None
    if seconds is None:
        raise ValueError(
            f"after 'at' comes a time, as in 'at 5 s', not {' '.join(words)!r}"
        )
    if seconds >= scenario.run:
        raise ValueError(f'the scenario ends after {scenario.run:g} s')
    return seconds, ' '.join(words[count:])


def _act(scenario: Scenario, words: list[str], told: str) -> Act:
    hosts, rest = _subjects(words, scenario.host_names(), 'hosts')
    if hosts:
        slots = _deed(host_deeds.PHRASES, rest, scenario, 'a host', told)
        return functools.partial(_do_to_hosts, hosts, slots)
    engines, rest = _subjects(words, scenario.engine_names(), 'engines')
    if engines:
        slots = _deed(engine_deeds.PHRASES, rest, scenario, 'an engine', told)
        return functools.partial(_do_to_engines, engines, slots)
    deeds = (*cloud_deeds.PHRASES, *instance_deeds.PHRASES)
    slots = _deed(deeds, words, scenario, 'nobody', told)
    return lambda stage: slots(stage)


def _do_to_hosts(
    names: list[str], deed: Callable[..., None], stage: Stage
) -> None:
    for name in names:
        deed(stage, stage.cloud.hosts[name])


def _do_to_engines(
    names: list[str], deed: Callable[..., None], stage: Stage
) -> None:
    for name in names:
        deed(stage, stage.cloud.engines[name])


def _deed(
    known: Iterable[Phrase],
    words: list[str],
    scenario: Scenario,
    who: str,
    told: str,
) -> Callable[..., None]:
    """What is to be done, with all but the subject given."""
    if not words:
        whom = '' if who == 'nobody' else f' to {who}'
        raise ValueError(f'what happens{whom}? {_offer(known)}')
    found = phrases.understand(known, words)
    if found is None:
        if who == 'nobody':
            raise ValueError(
                f'{told!r} is about no host and no engine; hosts are '
                f'{_span(scenario.host_names())}, engines '
                f'{_span(scenario.engine_names())}; else it may say: '
                f'{_offer(known, words)}'
            )
        raise ValueError(
            f'{told!r} cannot be done; what may be said of {who}: '
            f'{_offer(known, words)}'
        )
    phrase, slots = found
    return functools.partial(phrase.means, **_checked(slots, scenario))


def _checked(slots: dict[str, Any], scenario: Scenario) -> dict[str, Any]:
    if 'hosts' in slots:
        hosts = _known(slots['hosts'], scenario.host_names(), 'host')
        slots = slots | {'hosts': hosts}
    if 'networks' in slots:
        _known(slots['networks'], list(scenario.networks), 'network')
    return slots


def _subjects(
    words: list[str], names: list[str], plural: str
) -> tuple[list[str], list[str]]:
    """The names at the beginning, and the words after them."""
    if words[:2] == ['all', plural]:
        return names, words[2:]
    kind = names[0].partition('-')[0] + '-'
    count = 0
    while count < len(words) and words[count].startswith(kind):
        if '-vm-' in words[count]:
            raise ValueError(
                f'{words[count]} is an instance; what may be said of one: '
                f'{_offer(instance_deeds.PHRASES)}'
            )
        count += 1
    return _known(words[:count], names, plural[:-1]), words[count:]


def _known(words: list[str], names: list[str], noun: str) -> list[str]:
    """Names that there are; ``compute-1..compute-3`` stands for three."""
    found: list[str] = []
    for word in words:
        first, dots, last = word.partition('..')
        for name in (first, last) if dots else (first,):
            if name not in names:
                raise ValueError(
                    f'there is no {noun} {name}: there are {_span(names)}'
                )
        end = names.index(last) if dots else names.index(first)
        found += names[names.index(first) : end + 1]
    return found


def _one_of(what: str, name: str, words: Iterable[str]) -> str:
    allowed = [str(word) for word in words]
    if name not in allowed:
        raise ValueError(f'{what} is one of {", ".join(allowed)}, not {name}')
    return name


def _span(names: list[str]) -> str:
    if len(names) < 5:
        return ', '.join(names)
    return f'{names[0]} to {names[-1]}'


def _offer(known: Iterable[Phrase], words: Sequence[str] = ()) -> str:
    """What may be said: if something begins as the words do, only that."""
    phrases_ = list(known)
    alike = [
        one
        for one in phrases_
        if words and words[0] in one.pattern.split()[0].split('|')
    ]
    return ' | '.join(_once(str(phrase) for phrase in alike or phrases_))


def _once(words: Iterable[str]) -> Iterator[str]:
    yield from dict.fromkeys(words)
