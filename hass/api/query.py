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

from collections.abc import Mapping
import dataclasses
import enum
from typing import Any, TypeVar
from urllib import parse

import falcon

from hass.api import body
from hass.api import microversion
from hass.api.schemas import formats
from hass.api import since
from hass.db import pages
from hass import exception
from hass import naming

Schema = Mapping[str, Any]
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

    def page(self) -> pages.Page:
        """The same for the database: an entry more tells of another page."""
        moment = self.filters.get('since')
        order = self.filters.get('sort_dir')
        return {
            'limit': self.limit + 1,
            'marker': self.marker,
            'since': None if moment is None else formats.to_moment(moment),
            'sort_key': self.filters.get('sort_key'),
            'descending': None if order is None else order == 'desc',
        }

    def flag(self, name: str) -> bool | None:
        """A filter that says yes or no."""
        value = self.filters.get(name)
        return None if value is None else value.lower() == 'true'

    def choice(self, name: str, kind: type[Value]) -> Value | None:
        """A filter whose values are known."""
        value = self.filters.get(name)
        return None if value is None else kind(value)


def parameters(
    req: falcon.Request,
    known: Mapping[str, Schema],
    version: microversion.Version,
) -> dict[str, str]:
    """The parameters that were given, each as its schema says.

    :raises hass.exception.Invalid: naming the parameter and what is allowed
    """
    given: dict[str, str] = {}
    for name, value in req.params.items():
        schema = known.get(name)
        if schema is None:
            spoken = [key for key in known if since.of(known[key]) <= version]
            allowed = ', '.join(sorted(spoken)) or 'none'
            raise exception.Invalid(
                name, f'unknown parameter; allowed: {allowed}'
            )
        if since.of(schema) > version:
            sentence = since.why_not(since.of(schema), version)
            raise exception.Invalid(name, sentence)
        if not isinstance(value, str):
            raise exception.Invalid(name, 'is given more than once')
        _check(name, value, schema)
        given[name] = value
    return given


def read(req: falcon.Request, max_limit: int) -> Query:
    """What an admitted request for a list asks for."""
    found = dict(req.context.parameters)
    limit = min(_number(found.pop('limit', str(max_limit))), max_limit)
    return Query(limit, found.pop('marker', None), found)


def first(req: falcon.Request, entries: list[Any]) -> list[Any]:
    """As many as an admitted request asks for; all if it does not say."""
    limit = req.context.parameters.get('limit')
    return entries if limit is None else entries[: _number(limit)]


def page(
    req: falcon.Request,
    query: Query,
    name: str,
    entries: list[dict[str, Any]],
    key: str = 'uuid',
) -> dict[str, Any]:
    """The body of one page.

    :param entries: one more than asked for, if there are more
    :param key: the field of an entry that a marker is
    """
    shown: dict[str, Any] = {name: entries[: query.limit], 'links': []}
    if len(entries) > query.limit:
        more = {
            **query.filters,
            'limit': str(query.limit),
            'marker': entries[query.limit - 1][key],
        }
        href = f'{req.prefix}{req.path}?{parse.urlencode(more)}'
        shown['links'] = [{'rel': 'next', 'href': href}]
    return shown


def cut(
    req: falcon.Request,
    query: Query,
    name: str,
    entries: list[dict[str, Any]],
    key: str = 'uuid',
) -> dict[str, Any]:
    """The same of a list that is known whole.

    :raises hass.exception.Invalid: the marker names no entry
    """
    if query.marker is None:
        return page(req, query, name, entries, key)
    places = [one[key] for one in entries]
    if query.marker not in places:
        raise exception.Invalid(
            'marker', f'no entry has {key} {naming.shown(query.marker)}'
        )
    # The last that is called so: a walk has to come to its end.
    begin = len(places) - places[::-1].index(query.marker)
    return page(req, query, name, entries[begin:], key)


def _number(text: str) -> int:
    """Of more digits it is more than any list holds, too."""
    return int(text.lstrip('0')[:9])


def _check(name: str, value: str, schema: Schema) -> None:
    """:raises hass.exception.Invalid: naming what is allowed"""
    if 'enum' in schema and value not in schema['enum']:
        allowed = ', '.join(map(str, schema['enum']))
        raise exception.Invalid(name, f'unknown value; allowed: {allowed}')
    if schema.get('format') == 'date-time':
        body.check({name: value}, {'properties': {name: schema}})
    if schema.get('type') == 'boolean':
        if value.lower() not in ('true', 'false'):
            raise exception.Invalid(name, 'allowed: true, false')
    if schema.get('type') == 'integer':
        if not (value.isascii() and value.isdigit() and value.strip('0')):
            raise exception.Invalid(name, 'allowed: whole numbers from 1 on')
