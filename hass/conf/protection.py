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

"""[protection]: what instances say of themselves, and who is a service."""

from oslo_config import cfg

from hass.conf import forms
from hass import entitlement

GROUP = 'protection'
_KEY = forms.Form(
    '[a-zA-Z0-9_:. -]{1,255}',
    'a metadata key of Nova: 1 to 255 letters, digits, blanks, dots, colons, '
    'dashes and underscores',
)

OPTIONS: list[cfg.Opt] = [
    cfg.Opt(
        'metadata_key',
        type=_KEY,
        default='HA_Enabled',
        help='The metadata key by which an instance says that it wants to '
        'be protected, in clusters that protect "tagged" instances, or that '
        'it does not, in those that protect "all". Yes are 1, t, true, on, y '
        'and yes, no are 0, f, false, off, n and no, in any case of letters; '
        'any other value says nothing. The default is that of Masakari.',
    ),
    cfg.ListOpt(
        'service_projects',
        default=[],
        item_type=forms.Form(
            '[0-9a-f]{32}', 'the 32 hexadecimal digits of an ID, in lower case'
        ),
        help='IDs (not names) of the projects in which services of the '
        'cloud keep instances, as Octavia and Trove do in the project '
        '"service". A cluster that protects "all" leaves them out: they are '
        'their service\'s to bring back. One that is chosen, or whose '
        'metadata say yes, is protected all the same.',
    ),
    cfg.ListOpt(
        'service_names',
        default=[
            'amphora-*',
            'manila_service_instance_*',
            '*-????????????-master-*',
            '*-????????????-node-*',
        ],
        help='Names that services give to instances, with * and ?, for '
        'services that keep them in the projects of their users. The '
        'default knows those of Octavia, Manila and Magnum. A user who '
        'names an own instance so has it left out too, until it is chosen '
        'or tagged.',
    ),
    cfg.ListOpt(
        'service_metadata_keys',
        default=[],
        help='Metadata keys that only instances of services have, whatever '
        'their values are.',
    ),
    cfg.Opt(
        'layers_key',
        type=_KEY,
        default='HA_Layers',
        help='The metadata key by which an instance names the layers of its '
        'own whose faults count, whatever the layers of its cluster are: '
        '"none", or some of instance, guest_os and guest_network with commas '
        'between them. Any other value says nothing.',
    ),
]


def rule(conf: cfg.ConfigOpts) -> entitlement.Rule:
    """The rule that these options make."""
    group = conf[GROUP]
    return entitlement.Rule(
        metadata_key=group.metadata_key,
        service_projects=frozenset(group.service_projects),
        service_names=tuple(group.service_names),
        service_metadata_keys=tuple(group.service_metadata_keys),
        layers_key=group.layers_key,
    )
