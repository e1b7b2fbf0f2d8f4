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

"""[fencing]: how hosts are cut off, and how many."""

from oslo_config import cfg

OPTIONS: list[cfg.Opt] = [
    cfg.ListOpt(
        'levels',
        default=['ipmi'],
        help='Fencers in the order in which they are tried; fencers joined '
        'by + form one level and must all prove. Known: ipmi, and fake for '
        'tests.',
    ),
    cfg.IntOpt(
        'max_fencings',
        default=2,
        min=1,
        help='Hosts of one cluster that may be fenced within window_seconds; '
        'what goes beyond is held and pages. Too large, and a fault of the '
        'network takes the cluster down.',
    ),
    cfg.IntOpt(
        'max_fencings_per_domain',
        default=2,
        min=1,
        help='Hosts of one failure domain, over all clusters, that may be '
        'fenced within window_seconds: those that share a label (rack, pdu, '
        'switch …), an aggregate or an availability zone of Nova. In a large '
        'domain it may be [restraint] max_share of its hosts.',
    ),
    cfg.IntOpt(
        'window_seconds',
        default=600,
        min=1,
        help='The window that max_fencings and max_fencings_per_domain count '
        'in. It slides.',
    ),
    cfg.FloatOpt(
        'test_seconds',
        default=1800.0,
        min=60.0,
        help='An engine tries the fence of each host about twice in so many '
        'seconds: power and identity are read, nothing is switched. A fence '
        'whose last answer is older counts as untested. Too large, and a BMC '
        'that was exchanged is found out in the night; too small, and BMCs '
        'are kept busy.',
    ),
    cfg.FloatOpt(
        'wiring_seconds',
        default=86400.0,
        min=0.0,
        help='How often the wiring of each BMC is proven: the agent writes a '
        'mark into its own BMC from inside of the host (System Info '
        'Parameters of IPMI), and an engine reads it at the address that '
        'the BMC is said to have. A host whose mark is not there is fenced '
        'by nobody until it is. Where the host or its BMC cannot do that, '
        'nothing follows. A proof is good for twice as long. 0: never; what '
        'was found so far is forgotten.',
    ),
    cfg.FloatOpt(
        'off_seconds',
        default=30.0,
        min=10.0,
        max=300.0,
        help='How long a host may take from the order to power off until its '
        'BMC reads off, before its recovery is held and pages. The order is '
        'repeated meanwhile. A host that once took longer than half of it '
        'gets twice its own time, up to 300 seconds. Too small, and somebody '
        'is called for a slow chassis; a held recovery goes on all the same '
        'when the BMC reads off.',
    ),
    cfg.IntOpt(
        'strikes',
        default=3,
        min=0,
        help='A host that was fenced this often within strike_seconds comes '
        'back disabled, with a page: nothing new is put on it until an '
        'operator enables its nova-compute. Too small, and two power cuts of '
        'a site take hosts out of service; 0 brings every host back for '
        'ever, whatever is wrong with it.',
    ),
    cfg.IntOpt(
        'strike_seconds',
        default=86400,
        min=60,
        help='The time in which strikes are counted. It slides.',
    ),
]
