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

"""The first page of 10,000 instances: what the API itself takes for it.

No network, no Keystone: the application, its middleware and a real database.
"""

from collections.abc import Callable
import statistics
import time
from typing import Any
import uuid

from falcon import testing
import sqlalchemy as sa

from hass.api import app
from hass.api import engines
from hass.api import parts as api_parts
from hass import clock
from hass.conf import protection
from hass.db import migration
from hass.db import models
from hass.db import session as db
from hass.tests import builders
from hass.tests.functional.api import base
from hass.tests.functional.db import stores

INSTANCES = 10_000
TRIES = 50
HEADERS = {'X-Auth-Token': base.ADMIN}


def milliseconds() -> dict[str, dict[str, float]]:
    """Median and slowest of TRIES first pages, by database."""
    return {kind: _measured(kind) for kind in stores.KINDS}


def _measured(kind: str) -> dict[str, float]:
    store = stores.store(kind)
    url = store.create()
    database = builders.open_database(url)
    try:
        migration.sync(database)
        _fill(database)
        took = _times(_application(database))
    finally:
        database.close()
        store.drop(url)
    return {
        'median': round(statistics.median(took), 1),
        'slowest': round(max(took), 1),
    }


def _fill(database: db.Database) -> None:
    with database.writer() as session:
        cluster = builders.make_cluster(session)
        now = cluster.created_at
        made = [
            {
                'uuid': str(uuid.uuid4()),
                'name': f'vm-{number}',
                'project_id': f'project-{number % 100}',
                'cluster_id': cluster.id,
                'created_at': now,
            }
            for number in range(INSTANCES)
        ]
        session.execute(sa.insert(models.Instance), made)


def _application(database: db.Database) -> Callable[..., Any]:
    conf = base.make_conf(api__auth_strategy='noauth')
    clock_ = clock.SystemClock()
    operator = base.FakeEngine(database)
    parts = api_parts.Parts(
        database=database,
        compute=base.FakeNova(),
        engines=engines.Engines(operator, clock_, 1.0),
        keyring=base.PlainKeyring(),
        rule=protection.rule(conf),
        max_limit=conf.api.max_limit,
        silence_seconds=30.0,
        test_seconds=conf.fencing.test_seconds,
        search_seconds=conf.detection.search_seconds,
    )
    application = app.build(conf, parts)

    def serve(environ: Any, start_response: Any) -> Any:
        # Falcon takes functions only for what it is to ask.
        return application(environ, start_response)

    return serve


def _times(application: Callable[..., Any]) -> list[float]:
    """Milliseconds of each; the first, which connects, is not counted."""
    took = []
    for _ in range(TRIES + 1):
        began = time.perf_counter()
        answer = testing.simulate_get(
            application, '/v1/instances', headers=HEADERS
        )
        took.append((time.perf_counter() - began) * 1000)
        if answer.status_code != 200 or not answer.json['links']:
            raise SystemExit(f'/v1/instances: {answer.text[:200]}')
    return took[1:]
