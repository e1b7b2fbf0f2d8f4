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

"""[bmc]: how BMCs are talked to."""

from oslo_config import cfg

OPTIONS: list[cfg.Opt] = [
    cfg.FloatOpt(
        'call_seconds',
        default=2.0,
        min=0.2,
        max=10.0,
        help='Hard limit of one call to a BMC; the process that makes it is '
        'killed then. A BMC that was late gets twice as long until it '
        'is quick again. Too small, and slow BMCs look dead at first. It must '
        'agree with [recovery] call_seconds.',
    ),
    cfg.IntOpt(
        'workers',
        default=8,
        min=1,
        max=64,
        help='Processes that talk to BMCs, at most, of about 40 MB each. A '
        'dead BMC keeps one of them busy for call_seconds. Too few, and the '
        'BMCs of many hosts are not all read in time.',
    ),
    cfg.StrOpt(
        'credentials_file',
        help='A YAML file, owned by root and not readable by others, that '
        'maps host names to address, port, username and password of their '
        'BMCs. What is set over the API goes before it.',
    ),
]
