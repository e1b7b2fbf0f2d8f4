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

"""HTTP to Nova: one session, time-outs, and one meaning for each failure.

Of novaclient its session client is used (keystoneauth adapter, headers of
the microversion). Its managers are not: they cannot page lists with as few
calls, set status and forced_down in one PUT, or hold a call back in the
moment before it is sent.
"""

from collections.abc import Callable, Iterator, Mapping
import contextlib
import datetime
import email.utils
import json
import threading
from typing import Any, cast
from urllib import parse

from keystoneauth1 import adapter
from keystoneauth1 import exceptions as ks
from keystoneauth1 import session as ks_session
from novaclient import client as novaclient

from hass import clock
from hass import exception
from hass.nova import answering
from hass import origin

JSON = dict[str, Any]

Guard = Callable[[], None]

# More would be a list that never ends.
PAGES = 100


def nothing() -> None:
    """Guards nothing."""


@contextlib.contextmanager
def said_by(call: str) -> Iterator[None]:
    """Give what keystoneauth raises our own three meanings.

    What it says holds addresses, never headers: no token.
    """
    try:
        yield
    except ks.HttpError as error:
        # The sender of this one is Keystone: Nova's answers are not raised.
        raise _answered('login', error.http_status, error.message) from None
    except ks.ConnectionError as error:
        raise exception.NovaUnreachable(call, str(error)) from None
    except ks.ClientException as error:
        raise exception.NovaFailed(call, str(error)) from None


def _answered(call: str, status: int, reason: str) -> exception.NovaError:
    if 400 <= status < 500:
        return exception.NovaRefused(call, status, reason)
    return exception.NovaFailed(call, f'{status} {reason}')


def _reason(body: object) -> str:
    """The sentence in an error body.

    Nova: {"badRequest": {"message": …}}; Placement: {"errors": [{"detail":
    …}]}.
    """
    if isinstance(body, Mapping):
        errors = body.get('errors')
        if isinstance(errors, list) and errors:
            body = {'message': str(dict(errors[0]).get('detail'))}
        for part in (*body.values(), body):
            if isinstance(part, Mapping) and 'message' in part:
                return str(part['message'])[:500]
    return 'without a reason'


def _date(headers: Mapping[str, str]) -> datetime.datetime | None:
    try:
        told = email.utils.parsedate_to_datetime(headers.get('Date', ''))
    except ValueError:
        return None
    return told.astimezone(datetime.UTC).replace(tzinfo=None)


def _named() -> dict[str, str]:
    """What Nova shall call it in its own log."""
    name = origin.global_id()
    return {} if name is None else {'X-OpenStack-Request-ID': name}


class _Last:
    """The body of a request, which says so before it goes out.

    Between the word and the last byte nothing else happens, and one request
    at a time is there: an engine that is killed leaves at most one call
    behind of which nobody knows whether it left.
    """

    def __init__(
        self,
        body: JSON,
        leaving: threading.Lock,
        sending: Guard,
        guard: Guard,
    ) -> None:
        self._bytes = json.dumps(body).encode()
        self._leaving = leaving
        self._sending = sending
        self._guard = guard

    def __len__(self) -> int:
        return len(self._bytes)

    def __str__(self) -> str:
        return self._bytes.decode()

    def __iter__(self) -> Iterator[bytes]:
        with self._leaving:
            self._sending()
            self._guard()
            yield self._bytes


def endpoint_of(
    client: adapter.Adapter | adapter.LegacyJsonAdapter, call: str
) -> str | None:
    """Where requests go; None: the catalog names no such service.

    :raises NovaError: Keystone does not tell
    """
    with said_by(call):
        try:
            found: str | None = client.get_endpoint()
        except ks.EndpointNotFound:
            return None
    return found


class Door:
    """Requests to the compute endpoint of the session's catalog.

    :param where: region_name, interface, endpoint_override … as the
        keystoneauth adapter takes them
    :param call_seconds: until the connection must stand
    :param answer_seconds: between two bytes of an answer
    :ivar answering: how quickly answers come
    """

    def __init__(
        self,
        session: ks_session.Session,
        where: Mapping[str, Any],
        call_seconds: float,
        answer_seconds: float,
    ) -> None:
        self.answering = answering.Answering(clock.SystemClock())
        self._session = session
        self._where = dict(where)
        self._timeout = (call_seconds, answer_seconds)
        self._leaving = threading.Lock()

    def is_offered(self, call: str) -> bool:
        """Whether there is an endpoint to send requests to.

        :raises NovaError: Keystone does not tell
        """
        return endpoint_of(self._client(''), call) is not None

    def get(
        self,
        call: str,
        path: str,
        version: str,
        query: Mapping[str, str] | None = None,
    ) -> JSON:
        """GET one page.

        :raises NovaError: each of its kinds
        """
        return self.get_dated(call, path, version, query)[0]

    def get_dated(
        self,
        call: str,
        path: str,
        version: str,
        query: Mapping[str, str] | None = None,
    ) -> tuple[JSON, datetime.datetime | None]:
        """GET one page, and the time at which the answer was sent.

        Naive UTC on the clock of what answered, to the second; None: it
        did not say.

        :raises NovaError: each of its kinds
        """
        if query:
            path = f'{path}?{parse.urlencode(query)}'
        body, headers = self._send(call, 'GET', path, version, {}, nothing)
        return body, _date(headers)

    def pages(
        self,
        call: str,
        path: str,
        version: str,
        query: Mapping[str, str],
        name: str,
        marker: str,
    ) -> Iterator[list[object]]:
        """GET the pages of a list, one request for each.

        :param name: the key of the list in the answer
        :param marker: the field of an entry that marks the next page
        """
        for entries, _told_at in self.dated_pages(
            call, path, version, query, name, marker
        ):
            yield entries

    def dated_pages(
        self,
        call: str,
        path: str,
        version: str,
        query: Mapping[str, str],
        name: str,
        marker: str,
    ) -> Iterator[tuple[list[object], datetime.datetime | None]]:
        """The same, each with the time at which it was sent."""
        query = dict(query)
        for _ in range(PAGES):
            body, told_at = self.get_dated(call, path, version, query)
            entries = body.get(name)
            if not isinstance(entries, list):
                raise exception.NovaFailed(
                    call, f'the answer holds no list {name!r}'
                )
            yield entries, told_at
            if not body.get(f'{name}_links') or not entries:
                return
            last = entries[-1]
            if not isinstance(last, Mapping) or marker not in last:
                raise exception.NovaFailed(
                    call, f'the answer holds no usable field {marker!r}'
                )
            query['marker'] = str(last[marker])
        raise exception.NovaFailed(call, f'{PAGES} pages and no end')

    def act(
        self,
        call: str,
        method: str,
        path: str,
        version: str,
        body: JSON,
        deadline: clock.Deadline,
        guard: Guard = nothing,
        sending: Guard | None = None,
    ) -> JSON:
        """Send something that changes the world, once.

        The deadline and the guard are asked in the moment before the
        request goes out, after any logging in.

        :param guard: raises when the request must not be sent (any more)
        :param sending: called, by one request at a time, when all but the
            body has gone out; the deadline and the guard are asked again
            after it, and without the body nothing takes effect
        :raises ClaimExpired: the deadline has passed; nothing was sent
        :raises NovaError: each of its kinds
        """

        def still_right() -> None:
            deadline.check()
            guard()

        content: JSON = {'body': body}
        if sending is not None:
            last = _Last(body, self._leaving, sending, still_right)
            content = {'data': last}
        return self._send(call, method, path, version, content, still_right)[0]

    def _send(
        self,
        call: str,
        method: str,
        path: str,
        version: str,
        content: JSON,
        guard: Guard,
    ) -> tuple[JSON, Mapping[str, str]]:
        """Log in if need be, ask the guard, send; once more after a 401.

        Keystoneauth's own renewal would send without asking, and gives up
        when another thread has just thrown the same token away.
        """
        client = self._client(version)
        for again in (True, False):
            with said_by(call):
                headers = dict(self._session.get_auth_headers() or {})
                endpoint = client.get_endpoint()
            headers |= _named()
            if 'data' in content:
                headers['Content-Type'] = 'application/json'
            guard()
            with said_by(call), self.answering.request():
                answer, body = client.request(
                    path,
                    method,
                    headers=headers,
                    authenticated=False,
                    endpoint_override=endpoint,
                    timeout=self._timeout,
                    raise_exc=False,
                    **content,
                )
                if answer.status_code >= 500:
                    # It is no answer of a Nova that works.
                    self._judged(call, answer.status_code, body)
            if answer.status_code != 401 or not again:
                break
            self._session.invalidate()
        silent = method in ('POST', 'DELETE') and body is None
        if silent and answer.status_code < 300:
            return {}, answer.headers
        judged = self._judged(call, answer.status_code, body)
        return judged, answer.headers

    def _client(self, version: str) -> adapter.LegacyJsonAdapter:
        client: adapter.LegacyJsonAdapter = novaclient.SessionClient(
            session=self._session,
            api_version=version,
            **self._where,
        )
        return client

    @staticmethod
    def _judged(call: str, status: int, body: object) -> JSON:
        if status >= 300:
            raise _answered(call, status, _reason(body))
        if not isinstance(body, dict):
            raise exception.NovaFailed(call, 'the answer is no JSON object')
        return cast(JSON, body)
