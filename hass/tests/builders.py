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

"""Real rows with defaults, in a real database."""

from collections.abc import Mapping
import functools
import pathlib
import shutil
import tempfile
from typing import Any
import uuid

from oslo_config import cfg
import sqlalchemy as sa
from sqlalchemy import orm
import testtools

from hass import clock as clocks
from hass.db import clusters
from hass.db import hosts
from hass.db import instance_observations
from hass.db import instances
from hass.db import losses
from hass.db import migration
from hass.db import models
from hass.db import moments
from hass.db import notifications
from hass.db import recoveries
from hass.db import session as db
from hass import faults


def open_database(
    url: str,
    clock: clocks.Clock | None = None,
    tries: int = db.TRIES,
    **options: Any,
) -> db.Database:
    """A database by its URL, with oslo.db's options as given."""
    conf = cfg.ConfigOpts()
    db.register_opts(conf)
    conf([], project='hass', default_config_files=[])
    for name, value in options.items():
        conf.set_override(name, value, 'database')
    conf.set_override('connection', url, 'database')
    return db.Database(conf, clock or clocks.SystemClock(), tries)


def make_database(
    test: testtools.TestCase, clock: clocks.Clock | None = None
) -> db.Database:
    """A migrated and empty SQLite database, for threads too.

    :param clock: whose wall time is the database's
    """
    folder = tempfile.mkdtemp(prefix='hass-test-')
    test.addCleanup(shutil.rmtree, folder, ignore_errors=True)
    path = pathlib.Path(folder) / 'hass.sqlite'
    path.write_bytes(_template())
    database = open_database(
        f'sqlite:///{path}', clock, sqlite_synchronous=False
    )
    test.addCleanup(database.close)
    return database


@functools.cache
def _template() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / 'hass.sqlite'
        database = open_database(f'sqlite:///{path}')
        migration.sync(database)
        database.close()
        return path.read_bytes()


def make_cluster(
    session: orm.Session,
    /,
    name: str = 'rack-1',
    mode: models.Mode = models.Mode.ACT,
    **fields: Any,
) -> models.Cluster:
    """A cluster in which HASS acts."""
    return clusters.create(session, name, mode=mode, **fields)


def make_host(
    session: orm.Session,
    /,
    name: str = 'compute-1',
    cluster: models.Cluster | None = None,
    **fields: Any,
) -> models.Host:
    """A host with a fence that works; any field of its row may be given."""
    host = hosts.add(
        session,
        cluster or some_cluster(session),
        name,
        agent_key=fields.pop('agent_key', 'encrypted'),
    )
    given = {
        'bmc_address': f'bmc-{name}',
        'bmc_username': 'hass',
        'bmc_password': 'encrypted',
        'fence_state': models.FenceState.WORKING,
        'fence_why': 'it answers',
    } | fields
    for field, value in given.items():
        setattr(host, field, value)
    session.flush()
    return host


def make_instance(
    session: orm.Session,
    /,
    name: str = 'vm-1',
    project_id: str = 'blue',
    cluster: models.Cluster | None = None,
) -> models.Instance:
    """A protected instance."""
    return instances.protect(
        session,
        cluster or some_cluster(session),
        str(uuid.uuid4()),
        name,
        project_id,
    )


def see_instance(session: orm.Session, host: str, uuid: str) -> None:
    """Its agent has just seen an instance to run there."""
    seen = instance_observations.Seen(
        uuid,
        'instance_libvirt',
        faults.Layer.INSTANCE,
        faults.Verdict.HEALTHY,
        moments.read_now(session),
    )
    instance_observations.put(session, host, [seen])


def make_loss(
    session: orm.Session,
    /,
    instance_uuid: str,
    name: str = 'vm-1',
    project_id: str = 'blue',
    host: str = 'compute-1',
    recovery_uuid: str | None = None,
) -> models.Loss:
    """An open loss of an instance that is paused."""
    lost = losses.Lost(instance_uuid, name, project_id, 'it is paused')
    (loss,) = losses.record(session, host, [lost], recovery_uuid)
    return loss


def make_notification(
    session: orm.Session,
    /,
    host: str = 'compute-1',
    layer: faults.Layer = faults.Layer.POWER,
    payload: Mapping[str, Any] | None = None,
) -> models.Notification:
    """What an outside monitor alleges."""
    return notifications.add(
        session,
        source='monitor',
        host=host,
        layer=layer,
        payload=payload or {},
    )


def make_recovery(
    session: orm.Session,
    /,
    host: str = 'compute-1',
    state: str = 'confirming',
    workflow: str = 'host_failure',
    **fields: Any,
) -> models.Recovery:
    """An open recovery that is due; any field of its row may be given."""
    recovery = recoveries.open_one(
        session,
        workflow=workflow,
        host=host,
        cluster_id=some_cluster(session).id,
        state=state,
        deadline_seconds=60,
        engine='engine-1',
        why='no beat on any network',
    )
    assert recovery is not None, f'a recovery of {host} is open'
    for field, value in fields.items():
        setattr(recovery, field, value)
    session.flush()
    return recovery


def make_restart(session: orm.Session, uuid: str) -> models.Recovery:
    """A recovery of an instance that was killed, and is over."""
    recovery = recoveries.open_for(
        session,
        uuid,
        workflow='instance_failure',
        cluster_id=some_cluster(session).id,
        state='confirming',
        deadline_seconds=60,
        engine='engine-1',
        why='it was killed on compute-1',
        fault={},
    )
    assert recovery is not None, f'a recovery of {uuid} is open'
    recoveries.end(session, recovery, 'finished', 'engine-1', 'it runs')
    return recovery


def some_cluster(session: orm.Session) -> models.Cluster:
    """The oldest cluster, or a new one."""
    query = sa.select(models.Cluster).order_by(models.Cluster.id).limit(1)
    return session.scalars(query).first() or make_cluster(session)
