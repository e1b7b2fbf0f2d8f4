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

"""[alarm]: how a human is called."""

from oslo_config import cfg

OPTIONS: list[cfg.Opt] = [
    cfg.MultiStrOpt(
        'command',
        default=[],
        help='Program that pages an operator, one line for each word of its '
        'argv; it gets the alarm as JSON on its standard input. Without it '
        'there is an ERROR line in the log and a notification.',
    ),
    cfg.IntOpt(
        'repeat_seconds',
        default=300,
        min=10,
        help='A held recovery is paged again after this time until it is '
        'acknowledged.',
    ),
    cfg.FloatOpt(
        'command_seconds',
        default=10.0,
        min=1.0,
        help='How long the command may run before it is killed.',
    ),
]
