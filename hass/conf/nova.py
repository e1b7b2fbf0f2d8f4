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

"""[nova]: how to reach Nova, and how long to wait for it."""

from keystoneauth1 import loading
from oslo_config import cfg

GROUP = 'nova'

# The rest of keystoneauth's options would repeat a call behind our back,
# after the right to make it has ended.
_TAKEN = frozenset(
    {
        'cafile',
        'certfile',
        'keyfile',
        'insecure',
        'split_loggers',
        'service_type',
        'service_name',
        'valid_interfaces',
        'region_name',
        'endpoint_override',
    }
)


def _standard() -> list[cfg.Opt]:
    adapter = loading.get_adapter_conf_options(include_deprecated=False)
    options = [*loading.get_session_conf_options(), *adapter]
    return [
        *loading.get_auth_common_conf_options(),
        *(one for one in options if one.dest in _TAKEN),
    ]


def password_options() -> list[cfg.Opt]:
    """What auth_type = password adds: for samples and the reference.

    Keystoneauth registers these itself once it knows the auth_type.
    """
    options: list[cfg.Opt] = loading.get_auth_plugin_conf_options('password')
    return options


OPTIONS: list[cfg.Opt] = [
    cfg.FloatOpt(
        'call_seconds',
        default=2.0,
        min=0.1,
        max=10.0,
        help='How long a connection to nova-api may take to stand. A request '
        'leaves at most this much after the right to send it was checked, '
        'and an engine that takes a recovery over waits as long before its '
        'first act: all engines must have the same value. Too small, and '
        'a busy nova-api looks like a dead one.',
    ),
    cfg.FloatOpt(
        'answer_seconds',
        default=10.0,
        min=0.5,
        max=60.0,
        help='How long nova-api may be silent while it works on a request. '
        'When it takes longer, whether the request took effect is unknown, '
        'and settle_seconds says when an evacuation is repeated. It should '
        'be smaller than [recovery] step_seconds.',
    ),
    cfg.FloatOpt(
        'settle_seconds',
        default=60.0,
        min=1.0,
        help='How long an evacuate request without an answer may still take '
        'effect. Only after this time, and only if Nova shows no trace of '
        'it, is it sent again. While nova-api answers everything else, it is '
        'sent again to the same host after answer_seconds. Too small, and a '
        'request that waited in nova-api makes a second evacuation of the '
        'same instance. One that '
        'Nova has accepted and no host has claimed is sent again after twice '
        'this time, if its destination is up.',
    ),
    cfg.StrOpt(
        'evacuate_microversion',
        default='2.94',
        choices=[
            ('2.94', 'the instance goes on as it was before the failure'),
            (
                '2.95',
                'the guest is booted on the destination and then cut off '
                'hard, and stays stopped: it boots twice before it is of use',
            ),
        ],
        help='The compute API microversion of evacuate requests. Keep 2.94 '
        'unless instances must stay stopped after an evacuation; 2.95 needs '
        'all nova-computes at release 2023.1 or later.',
    ),
    cfg.StrOpt(
        'placement_endpoint_override',
        help='The URL of Placement. Without it the catalog names it, in the '
        'region and with the interfaces that are set here.',
    ),
    cfg.StrOpt(
        'network_endpoint_override',
        help='The URL of Neutron, which is asked for its agents on a host. '
        'Without it the catalog names it, in the region and with the '
        'interfaces that are set here; where it names none, no agents are '
        'expected on any host.',
    ),
    cfg.StrOpt(
        'notifications_url',
        secret=True,
        help="The message bus that Nova's versioned notifications come by, "
        'as driver://user:password@host:port/virtual_host. Not set, and none '
        'are listened to: Nova sends none unless it is told to, its bus may '
        'be another than ours, and what they tell is found within a minute '
        'without them. nova.conf must say notification_format = versioned '
        'or both, and versioned_notifications_topics = '
        'versioned_notifications,hass_versioned_notifications, in '
        '[notifications]. The kind of queues must be that of '
        "Nova's [oslo_messaging_rabbit]; what differs from the defaults is "
        'appended, as ?rabbit_quorum_queue=true or ?amqp_durable_queues=true '
        'or ?ssl=true&ssl_ca_file=/path.',
    ),
    cfg.StrOpt(
        'notifications_topic',
        default='hass_versioned_notifications',
        help="One of Nova's versioned_notifications_topics, and nobody "
        "else's: who shares a topic takes the other's notifications away. "
        'All engines have the same one, and share the work.',
    ),
    *_standard(),
]


def register_opts(conf: cfg.ConfigOpts) -> None:
    conf.register_opts(OPTIONS, group=GROUP)
