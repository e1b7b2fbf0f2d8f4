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

"""[engine]: this engine among its peers."""

from oslo_config import cfg

from hass.conf import forms

LISTEN = forms.Form(
    r'(\[[0-9a-fA-F:]+\]|[^\s:]+):\d{1,5}',
    'address:port, with brackets around an IPv6 address',
)

OPTIONS: list[cfg.Opt] = [
    cfg.StrOpt(
        'name',
        help='Name of this engine among its peers; it must differ on each '
        'controller. The host name when it is not set.',
    ),
    cfg.ListOpt(
        'listen',
        default=['0.0.0.0:15869'],
        item_type=LISTEN,
        help='Addresses (address:port) on which beats are received, one for '
        'each network that engine and compute hosts share. What the agents '
        'name in [agent] engines must be among them.',
    ),
    cfg.FloatOpt(
        'turn_seconds',
        default=0.25,
        min=0.05,
        max=5.0,
        help='Pause between two turns of the patrol. It is part of the time '
        'to notice a fault; it should be well below [agent] beat_seconds.',
    ),
    cfg.FloatOpt(
        'scan_seconds',
        default=0.25,
        min=0.05,
        max=5.0,
        help='Pause between two looks for recoveries that want a turn. It is '
        'what a lost bell message costs.',
    ),
    cfg.FloatOpt(
        'alive_seconds',
        default=5.0,
        min=2.0,
        help='An engine whose patrol has not finished a turn for this long '
        'has no voice when a host is condemned. It must exceed turn_seconds '
        'several times.',
    ),
    cfg.IntOpt(
        'workers',
        default=16,
        min=2,
        max=256,
        help='Recoveries that this engine works on at the same time.',
    ),
]
