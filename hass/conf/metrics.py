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

"""[metrics]: what Prometheus may read."""

from oslo_config import cfg

OPTIONS: list[cfg.Opt] = [
    cfg.HostAddressOpt(
        'bind_host',
        help='Address on which hass-engine and hass-agent let Prometheus read '
        'their metrics, at /metrics. Without it they do not listen. Whoever '
        'reaches the port may read: choose an address of the management '
        'network, or ask for certificates (client_ca_file).',
    ),
    cfg.PortOpt(
        'engine_port',
        default=15870,
        help='Port of hass-engine for that.',
    ),
    cfg.PortOpt(
        'agent_port',
        default=15871,
        help='Port of hass-agent for that.',
    ),
    cfg.StrOpt(
        'certificate_file',
        help='Certificate (PEM) of hass-engine and hass-agent: with it, and '
        'key_file, metrics are read over TLS only.',
    ),
    cfg.StrOpt(
        'key_file',
        help='The private key of certificate_file. The user of the service '
        'must be able to read it.',
    ),
    cfg.StrOpt(
        'client_ca_file',
        help='Only who shows a certificate of one of these authorities (PEM) '
        'may read. It needs certificate_file.',
    ),
    cfg.BoolOpt(
        'api',
        default=False,
        help='Whether hass-api shows what is in the database at /metrics, to '
        'anybody and without a token. It names clusters, engines and '
        'detectors, and no project, instance or host. Where the port of the '
        'API is open to users, let the proxy before it refuse the path.',
    ),
]
