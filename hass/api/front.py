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

"""What each request passes before its handler."""

from typing import Any
import unicodedata

import falcon
from oslo_policy import policy

from hass.api import audit
from hass.api import contracts
from hass.api import microversion
from hass.api import query
from hass.api.schemas import answers
from hass.api import since
from hass import context
from hass import exception


class Front:
    """Falcon middleware: the caller, the version, no odd characters.

    Answers leave without what their version does not know.
    """

    def __init__(self, enforcer: policy.Enforcer) -> None:
        self._enforcer = enforcer

    def process_request(
        self, req: falcon.Request, resp: falcon.Response
    ) -> None:
        resp.set_header('Vary', microversion.HEADER)
        # Whatever stands before us, without it nobody has a name.
        if req.env.get(audit.IDENTITY) != 'Confirmed':
            raise falcon.HTTPUnauthorized(
                description='the request must carry a token'
            )
        service, version = microversion.wanted(
            req.get_header(microversion.HEADER)
        )
        resp.set_header(microversion.HEADER, f'{service} {version}')
        req.context.version = version
        _refuse_controls(req)
        req.context.caller = context.RequestContext.from_environ(
            req.env, enforcer=self._enforcer
        )

    def process_response(
        self,
        req: falcon.Request,
        resp: falcon.Response,
        resource: object,
        req_succeeded: bool,
    ) -> None:
        contract = contracts.of(req.method, req.uri_template)
        if not req_succeeded or contract is None or contract.gives is None:
            return
        if req.context.version < microversion.MAX:
            since.strip(
                resp.media,
                contract.gives,
                answers.SCHEMAS,
                req.context.version,
            )


def admit(req: falcon.Request, rule: str) -> None:
    """What each handler begins with.

    The policy comes first, whatever the version: a refusal is audited.

    :raises hass.exception.Forbidden: the rule does not allow it
    :raises falcon.HTTPNotFound: the version has no such request
    :raises hass.exception.Invalid: of a parameter of the query
    """
    caller(req).can(rule)
    contract = contracts.of(req.method, req.uri_template)
    assert contract is not None, 'a unit test holds routes against the table'
    asked: microversion.Version = req.context.version
    if contract.since > asked:
        sentence = since.why_not(contract.since, asked)
        raise falcon.HTTPNotFound(
            description=f'{req.method} {req.path} {sentence}'
        )
    req.context.parameters = query.parameters(req, contract.filters, asked)


def caller(req: falcon.Request) -> context.RequestContext:
    """Who asks."""
    found: context.RequestContext = req.context.caller
    return found


def name_of_caller(req: falcon.Request) -> str:
    """How rows name who asked."""
    return caller(req).user_id or 'somebody'


def speaks(req: falcon.Request, version: microversion.Version) -> bool:
    """Whether the request asks for this version or a later one."""
    asked: microversion.Version = req.context.version
    return asked >= version


def project_shown(
    who: context.RequestContext, rule: str, asked: str | None
) -> str | None:
    """Whose things a list may hold; None: everybody's.

    :param rule: lets one see those of all projects
    :param asked: the project that the request names
    :raises hass.exception.Forbidden: it is not the caller's own
    """
    if who.may(rule):
        return asked
    if who.project_id is None or asked not in (None, who.project_id):
        raise exception.Forbidden(rule)
    return who.project_id


def _refuse_controls(req: falcon.Request) -> None:
    """No database of ours looks up a NUL, and no name of ours holds one."""
    if _odd(req.path):
        raise exception.NotFound('path', req.path)
    for name, value in req.params.items():
        if _odd(name) or _odd(str(value)):
            raise exception.Invalid(
                repr(name)[1:-1], 'holds a control character'
            )


def _odd(text: Any) -> bool:
    return any(unicodedata.category(c) in ('Cc', 'Cs') for c in text)
