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


"""Network namespaces of this host: those that Neutron made for networks."""

from collections.abc import Iterator
import contextlib
import ctypes
import ipaddress
import os
import socket
import struct

CLONE_NEWNET = 0x40000000
FOLDER = '/run/netns'
PREFIXES = ('qdhcp-', 'qrouter-', 'ovnmeta-')
"""Linux bridge and Open vSwitch agents make the first two, OVN the last."""
HERE = ''
"""The namespace that the agent runs in."""
THREAD = '/proc/thread-self'
UP = 0x1
COMPLETE = 0x2


def found(folder: str = FOLDER) -> list[str]:
    """Paths of those of Neutron."""
    try:
        names = os.listdir(folder)
    except OSError:
        return []
    return [
        os.path.join(folder, name)
        for name in sorted(names)
        if name.startswith(PREFIXES)
    ]


@contextlib.contextmanager
def within(path: str) -> Iterator[None]:
    """This thread is in there meanwhile; sockets opened there stay there.

    It needs CAP_SYS_ADMIN.

    :param path: of the namespace; HERE: nothing happens
    :raises OSError: it is gone, or forbidden
    """
    if path == HERE:
        yield
        return
    with open(f'{THREAD}/ns/net') as home:
        enter(path)
        try:
            yield
        finally:
            _enter(home.fileno())


def enter(path: str) -> None:
    """Move this thread there for good; it needs CAP_SYS_ADMIN.

    :raises OSError: it is gone, or forbidden
    """
    with open(path) as there:
        _enter(there.fileno())


def subnets() -> list[ipaddress.IPv4Network]:
    """Networks that this thread's namespace is in, without a router.

    :raises OSError: /proc is not as it should be
    """
    nets = []
    for words in _table('route'):
        address, gateway, flags = words[1], words[2], int(words[3], 16)
        if gateway == '00000000' and flags & UP and words[7] != '00000000':
            nets.append(
                ipaddress.IPv4Network((_address(address), _mask(words[7])))
            )
    return nets


def neighbours() -> dict[str, str]:
    """Hardware addresses by IP address, as this thread's namespace knows.

    :raises OSError: /proc is not as it should be
    """
    return {
        words[0]: words[3].lower()
        for words in _table('arp')
        if int(words[2], 16) & COMPLETE
    }


def _table(name: str) -> list[list[str]]:
    with open(f'{THREAD}/net/{name}') as file:
        return [line.split() for line in file.readlines()[1:]]


def _address(text: str) -> str:
    return socket.inet_ntoa(struct.pack('=I', int(text, 16)))


_mask = _address


def _enter(descriptor: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(descriptor, CLONE_NEWNET):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
