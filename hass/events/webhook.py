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

"""Webhooks: what happens is posted to somebody's HTTP server, signed."""

import datetime
import hashlib
import hmac
import importlib.metadata
import json
from typing import Any

import requests

from hass import clock as clocks
from hass.conf import webhooks as conf
from hass.db import outbox
from hass import exception

SIGNED = 'v1'
"""The kind of signature, so that another one can be told from it."""


class Webhook:
    """A Channel: one server.

    Its URL is told to nobody, for it may hold a secret itself.

    :param secret: what both ends sign with
    :param seconds: to connect, and then between two bytes of the answer
    """

    def __init__(
        self,
        endpoint: conf.Endpoint,
        secret: str,
        clock: clocks.Clock,
        *,
        seconds: float,
        ca_file: str | None,
    ) -> None:
        self._endpoint = endpoint
        self._secret = secret.encode()
        self._clock = clock
        self._seconds = seconds
        self._verify: str | bool = ca_file or True
        version = importlib.metadata.version('hass')
        self._agent = f'hass/{version}'

    def tell(self, message: outbox.Message) -> None:
        body = json.dumps(
            {
                'id': message.uuid,
                'event': message.event,
                'payload': message.body,
            }
        ).encode()
        try:
            answer = requests.post(
                self._endpoint.url,
                data=body,
                headers=self._headers(message, body),
                timeout=self._seconds,
                verify=self._verify,
                # Elsewhere is nobody who was chosen to be told.
                allow_redirects=False,
                # What it answers is of no interest.
                stream=True,
            )
        except requests.RequestException as error:
            # Its sentence would hold the URL.
            raise self._not_told(type(error).__name__) from None
        with answer:
            if not 200 <= answer.status_code < 300:
                raise self._not_told(f'it answers {answer.status_code}')

    def _headers(self, message: outbox.Message, body: bytes) -> dict[str, str]:
        now = self._clock.now().replace(tzinfo=datetime.UTC)
        timestamp = str(int(now.timestamp()))
        return {
            'Content-Type': 'application/json',
            'User-Agent': self._agent,
            'X-Hass-Event': message.event,
            'X-Hass-Delivery': message.uuid,
            'X-Hass-Attempt': str(message.attempt),
            'X-Hass-Timestamp': timestamp,
            'X-Hass-Signature': signature(self._secret, timestamp, body),
        }

    def _not_told(self, why: str) -> exception.NotTold:
        return exception.NotTold(f'webhook {self._endpoint.name}', why)


def signature(secret: bytes, timestamp: str, body: bytes) -> str:
    """What X-Hass-Signature says: HMAC-SHA256 of timestamp, dot and body."""
    signed = timestamp.encode() + b'.' + body
    digest = hmac.new(secret, signed, hashlib.sha256).hexdigest()
    return f'{SIGNED}={digest}'


def channels(group: Any, clock: clocks.Clock) -> dict[str, Webhook]:
    """Those that the options of [webhooks] name.

    :raises hass.exception.ConfigError: they cannot be used
    """
    endpoints = list(group.endpoint or ())
    names = [one.name for one in endpoints]
    if len(set(names)) < len(names):
        raise exception.ConfigError(
            '[webhooks] endpoint', 'each needs a name of its own'
        )
    if endpoints and len(group.secret or '') < conf.LEAST_SECRET:
        raise exception.ConfigError(
            '[webhooks] secret',
            f'must be set, and have {conf.LEAST_SECRET} characters or more',
        )
    return {
        f'webhook {one.name}': Webhook(
            one,
            group.secret,
            clock,
            seconds=group.seconds,
            ca_file=group.ca_file,
        )
        for one in endpoints
    }
