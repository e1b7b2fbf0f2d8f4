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

from hass.conf import engine

OPTIONS: list[cfg.Opt] = [
    cfg.FloatOpt(
        'target_seconds',
        default=5.5,
        min=0.5,
        help='The wish: a host that fell silent on all networks is suspected '
        'after this time. Where the network is so bad that this would raise '
        'more false alarms than false_alarms_per_host_year, or where beats '
        'are rare, it takes longer; the explanation of the host tells so. A '
        'power supply that died is decided sooner, see '
        'probes_per_host_hour.',
    ),
    cfg.FloatOpt(
        'false_alarms_per_host_year',
        default=12.0,
        min=0.000001,
        help='The wish: how often a year a healthy host may be suspected '
        'because of noise on the networks. A suspicion is no fencing: what '
        'is suspected is looked at from outside first.',
    ),
    cfg.FloatOpt(
        'probes_per_host_hour',
        default=60.0,
        min=0.001,
        help='The wish: how often an hour the BMC of a healthy host may be '
        'asked for its power state because a beat is late. More of them '
        'find a dead power supply sooner.',
    ),
    cfg.FloatOpt(
        'longest_seconds',
        default=30.0,
        min=1.0,
        help='Silence that is suspected on any network, however bad it is. '
        'It must be at least target_seconds.',
    ),
    cfg.FloatOpt(
        'bus_seconds',
        default=6.5,
        min=1.0,
        max=120.0,
        help='A host that is powered on and whose agent spoke over the '
        'message bus after its beats had ceased is left alone until it has '
        'been silent there, too, for this time: a firewall may have dropped '
        'beats and pings. It must be more than twice [agent] '
        'bus_beat_seconds. A host that hung ceased on both ways at once, so '
        'that nothing is waited for.',
    ),
    cfg.FloatOpt(
        'listen_seconds',
        default=5.0,
        min=1.0,
        help='How long an engine listens after its start before it suspects '
        'anybody, and again when it was paused.',
    ),
    cfg.FloatOpt(
        'first_beat_seconds',
        default=600.0,
        min=5.0,
        max=3600.0,
        help='A host that was not yet heard since an engine started, and has '
        'not reported for a minute, has this time to boot and to start its '
        'agent before its silence counts. If its BMC reads off it is '
        'suspected at once. Too small, and hosts that boot together with the '
        'engines are fenced; too large, and one that hung while no engine '
        'ran is found late.',
    ),
    cfg.IntOpt(
        'looks_at_once',
        default=0,
        min=0,
        max=7,
        help='Layers of one suspected host that are looked at at the same '
        'time; 0: all of them, which is quickest. With 1 the detection tree '
        'is followed, which asks the least of a BMC.',
    ),
    cfg.FloatOpt(
        'search_seconds',
        default=1.5,
        min=0.2,
        max=10.0,
        help='How long the search for the failed layer may take: a layer '
        'that has no verdict by then is named as a candidate. It must be '
        'well below [recovery] step_seconds.',
    ),
    cfg.FloatOpt(
        'icmp_seconds',
        default=1.0,
        min=0.1,
        max=10.0,
        help='How long a host that is pinged has time to answer. A look ends '
        'at once when all have answered, and takes so long if one does not. '
        'Too small, and a busy network looks like a dead one.',
    ),
    cfg.IntOpt(
        'icmp_count',
        default=2,
        min=1,
        max=10,
        help='Pings sent to an address that does not answer, spread over '
        'icmp_seconds; one answer is enough for the network to count as '
        'alive.',
    ),
    cfg.FloatOpt(
        'rounds_seconds',
        default=30.0,
        min=1.0,
        max=100.0,
        help='In calm times each host is looked at from outside this often: '
        'its power and what its BMC tells of its operating system; its '
        'sensors half as often, pings three times as often. Power that two '
        'looks in a row could not read pages. Too small, and BMCs have '
        'nothing else to do; too large, and a BMC that died is found out '
        'only when its host has to be fenced.',
    ),
    cfg.MultiStrOpt(
        'membership_urls',
        default=[],
        secret=True,
        sample_default=[
            'zookeeper://192.0.2.31:2181,192.0.2.32:2181?timeout=5'
        ],
        help='Coordination services, as URLs of tooz, whose group hass-hosts '
        'is read to see which hosts they still know. They must be those of '
        '[agent] membership_urls. It needs hass[membership]. A service that '
        'does not answer, or was restarted, accuses nobody.',
    ),
    cfg.FloatOpt(
        'quiet_seconds',
        default=600.0,
        min=10.0,
        help='A host that never spoke again after its last recovery ended is '
        'looked at anew after this time, not at each turn.',
    ),
    cfg.ListOpt(
        'kdump_listen',
        default=['0.0.0.0:7410'],
        item_type=engine.LISTEN,
        help='Addresses (address:port) on which it is listened for '
        'fence_kdump_send, which the kdump kernel of a host that has '
        'panicked runs; the engines have to be named to it in '
        'fence_kdump_nodes of kdump.conf. A host is suspected at once then. '
        'Empty: do not listen; a panic is then found by the silence that '
        'follows.',
    ),
]
