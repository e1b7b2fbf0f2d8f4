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

"""/, /v1 and /v1/openapi.json: which versions there are, and of what"""

from collections.abc import Mapping
from typing import Any

import falcon

from hass.api import microversion


def view(req: falcon.Request) -> dict[str, Any]:
    return {
        'id': 'v1.0',
        'status': 'CURRENT',
        'min_version': str(microversion.MIN),
        'max_version': str(microversion.MAX),
        'links': [{'rel': 'self', 'href': f'{req.prefix}/v1/'}],
    }


class Versions:
    """For everybody: clients look here before they have a token."""

    def on_get_all(self, req: falcon.Request, resp: falcon.Response) -> None:
        resp.media = {'versions': [view(req)]}

    def on_get_one(self, req: falcon.Request, resp: falcon.Response) -> None:
        resp.media = {'version': view(req)}


class Description:
    """For everybody too: it tells nothing of this cloud.

    :param described: as openapi.document() makes it
    """

    def __init__(self, described: Mapping[str, Any]) -> None:
        self._described = described

    def on_get_one(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Paths in it begin at the address that it was asked from."""
        resp.media = {**self._described, 'servers': [{'url': req.prefix}]}
