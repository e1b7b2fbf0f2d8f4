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

"""What its user wants of an instance, when only a dead host was told."""

import logging

from hass import clock
from hass import exception
from hass import nova
from hass.recovery import intent

LOG = logging.getLogger(__name__)


def delete_anew(
    compute: nova.Compute, server: nova.Server, deadline: clock.Deadline
) -> None:
    """Ask again for the end that a user asked for.

    Its host has been forced down since, so Nova does not wait for it. Where
    Nova refuses, the host is told when it is back.
    """
    try:
        if intent.is_deleted_by_its_user(compute.actions_of(server.uuid)):
            compute.delete(server, deadline)
    except exception.NovaRefused as error:
        LOG.warning('%s is not deleted yet: %s', server.uuid, error)
