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

"""The words of the API, as people read them in their own language."""

from collections.abc import Iterable
import datetime
from typing import Any

from django.template import defaultfilters
from django.utils.translation import gettext_lazy as _

LAYERS = (
    ('power', _('Power')),
    ('hardware', _('Hardware')),
    ('os', _('Operating system')),
    ('network', _('Network')),
    ('instance', _('Instance')),
    ('guest_os', _('Guest operating system')),
    ('guest_network', _('Guest network')),
)
DEFAULT_LAYERS = ('power', 'os', 'network', 'instance', 'guest_os')
SIDE_PATHS = (
    ('storage', _('Storage')),
    ('compute', _('Compute service')),
    ('libvirt', _('Libvirt')),
    ('membership', _('Group membership')),
)
MODES = (
    ('observe', _('Observe: decide and tell, touch nothing')),
    ('ask', _('Ask: wait for an operator')),
    ('act', _('Act: fence and evacuate')),
)
TARGETS = (
    ('cluster', _('Hosts of this cluster')),
    ('any', _('Any host')),
)
PROTECTS = (
    ('chosen', _('Instances that were chosen')),
    ('tagged', _('Instances that were chosen or say so in their metadata')),
    ('all', _('All instances but those left out')),
)
WORKFLOWS = (
    ('host_failure', _('Host failure')),
    ('host_return', _('Host return')),
    ('instance_failure', _('Instance failure')),
    ('service_failure', _('Service failure')),
    ('evacuation', _('Evacuation')),
)
LOSS_ENDS = (
    ('runs', _('It runs')),
    ('stopped', _('Its user stopped it')),
    ('deleted', _('It was deleted')),
    ('unprotected', _('It is not protected any more')),
)
FENCES = (
    ('untested', _('Untested')),
    ('working', _('Working')),
    ('broken', _('Broken')),
    ('lying', _('Lying')),
)
WIRINGS = (
    ('proven', _('Proven')),
    ('wrong', _('Wrong')),
    ('unsupported', _('Not supported')),
)
ENDED = {
    'finished': _('Finished'),
    'returned': _('Returned'),
    'dismissed': _('Dismissed'),
    'done': _('Done'),
    'left': _('Left where it is'),
}
UNDER_WAY = {
    'confirming': _('Confirming'),
    'fencing': _('Fencing'),
    'forcing_down': _('Forcing down'),
    'planning': _('Planning'),
    'evacuating': _('Evacuating'),
    'verifying': _('Verifying'),
    'powering_on': _('Powering on'),
    'awaiting_agent': _('Awaiting agent'),
    'settling': _('Settling'),
    'unforcing': _('Unforcing'),
    'enabling': _('Enabling'),
    'restarting': _('Restarting'),
    'resuming': _('Resuming'),
    'rebooting': _('Rebooting'),
    'stopping': _('Stopping'),
    'starting': _('Starting'),
    'migrating': _('Migrating'),
    'disabling': _('Disabling'),
    'giving_back': _('Giving back'),
    'pending': _('Pending'),
    'requested': _('Requested'),
}
HELD = 'held'
STATES = (
    *ENDED.items(),
    *UNDER_WAY.items(),
    (HELD, _('Held: a human must look')),
)
STATE_STATUSES = (
    *((state, True) for state in ENDED),
    *((state, None) for state in UNDER_WAY),
    (HELD, False),
)
"""For status columns: good, changing, in need of a human."""
VERDICTS = (
    ('healthy', _('Healthy')),
    ('failed', _('Failed')),
    ('unknown', _('Unknown')),
)
VERDICT_STATUSES = (('healthy', True), ('failed', False), ('unknown', None))


def plain(name: str) -> str:
    """What stands for a workflow or state that has no word here yet."""
    return name.replace('_', ' ').capitalize()


def layers(names: Iterable[str]) -> str:
    """Their names in a row."""
    known = dict((*LAYERS, *SIDE_PATHS))
    return ', '.join(str(known.get(name, name)) for name in names)


def moment(text: str | None) -> Any:
    """A moment of the API, in the user's own format."""
    if not text:
        return None
    when = datetime.datetime.fromisoformat(text)
    return defaultfilters.date(when, 'Y-m-d H:i:s')
