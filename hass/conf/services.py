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

"""[services]: nova-compute or libvirtd dies on a living host."""

from oslo_config import cfg

OPTIONS: list[cfg.Opt] = [
    cfg.FloatOpt(
        'patience_seconds',
        default=5.0,
        min=0.0,
        help='How long a service must have failed, by the word of its host, '
        'before HASS sees to it. systemd restarts most of them by itself: '
        'too small, and HASS is in its way.',
    ),
    cfg.FloatOpt(
        'nova_patience_seconds',
        default=60.0,
        min=10.0,
        help='The same when Nova alone takes a nova-compute for dead: it '
        'hangs, or has lost the message bus. It adds to service_down_time '
        'of Nova, and is at least two [detection] rounds_seconds. Too small, '
        'and a fault of the bus looks like one of each nova-compute.',
    ),
    cfg.IntOpt(
        'max_restarts',
        default=3,
        min=0,
        help='Restarts of the services of one host within window_seconds. '
        'When they are used up, nova-compute is disabled in Nova and the '
        'recovery is held. It should be less than [agent] max_orders. 0: '
        'nothing is ever restarted.',
    ),
    cfg.IntOpt(
        'window_seconds',
        default=3600,
        min=60,
        help='See max_restarts. It slides: a service that dies again after '
        'this time is restarted again.',
    ),
    cfg.FloatOpt(
        'stable_seconds',
        default=10.0,
        min=0.0,
        max=60.0,
        help='How long a service must work before it is believed to. Too '
        'small, and one that starts and dies again and again looks well in '
        'between.',
    ),
    cfg.FloatOpt(
        'verify_seconds',
        default=180.0,
        min=10.0,
        max=600.0,
        help='How long a restart may take until systemd and Nova see the '
        'service work. A service that hangs is only killed after its '
        'TimeoutStopSec, by default 90 s.',
    ),
]
