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

"""The tables ha_cluster, ha_node and ha_instance of NCU-HASS."""

from collections.abc import Mapping
import dataclasses

import sqlalchemy as sa
from sqlalchemy import pool

from hass.db import session as db_session
from hass import exception

OPTION = '--database'
NAME_LENGTH = 18
"""Of cluster_name and node_name: what was longer may have been cut."""

CLUSTERS = sa.table(
    'ha_cluster',
    sa.column('cluster_name'),
    sa.column('protected_layers_string'),
)
HOSTS = sa.table('ha_node', sa.column('node_name'), sa.column('below_cluster'))
INSTANCES = sa.table('ha_instance', sa.column('instance_id'))


@dataclasses.dataclass(frozen=True, slots=True)
class Found:
    """What is in the tables.

    :ivar clusters: name to layer string: a digit for each layer, 1 for
        those that are watched
    :ivar hosts: name to the name of the cluster
    :ivar instances: UUIDs of those that are protected
    """

    clusters: Mapping[str, str]
    hosts: Mapping[str, str]
    instances: list[str]


def choose(wanted: str | None, configured: sa.URL | None) -> sa.URL:
    """Where the tables are.

    :param wanted: a URL that goes before what is configured; without a
        password it is given the configured one, which then stands in no
        list of processes
    :raises hass.exception.ConfigError: nothing says it, or it is no URL
    """
    if wanted is None:
        if configured is None:
            raise exception.ConfigError(
                OPTION, 'must be given: [mysql] mysql_ip is not set'
            )
        return db_session.usable_url('[mysql]', configured)
    url = db_session.usable_url(OPTION, wanted)
    if configured is not None and url.password is None and url.host:
        url = url.set(password=configured.password)
    return url


def read(url: sa.URL) -> Found:
    """All rows.

    :raises hass.exception.DatabaseUnreachable: there is no answer, or the
        tables are not there; the password is not told
    """
    engine = sa.create_engine(
        url, poolclass=pool.NullPool, hide_parameters=True
    )
    try:
        with engine.connect() as connection:
            clusters = connection.execute(sa.select(CLUSTERS)).all()
            hosts = connection.execute(sa.select(HOSTS)).all()
            instances = connection.execute(sa.select(INSTANCES)).all()
    except sa.exc.DBAPIError as error:
        shown = url.render_as_string(hide_password=True)
        reason = str(error.orig).partition('\n')[0]
        raise exception.DatabaseUnreachable(f'{shown}: {reason}') from None
    return Found(
        clusters={_text(name): _text(layers) for name, layers in clusters},
        hosts={_text(name): _text(cluster) for name, cluster in hosts},
        instances=[_text(uuid).lower() for (uuid,) in instances],
    )


def _text(value: object) -> str:
    """Without the blanks that fill a CHAR up on some databases."""
    return '' if value is None else str(value).strip()
