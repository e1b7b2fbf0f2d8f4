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

"""python3 tools/minicloud COMMAND: found from any folder, not installed."""

import pathlib
import sys

CHECKOUT = str(pathlib.Path(__file__).resolve().parents[2])
# The folder itself would shadow modules of the standard library.
sys.path[0] = CHECKOUT

if __name__ == '__main__':
    from tools.minicloud import commands

    sys.exit(commands.main())
