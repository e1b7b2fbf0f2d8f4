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

"""One tree of errors. Fields for the catcher, one sentence for the reader."""

from collections.abc import Sequence

from hass import naming


class HassError(Exception):
    """Anything HASS itself has to say about what went wrong."""


class ClaimExpired(HassError):
    """An outside call was about to be sent after the claim's deadline."""

    def __init__(self, late_seconds: float) -> None:
        super().__init__(
            f'not sent: the right to act ended {late_seconds:.1f} s ago'
        )
        self.late_seconds = late_seconds


class LostClaim(HassError):
    """Another engine has taken the recovery over."""

    def __init__(self, recovery: str) -> None:
        super().__init__(f'recovery {recovery} is claimed by another engine')
        self.recovery = recovery


class IllegalHop(HassError):
    """A step asked for a state that its workflow does not allow."""

    def __init__(self, workflow: str, old: str, new: str) -> None:
        super().__init__(f'{workflow}: {old} may not be followed by {new}')
        self.workflow = workflow
        self.old = old
        self.new = new


class FencingFailed(HassError):
    """The host could not be fenced."""

    def __init__(self, host: str, fencer: str, reason: str) -> None:
        super().__init__(f'{fencer} could not fence {host}: {reason}')
        self.host = host
        self.fencer = fencer
        self.reason = reason


class ProofMissing(HassError):
    """An evacuation lacks a fresh proof for a host that may run the guest."""

    def __init__(self, instance: str, host: str, reason: str) -> None:
        super().__init__(
            f'{instance} is not evacuated: {host} may still run it, {reason}'
        )
        self.instance = instance
        self.host = host
        self.reason = reason


# Answers of a BMC.


class BmcError(HassError):
    """Something about a BMC; the address never holds a password."""

    def __init__(self, address: str, reason: str) -> None:
        super().__init__(f'BMC {address}: {reason}')
        self.address = address
        self.reason = reason


class BmcUnreachable(BmcError):
    """No answer in time."""


class BmcRefused(BmcError):
    """The BMC answers and says no: credentials, privilege, command."""


class BmcBadAnswer(BmcError):
    """An answer that cannot be understood: it proves nothing."""


# What detectors meet.


class OrderRefused(HassError):
    """An agent does not carry an order out."""

    def __init__(self, reason: str) -> None:
        super().__init__(f'not done: {reason}')
        self.reason = reason


class DetectorFailed(HassError):
    """A detector could not look, or has not come back from looking."""

    def __init__(self, detector: str, host: str, reason: str) -> None:
        super().__init__(f'{detector} cannot look at {host}: {reason}')
        self.detector = detector
        self.host = host
        self.reason = reason


class StoreUnreachable(HassError):
    """A coordination service does not answer; the place holds no secret."""

    def __init__(self, place: str, reason: str) -> None:
        super().__init__(f'{place}: {reason}')
        self.place = place
        self.reason = reason


# Answers of Nova.


class NovaError(HassError):
    """Something about Nova's API."""

    def __init__(self, call: str, reason: str) -> None:
        super().__init__(f'Nova, {call}: {reason}')
        self.call = call
        self.reason = reason


class NovaUnreachable(NovaError):
    """No answer, or a time-out: whether the call took effect is unknown."""


class NovaFailed(NovaError):
    """A 5xx answer: whether the call took effect is unknown."""


class NovaRefused(NovaError):
    """A 4xx answer: the call took no effect."""

    def __init__(self, call: str, status: int, reason: str) -> None:
        super().__init__(call, f'{status} {reason}')
        self.status = status
        self.answer = reason


class NovaTooOld(NovaError):
    """Nova does not offer a microversion that HASS needs."""


# Messages and beats.


class MessageRefused(HassError):
    """A beat, report or goodbye that is not believed."""

    def __init__(self, host: str, reason: str) -> None:
        super().__init__(f'message of {host!r} refused: {reason}')
        self.host = host
        self.reason = reason


class EngineUnreachable(HassError):
    """No engine answered a call, or the one that took it failed."""

    def __init__(self, call: str, reason: str) -> None:
        super().__init__(f'engine, {call}: {reason}')
        self.call = call
        self.reason = reason


# What a caller of the API did wrong. The handler chooses the status code.


class DeviceFailed(HassError):
    """A device of a host did not do what an operator asked for."""

    def __init__(self, host: str, reason: str) -> None:
        super().__init__(f'host {host}: {reason}')
        self.host = host
        self.reason = reason


class NotTold(HassError):
    """Somebody outside did not take what he was told."""

    def __init__(self, channel: str, reason: str) -> None:
        super().__init__(f'{channel} was not told: {reason}')
        self.channel = channel
        self.reason = reason


class Invalid(HassError):
    """A field holds what it must not."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f'{naming.shown(field)}: {reason}')
        self.field = naming.shown(field)
        self.reason = reason


class NotFound(HassError):
    """There is no such thing, or the caller may not know of it."""

    def __init__(self, kind: str, name: str) -> None:
        super().__init__(f'{kind} {naming.shown(name)} was not found')
        self.kind = kind
        self.name = name


class Hidden(NotFound):
    """There is one, and the policy does not let the caller know of it."""

    def __init__(self, kind: str, name: str, rule: str) -> None:
        super().__init__(kind, name)
        self.rule = rule


class Conflict(HassError):
    """The request is well formed, but the world does not allow it now."""


class Forbidden(HassError):
    """The policy refuses the caller."""

    def __init__(self, rule: str) -> None:
        super().__init__(f'policy {rule} does not allow this request')
        self.rule = rule


# The service's own ground.


class ConfigError(HassError):
    """An option cannot be used; the service does not start."""

    def __init__(self, option: str, reason: str) -> None:
        super().__init__(f'{option}: {reason}')
        self.option = option
        self.reason = reason


class NotInstalled(HassError):
    """Parts that are found by their entry points are missing or broken.

    :param why: what is wrong with them; '' when they are missing
    """

    def __init__(
        self, group: str, names: Sequence[str], why: str = ''
    ) -> None:
        super().__init__(
            f'{", ".join(names)} of the entry points {group}: '
            f'{why or "missing"}; install HASS anew (in a clone of its '
            'repository: make venv)'
        )
        self.group = group
        self.names = names
        self.why = why


class DatabaseUnreachable(HassError):
    """The database does not answer, refuses us, or stays locked."""

    def __init__(self, reason: str) -> None:
        super().__init__(f'the database cannot be used now: {reason}')
        self.reason = reason


class DatabaseNotMigrated(HassError):
    """The tables are not at this release's revision."""

    def __init__(self, found: str | None, wanted: str) -> None:
        super().__init__(
            f'the database is at revision {found or "none"}, this release '
            f'needs {wanted}: run hass-manage db sync'
        )
        self.found = found
        self.wanted = wanted


class SecretUnreadable(HassError):
    """An encrypted column does not open with the keys of the keyring."""

    def __init__(self, what: str) -> None:
        super().__init__(f'{what}: no key of the keyring opens it')
        self.what = what
