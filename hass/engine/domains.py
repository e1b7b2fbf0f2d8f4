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

"""Learns from Nova which aggregates and zone each host is in."""

import logging

from oslo_db import exception as oslo_exception

from hass.db import hosts
from hass.db import session as db_session
from hass import exception
from hass import nova

LOG = logging.getLogger(__name__)
LEARN_SECONDS = 60.0
"""Domains move when operators move hosts: seldom."""


def learn(database: db_session.Database, compute: nova.Compute) -> None:
    """Two calls, and rows are written only where something changed.

    What Nova does not tell now stays as it was.
    """
    try:
        zones = {one.host: one.zone for one in compute.services()}
        aggregates = compute.aggregates()
        found = {
            host: (
                zone,
                sorted(one.name for one in aggregates if host in one.hosts),
            )
            for host, zone in zones.items()
        }
        database.write(hosts.set_domains, found)
    except (exception.HassError, oslo_exception.DBError) as error:
        LOG.warning('aggregates and zones were not learnt: %s', error)
