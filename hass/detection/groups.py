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

"""A group that a coordination service keeps: who is in it lives.

The services are those of tooz: ZooKeeper, memcached, etcd and more. tooz is
imported when the first group is entered, and not before.
"""

import contextlib
import dataclasses
import importlib
from importlib import metadata
from importlib import util
import logging
import sys
import threading
import types
import typing
from typing import Any
from urllib import parse

from stevedore import exception as stevedore_exception

from hass import exception

GROUP = b'hass-hosts'
CALL_SECONDS = 5.0
ERRORS: tuple[type[BaseException], ...] = (
    ImportError,
    OSError,
    # No driver of this name.
    stevedore_exception.NoMatches,
)
BEAT_SECONDS = 1.0
"""Pause between two beats; a member is gone after some seconds without."""


@dataclasses.dataclass(frozen=True, slots=True)
class Roll:
    """Who is in the group.

    :ivar anew: the store did not know us, so that it may have lost others
    """

    members: frozenset[str]
    anew: bool


def lacking() -> str:
    """Why no group can be entered here, '' when one can."""
    found = util.find_spec('tooz')
    return '' if found else 'the Python module tooz is not installed'


def lacking_driver(url: str) -> str:
    """Why this store cannot be talked to from here, '' when it can."""
    if lacking():
        return lacking()
    scheme = url.partition('://')[0]
    known = metadata.entry_points(group='tooz.backends')
    if scheme not in known.names:
        names = ', '.join(sorted(known.names))
        return f'tooz knows no {scheme}: it knows {names}'
    _keep_quiet()
    try:
        known[scheme].load()
    except ImportError as error:
        return f'the Python module {error.name} is not installed'
    return ''


def place(url: str) -> str:
    """The URL without what is secret in it."""
    parts = parse.urlsplit(url)
    return f'{parts.scheme}://{parts.netloc.rpartition("@")[2]}'


class Group:
    """Our place in the group of one store.

    :param member: a host's name, or that of a reader
    """

    def __init__(self, url: str, member: str) -> None:
        self.place = place(url)
        self._url = url
        self._member = member.encode()
        self._lock = threading.Lock()
        self._left = False
        self._coordinator: Any = None
        self._errors = ERRORS

    def beat(self) -> Roll:
        """Say that we live, enter if we are not in, and see who is.

        May take some time-outs of the store in its URL.

        :raises StoreUnreachable: the store does not answer
        """
        with self._lock:
            if self._left:
                return Roll(frozenset(), anew=True)
            try:
                return self._beat()
            except self._errors as error:
                why = f'{type(error).__name__}: {error}'
                self._close()
                raise exception.StoreUnreachable(self.place, why) from None

    def leave(self) -> None:
        """Leave for good; returns when the store knows, or cannot."""
        with self._lock:
            self._left = True
            if self._coordinator is None:
                return
            with contextlib.suppress(*self._errors):
                self._coordinator.leave_group(GROUP).get(CALL_SECONDS)
            self._close()

    def _beat(self) -> Roll:
        _keep_quiet()
        tooz = importlib.import_module('tooz')
        coordination = importlib.import_module('tooz.coordination')
        self._errors = (
            *ERRORS,
            tooz.ToozError,
            *_driver_errors(self._url),
        )
        if self._coordinator is None:
            self._coordinator = coordination.get_coordinator(
                self._url, self._member
            )
            self._coordinator.start()
        if not self._url.startswith(('zookeeper:', 'kazoo:')):
            # ZooKeeper's client beats by itself; to ask for it may block.
            self._coordinator.heartbeat()
        members = self._members(coordination)
        anew = self._member not in members
        if anew:
            with contextlib.suppress(coordination.MemberAlreadyExist):
                self._enter(coordination)
            members |= {self._member}
        names = (member.decode(errors='replace') for member in members)
        return Roll(frozenset(names), anew)

    def _members(self, coordination: Any) -> set[bytes]:
        try:
            found: set[bytes] = self._coordinator.get_members(GROUP).get(
                CALL_SECONDS
            )
        except coordination.GroupNotCreated:
            return set()
        return found

    def _enter(self, coordination: Any) -> None:
        with contextlib.suppress(coordination.GroupAlreadyExist):
            self._coordinator.create_group(GROUP).get(CALL_SECONDS)
        self._coordinator.join_group(GROUP).get(CALL_SECONDS)

    def _close(self) -> None:
        """Forget the connection; that a store is silent hinders nobody."""
        coordinator, self._coordinator = self._coordinator, None
        if coordinator is not None:
            threading.Thread(
                target=_stop,
                args=(coordinator, self._errors),
                name='membership-close',
                daemon=True,
            ).start()


def _keep_quiet() -> None:
    """Drivers load eventlet where it is installed, and log each retry."""
    sys.modules.setdefault('eventlet', typing.cast(types.ModuleType, None))
    logging.getLogger('kazoo').setLevel(logging.CRITICAL)


def _stop(coordinator: Any, errors: tuple[type[BaseException], ...]) -> None:
    with contextlib.suppress(*errors):
        coordinator.stop()


def _driver_errors(url: str) -> tuple[type[BaseException], ...]:
    """What drivers raise besides the errors of tooz."""
    if url.startswith('etcd3'):
        etcd = importlib.import_module('etcd3gw.exceptions')
        return (etcd.Etcd3Exception,)
    if url.startswith(('zookeeper:', 'kazoo:')):
        kazoo = importlib.import_module('kazoo.exceptions')
        return (kazoo.KazooException,)
    return ()
