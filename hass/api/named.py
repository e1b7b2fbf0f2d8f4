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

"""Filters that name a cluster or a host: what is named has to exist.

An empty list would say that nothing happened there.
"""

from collections.abc import Mapping

from sqlalchemy import orm

from hass.db import clusters
from hass.db import hosts
from hass.db import pages
from hass import exception
from hass import naming

Filters = Mapping[str, str]


def cluster(
    session: orm.Session, filters: Filters, *, tells: bool = True
) -> int | None:
    """The id of the cluster that a filter means.

    :param tells: whether the caller may learn that there is none: others get
        0, which no row has
    :raises hass.exception.Invalid: there is none
    """
    if 'cluster' not in filters:
        return None
    name = filters['cluster']
    try:
        return clusters.get(session, name).id
    except exception.NotFound:
        if not tells:
            return 0
        raise exception.Invalid(
            'cluster',
            f'there is no cluster {naming.shown(name)}; allowed: the name or '
            'UUID of one',
        ) from None


def host(
    session: orm.Session,
    filters: Filters,
    listed: orm.InstrumentedAttribute[str] | None = None,
) -> str | None:
    """The name of the host that a filter means.

    :param listed: the column of the list that names hosts, if it remembers
        those that were removed
    :raises hass.exception.Invalid: there is none
    """
    name = filters.get('host')
    if name is None:
        return None
    try:
        return hosts.get(session, name).name
    except exception.NotFound:
        if listed is not None and pages.has(session, listed, name):
            return name
    raise exception.Invalid(
        'host',
        f'there is no host {naming.shown(name)}; allowed: the name or UUID of '
        'one in a cluster',
    )
