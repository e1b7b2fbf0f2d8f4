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

"""[restraint]: how many suspected hosts, or instances, are too many."""

from oslo_config import cfg

OPTIONS: list[cfg.Opt] = [
    cfg.IntOpt(
        'window_seconds',
        default=1800,
        min=1,
        help='Hosts that were suspected within this time are counted '
        'together, whether their recoveries have ended or not. It slides, so '
        'it is also how long a human has to look before HASS goes on by '
        'itself. Too small, and hosts that fail one after the other look '
        'like faults that have nothing to do with each other.',
    ),
    cfg.IntOpt(
        'max_suspects',
        default=3,
        min=1,
        help='Hosts of one cluster that may be suspected within '
        'window_seconds; when there are more, none of them is fenced: the '
        'recoveries are held and page. [fencing] max_fencings counts '
        'besides. Too large, and a fault of the network is taken for a '
        'fault of each host behind it.',
    ),
    cfg.IntOpt(
        'max_suspects_per_domain',
        default=2,
        min=1,
        help='The same for the hosts of one failure domain: those that '
        'share a label (rack, pdu, switch …), an aggregate or an '
        'availability zone of Nova. A domain that holds over nine in ten of '
        'all hosts tells nothing and is not counted.',
    ),
    cfg.FloatOpt(
        'max_share',
        default=0.1,
        min=0.0,
        max=1.0,
        help='Of large clusters and domains this share of their hosts may be '
        'suspected, and be fenced in a domain, if that is more than the '
        'numbers above. 0: only the numbers count.',
    ),
    cfg.IntOpt(
        'max_instances',
        default=10,
        min=1,
        help='Instances of one cluster that may be restarted on living hosts '
        'within instances_seconds. When more of them fail, one recovery is '
        'held and pages, naming how many there are and where; the others '
        'wait, and go on so many at a time. Too large, and a fault that all '
        'of them share is answered with a storm of restarts.',
    ),
    cfg.IntOpt(
        'instances_seconds',
        default=60,
        min=1,
        help='See max_instances.',
    ),
]
