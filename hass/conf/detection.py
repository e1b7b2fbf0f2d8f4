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

"""[detection]: when a silent host is suspected, and what is asked then."""

from oslo_config import cfg

OPTIONS: list[cfg.Opt] = [
    cfg.FloatOpt(
        'probe_after_seconds',
        default=1.5,
        min=0.5,
        help='Silence of an agent on all its networks after which the BMC of '
        'its host is asked for the power state. A power supply that died is '
        'decided this quickly. Too small, and BMCs are asked for every beat '
        'that is late; it should exceed [agent] beat_seconds.',
    ),
    cfg.FloatOpt(
        'silence_seconds',
        default=3.0,
        min=1.0,
        help='Silence of an agent on all its networks after which its host '
        'is suspected even if its BMC reads power on. Too small, and a busy '
        'network looks like a dead host; it should be at least three times '
        '[agent] beat_seconds.',
    ),
    cfg.FloatOpt(
        'listen_seconds',
        default=5.0,
        min=1.0,
        help='How long an engine listens after its start before it suspects '
        'anybody. It must exceed silence_seconds.',
    ),
    cfg.FloatOpt(
        'icmp_seconds',
        default=1.0,
        min=0.1,
        max=10.0,
        help='How long an answer to a ping may take when a suspected host '
        'is looked at from outside.',
    ),
    cfg.IntOpt(
        'icmp_count',
        default=2,
        min=1,
        max=10,
        help='Pings sent to each address of a suspected host; one answer is '
        'enough for the network to count as alive.',
    ),
    cfg.FloatOpt(
        'quiet_seconds',
        default=600.0,
        min=10.0,
        help='A host that never spoke again after its last recovery ended is '
        'looked at anew after this time, not at each turn.',
    ),
]
