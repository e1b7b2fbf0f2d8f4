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

"""The operator of the cloud: speaks with HASS by its REST API alone."""

import json
from typing import Any
from urllib import error as url_error
from urllib import request

from hass import exception

ADMIN = 'operator:admin:admin'
MEMBER = 'alice:demo:member'
SECONDS = 30


class ApiFailed(exception.HassError):
    """The API answered no, or not at all."""

    def __init__(self, call: str, reason: str) -> None:
        super().__init__(f'{call}: {reason}')
        self.call = call
        self.reason = reason


class Operator:
    """A client of the API; the project's user comes by a token of hers."""

    def __init__(self, url: str) -> None:
        self._url = url

    def get(self, path: str) -> Any:
        return self._call('GET', path, None, ADMIN)

    def post(self, path: str, body: Any = None, token: str = ADMIN) -> Any:
        """:raises ApiFailed: any answer but 2xx"""
        return self._call('POST', path, body, token)

    def _call(self, method: str, path: str, body: Any, token: str) -> Any:
        call = f'{method} {path}'
        asked = request.Request(
            self._url + path,
            method=method,
            headers={
                'X-Auth-Token': token,
                'OpenStack-API-Version': 'hass latest',
                'Content-Type': 'application/json',
            },
            data=None if body is None else json.dumps(body).encode(),
        )
        try:
            with request.urlopen(asked, timeout=SECONDS) as answer:
                return json.load(answer)
        except url_error.HTTPError as error:
            with error:
                text = error.read().decode(errors='replace')
            raise ApiFailed(call, f'{error.code} {text}') from None
        except OSError as error:
            raise ApiFailed(call, str(error)) from None
