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

"""What handlers are made of."""

import dataclasses
from typing import Protocol

from hass.api import engines
from hass.db import session as db
from hass import entitlement
from hass import nova


class Compute(Protocol):
    """What the API asks Nova, as hass.nova.Compute answers it."""

    def services(self) -> list[nova.Service]: ...

    def server(self, uuid: str) -> nova.Server | None: ...

    def servers_on(self, host: str) -> list[nova.Server]: ...


class Keyring(Protocol):
    """What closes a secret before it becomes a row."""

    def encrypt(self, text: str) -> str: ...


@dataclasses.dataclass(frozen=True, slots=True)
class Parts:
    """Everything that handlers need, by the name they use.

    :ivar rule: who is protected
    :ivar max_limit: most entries of a page
    :ivar silence_seconds: after which the engines are missed
    :ivar test_seconds: how old the last answer of a fence may be
    :ivar search_seconds: how long a search waits for a BMC
    """

    database: db.Database
    compute: Compute
    engines: engines.Engines
    keyring: Keyring
    rule: entitlement.Rule
    max_limit: int
    silence_seconds: float
    test_seconds: float
    search_seconds: float
