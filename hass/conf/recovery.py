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

"""[recovery]: claims, and how a host's instances are brought back."""

from oslo_config import cfg

OPTIONS: list[cfg.Opt] = [
    cfg.StrOpt(
        'planner',
        default='default',
        help='Which planner decides in which order instances are evacuated, '
        'and to which hosts: the name of an entry point hass.planners. '
        '"default" evacuates them by name, each to the host that was given '
        'the fewest. All engines need the same one.',
    ),
    cfg.FloatOpt(
        'claim_seconds',
        default=6.0,
        min=2.0,
        max=60.0,
        help='How long an engine owns a recovery without renewing its claim. '
        'A killed engine is replaced after this time and call_seconds.',
    ),
    cfg.FloatOpt(
        'renew_seconds',
        default=2.0,
        min=0.2,
        help='How often a claim is renewed; it should be a third of '
        'claim_seconds.',
    ),
    cfg.FloatOpt(
        'step_seconds',
        default=15.0,
        min=2.0,
        help='A step that runs longer than this loses the right to act and '
        'its claim is not renewed. It must exceed [nova] call_seconds.',
    ),
    cfg.FloatOpt(
        'call_seconds',
        default=2.0,
        min=0.5,
        help='How long a call of a dead engine may still be on its way: '
        'another engine waits this long before it takes over.',
    ),
    cfg.FloatOpt(
        'stale_seconds',
        default=120.0,
        min=10.0,
        help='A recovery without a turn for this long starts again at '
        'confirming: the world has moved on meanwhile.',
    ),
    cfg.FloatOpt(
        'held_seconds',
        default=60.0,
        min=5.0,
        help='How long a recovery stays held by restraint or by lack of '
        'capacity before the host is looked at again.',
    ),
    cfg.IntOpt(
        'parallel',
        default=30,
        min=1,
        max=200,
        help='Evacuations of one host that run at the same time. Too many '
        'overload the compute hosts that receive them, and Nova: what comes '
        'back first comes back later.',
    ),
    cfg.FloatOpt(
        'evacuation_seconds',
        default=1800.0,
        min=60.0,
        max=3000.0,
        help='How long the instances of a fenced host are tried to be '
        'evacuated, counted from the moment at which it was proved off. What '
        'Nova refused meanwhile is asked for again, less and less often. What '
        'is left then is started when its host is back. Too small, and a '
        'short outage of Cinder or Neutron keeps instances down until then.',
    ),
    cfg.FloatOpt(
        'guest_seconds',
        default=60.0,
        min=10.0,
        max=3600.0,
        help='How long a guest agent, or the network of a guest, has to be '
        'silent before the instance is restarted for it. A guest that reboots '
        'by itself is silent as long as it takes: too small, and it is '
        'cut in the middle of that.',
    ),
    cfg.FloatOpt(
        'storage_seconds',
        default=60.0,
        min=5.0,
        max=3600.0,
        help='An instance that stands still after an error of its storage is '
        'restarted when the storage of its host is seen to answer. Where '
        'nothing looks at that, it is restarted after this time.',
    ),
    cfg.FloatOpt(
        'verify_seconds',
        default=120.0,
        min=10.0,
        max=600.0,
        help='How long a restarted instance may take until its ports are up '
        'and its guest answers as it did before. After that the next thing is '
        'tried: stop and start, then another host. Too small, and a guest '
        'that boots slowly is cut while it boots.',
    ),
    cfg.IntOpt(
        'crash_loop_count',
        default=3,
        min=1,
        max=10,
        help='An instance that was brought back this often within '
        'crash_loop_seconds, and fails again, is held for a human.',
    ),
    cfg.FloatOpt(
        'crash_loop_seconds',
        default=1800.0,
        min=60.0,
        help='See crash_loop_count.',
    ),
    cfg.FloatOpt(
        'backoff_seconds',
        default=10.0,
        min=0.0,
        max=120.0,
        help='An instance that fails a second time within crash_loop_seconds '
        'is restarted this long after its failure, a third time twice as '
        'long, and so on.',
    ),
    cfg.FloatOpt(
        'fit_seconds',
        default=180.0,
        min=0.0,
        max=600.0,
        help='How long a host that is back may take until it has what it had '
        'before it failed: networks, storage, agents of Neutron, devices in '
        'Placement. What is missing then is paged, and no new instances are '
        'let onto the host before it is there or an operator has accepted '
        'that it is not. Too small, and people are paged for a host that '
        'only boots slowly.',
    ),
    cfg.FloatOpt(
        'baseline_seconds',
        default=300.0,
        min=10.0,
        help='What a host in service has had for so long, it has to have '
        'when it comes back from a failure. Too small, and what was only '
        'plugged in for a try is demanded later.',
    ),
    cfg.BoolOpt(
        'restart_unprotected',
        default=True,
        help='Start the instances of a fenced host that were active but not '
        'protected, once the host is back.',
    ),
]
