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

"""What may be a name: read as it is stored, and meant as it is written."""

from collections.abc import Sequence
import contextlib
import ipaddress
import re
import unicodedata

UNSEEN = frozenset({'Cc', 'Cf', 'Cn', 'Co', 'Cs', 'Zl', 'Zp'})
"""Categories of Unicode: controls, bidi and zero width, ends of lines …"""
LONGEST = 255
LABEL = r'[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?'
HOST_NAME = rf'^(?=.{{1,253}}\Z)(?![0-9.]+\Z){LABEL}(\.{LABEL})*\.?\Z'


def is_visible(text: str) -> bool:
    """Whether nothing in it hides, turns around, or is blank at an end."""
    return text == text.strip() and not any(
        unicodedata.category(letter) in UNSEEN for letter in text
    )


def shown(text: str) -> str:
    """A name in a sentence: quoted and escaped if it would not be seen.

    No name is longer than what is left of it.
    """
    if len(text) > LONGEST:
        text = f'{text[:LONGEST]}…'
    return text if text and is_visible(text) else repr(text)


def some(names: Sequence[str], most: int) -> str:
    """So many of them at most, and how many more there are."""
    more = f' and {len(names) - most} more' if len(names) > most else ''
    return f'{", ".join(names[:most])}{more}'


def is_address(text: str) -> bool:
    """Whether it is an IP address, or a host name by RFC 1123.

    Names may hold underscores, as some do in hosts files. Digits and dots
    alone are a mistyped address.
    """
    with contextlib.suppress(ValueError):
        return bool(ipaddress.ip_address(text))
    return bool(re.match(HOST_NAME, text))
