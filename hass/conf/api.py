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

"""[api]: the HTTP API."""

from oslo_config import cfg

GROUP = 'api'

OPTIONS: list[cfg.Opt] = [
    cfg.HostAddressOpt(
        'bind_host',
        default='127.0.0.1',
        help='Address on which hass-api listens. A WSGI server that serves '
        'hass.wsgi.api:application has its own address and ignores this.',
    ),
    cfg.PortOpt(
        'bind_port',
        default=15868,
        help='Port on which hass-api listens.',
    ),
    cfg.IntOpt(
        'threads',
        default=8,
        min=1,
        max=256,
        help='Requests that hass-api answers at the same time. Adding a host '
        'keeps a thread busy while its fence is tried.',
    ),
    cfg.IntOpt(
        'max_limit',
        default=1000,
        min=1,
        max=10000,
        help='Most entries of one page of a list. A client that asks for '
        'more gets this many and a link to the next page.',
    ),
    cfg.StrOpt(
        'auth_strategy',
        default='keystone',
        choices=[
            ('keystone', 'Tokens are validated by keystonemiddleware.'),
            (
                'noauth',
                'Whoever reaches the port is whom X-Auth-Token says, as '
                'USER:PROJECT:ROLE,ROLE. Refused unless bind_host is a '
                'loopback address, and by hass.wsgi.api always.',
            ),
        ],
        help='Who says who the caller is.',
    ),
    cfg.IntOpt(
        'fence_test_seconds',
        default=20,
        min=1,
        max=300,
        help='How long a request may wait for an engine to try the fences of '
        'hosts, to read or turn their power, or to read their sensors. When '
        'it is over hosts are added all the same, their fences marked '
        'untested; other requests fail. It should be several times [bmc] '
        'call_seconds: reading sensors may take five of them.',
    ),
    cfg.IntOpt(
        'engine_silence_seconds',
        default=30,
        min=5,
        help='When no engine has finished a turn of its patrol for this '
        'long, nobody is protected: the API says so in its log and in '
        'GET /v1/services.',
    ),
]
