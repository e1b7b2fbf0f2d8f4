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

"""The query string: pages and filters, and nothing else."""

from collections.abc import Iterable, Mapping
import dataclasses
import enum
from typing import Any, TypeVar
from urllib import parse

import falcon

from hass import exception

Value = TypeVar('Value', bound=enum.StrEnum)


@dataclasses.dataclass(frozen=True, slots=True)
class Query:
    """What a list is asked for.

    :ivar limit: entries of a page
    :ivar marker: uuid of the last entry of the page before
    :ivar filters: the others, by name
    """

    limit: int
    marker: str | None
    filters: Mapping[str, str]

    def flag(self, name: str) -> bool | None:
        """A filter that says yes or no.

        :raises hass.exception.Invalid: it says something else
        """
        value = self.filters.get(name)
        if value is None:
            return None
        if value.lower() not in ('true', 'false'):
            raise exception.Invalid(name, 'allowed: true, false')
        return value.lower() == 'true'

    def choice(self, name: str, kind: type[Value]) -> Value | None:
        """A filter whose values are known.

        :raises hass.exception.Invalid: it has another
        """
        value = self.filters.get(name)
        if value is None:
            return None
        try:
            return kind(value)
        except ValueError:
            raise exception.Invalid(
                name, f'unknown value; allowed: {", ".join(kind)}'
            ) from None


def read(
    req: falcon.Request, max_limit: int, filters: Iterable[str] = ()
) -> Query:
    """The checked query string.

    :raises hass.exception.Invalid: naming the parameter and what is allowed
    """
    given = parameters(req, ('limit', 'marker', *filters))
    limit = _limit(given.pop('limit', None), max_limit)
    return Query(limit, given.pop('marker', None), given)


def parameters(req: falcon.Request, allowed: Iterable[str]) -> dict[str, str]:
    """The parameters that were given.

    :raises hass.exception.Invalid: naming the parameter and what is allowed
    """
    given: dict[str, str] = {}
    known = sorted(allowed)
    for name, value in req.params.items():
        if name not in known:
            raise exception.Invalid(
                name, f'unknown parameter; allowed: {", ".join(known)}'
            )
        if not isinstance(value, str):
            raise exception.Invalid(name, 'is given more than once')
        given[name] = value
    return given


def nothing(req: falcon.Request) -> None:
    """For requests that take no parameter.

    :raises hass.exception.Invalid: there is one
    """
    for name in req.params:
        raise exception.Invalid(name, 'this request takes no parameters')


def page(
    req: falcon.Request, query: Query, name: str, entries: list[dict[str, Any]]
) -> dict[str, Any]:
    """The body of one page.

    :param entries: one more than asked for, if there are more
    """
    body: dict[str, Any] = {name: entries[: query.limit], 'links': []}
    if len(entries) > query.limit:
        more = {
            **query.filters,
            'limit': str(query.limit),
            'marker': entries[query.limit - 1]['uuid'],
        }
        href = f'{req.prefix}{req.path}?{parse.urlencode(more)}'
        body['links'] = [{'rel': 'next', 'href': href}]
    return body


def _limit(text: str | None, most: int) -> int:
    if text is None:
        return most
    if not (text.isascii() and text.isdigit() and int(text[:9]) > 0):
        raise exception.Invalid('limit', f'allowed: 1 to {most}')
    return min(int(text[:9]), most)
