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

"""Types commands of ``openstack``, one after the other, in one process.

On standard input is a JSON list of commands, each a list of words. Those that
begin with ``ha`` are carried out; of the others only the parsers of the client
are asked. Answers with a JSON list of the exit code of each, and what it said.
"""

import contextlib
import io
import json
import sys

from openstackclient import shell


class Reader(shell.OpenStackShell):
    """Understands a command, and asks nobody for anything."""

    def run_subcommand(self, argv):
        make, name, rest = self.command_manager.find_command(argv)
        make(self, self.options).get_parser(name).parse_args(rest)
        return 0


def type_one(words):
    """The exit code, and all that was said."""
    kind = shell.OpenStackShell if words[0] == 'ha' else Reader
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        try:
            return kind().run(words), said.getvalue()
        except SystemExit as left:
            return left.code, said.getvalue()


if __name__ == '__main__':
    json.dump([type_one(words) for words in json.load(sys.stdin)], sys.stdout)
