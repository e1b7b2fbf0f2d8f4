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

"""openstack ha service"""

import argparse
from typing import Any

from hassclient.osc import command

SHORT = ('name', 'version', 'turn_at', 'deaf', 'silent')
LONG = SHORT + ('started_at', 'detectors')


class ListService(command.Lister):
    """List the engines and what they hear.

    Says so when none of them works, and which agents have wrong names.
    """

    def get_parser(self, prog_name: str) -> Any:
        parser = super().get_parser(prog_name)
        command.add_long(parser)
        return parser

    def act(self, args: argparse.Namespace) -> command.Table:
        names = LONG if args.long else SHORT
        services, warnings = self.client.services()
        for sentence in warnings:
            self.log.warning('%s', sentence)
        return command.heads(names), command.rows(services, names)
