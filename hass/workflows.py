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

"""Which workflows are installed, and what each declares of itself.

A workflow is a class that an entry point of hass.workflows names; its base is
in recovery/workflow.py. Rooms below hass/recovery cannot import it. They ask
here for its traits, so that none of them has to know a workflow by its name.
"""

from collections.abc import Mapping
import dataclasses
import enum
import functools
from importlib import metadata
from typing import NoReturn, Protocol

from stevedore import extension

from hass import exception
from hass.states import State
from hass.states import WorkflowName

NAMESPACE = 'hass.workflows'


class Subject(enum.StrEnum):
    """What a recovery is of. An open recovery's key begins with this word."""

    HOST = 'host'
    INSTANCE = 'instance'
    CLUSTER = 'cluster'


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """What the other rooms need to know of a workflow.

    Of a host, only one recovery is open at a time, and the same holds for an
    instance and for a cluster.

    :ivar isolates: while a recovery of a host is open, the host is out of
        use: its instances are recovered with it, and not by themselves
    :ivar fences: the workflow orders the power off that proves its host off
    :ivar silent_in: in these states nobody wonders that the host is silent
    :ivar spares_in: in these states nothing is done to instances of the host:
        they live and fail as on any other host
    :ivar services_run_in: in these states the gate of an isolated host lets
        its compute services start
    :ivar orders_in: in these states the row may hold an order for an agent
    :ivar supersedes: opening a recovery of a host ends its open recovery, and
        those of its instances, if these are of the workflows named here
    :ivar superseded_by: the workflows named here supersede this one. So a new
        workflow gives way to older ones, and these need not be changed
    """

    subject: Subject
    isolates: bool = False
    fences: bool = False
    silent_in: frozenset[State] = frozenset()
    spares_in: frozenset[State] = frozenset()
    services_run_in: frozenset[State] = frozenset()
    orders_in: frozenset[State] = frozenset()
    supersedes: tuple[str, ...] = ()
    superseded_by: tuple[str, ...] = ()


UNKNOWN = Traits(subject=Subject.HOST, isolates=True)
"""Of a row that a newer engine wrote: its host is left alone."""


class Declared(Protocol):
    """What this module reads of a workflow's class."""

    name: str
    traits: Traits


@functools.cache
def names() -> tuple[str, ...]:
    """The names of all workflows in alphabetical order; loads none of them.

    :raises hass.exception.NotInstalled: one of the house's own is missing
    """
    found = metadata.entry_points(group=NAMESPACE).names
    missing = set(WorkflowName) - found
    if missing:
        raise exception.NotInstalled(NAMESPACE, sorted(missing))
    return tuple(sorted(found))


@functools.cache
def installed() -> Mapping[str, type[Declared]]:
    """The classes of all workflows, by their names in alphabetical order.

    :raises hass.exception.NotInstalled: one is missing, or cannot be loaded
    """
    wanted = names()
    manager: extension.ExtensionManager[Declared] = extension.ExtensionManager(
        NAMESPACE, on_load_failure_callback=_not_loaded
    )
    found: dict[str, type[Declared]] = {}
    for one in manager:
        why = ''
        if one.name in found:
            why = 'two are installed under this name'
        elif one.plugin.name != one.name:
            why = f'the class names itself {one.plugin.name}'
        if why:
            raise exception.NotInstalled(NAMESPACE, [one.name], why)
        found[one.name] = one.plugin
    return {name: found[name] for name in wanted}


def _not_loaded(
    manager: object, point: metadata.EntryPoint, error: BaseException
) -> NoReturn:
    why = f'{type(error).__name__}: {error}'
    raise exception.NotInstalled(NAMESPACE, [point.name], why) from error


def traits_of(name: str) -> Traits:
    """What a workflow declares; UNKNOWN if it is not installed."""
    story = installed().get(name)
    return UNKNOWN if story is None else story.traits


@functools.cache
def superseded_by(name: str) -> tuple[str, ...]:
    """The workflows whose recoveries end when one of this is opened."""
    others = (
        one.name
        for one in installed().values()
        if name in one.traits.superseded_by
    )
    return tuple(dict.fromkeys((*traits_of(name).supersedes, *others)))


@functools.cache
def leaving_hosts_in_use() -> tuple[str, ...]:
    """The workflows of hosts that go on to run their instances meanwhile."""
    return tuple(
        one.name
        for one in installed().values()
        if one.traits.subject is Subject.HOST and not one.traits.isolates
    )


@functools.cache
def states_with_orders() -> tuple[State, ...]:
    """In which a row may hold an order for an agent, in alphabetical order."""
    found = (one.traits.orders_in for one in installed().values())
    return tuple(sorted(frozenset().union(*found)))
