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

"""[secrets]: what opens the encrypted columns."""

from oslo_config import cfg

GROUP = 'secrets'
OPTIONS: list[cfg.Opt] = [
    cfg.StrOpt(
        'keyring_file',
        default='/etc/hass/keyring',
        help='The keys that encrypt BMC passwords and agent keys in the '
        'database, made by "hass-manage keyring create". It belongs to root '
        'or to the user of the service, with mode 0600. Every engine and '
        'every API node needs the same file: one that lacks the newest key '
        'cannot fence hosts whose password was set with it. A database is '
        'worth little without it, so back it up, apart from the database.',
    ),
]
