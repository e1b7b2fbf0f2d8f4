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

"""hass-demo: a host loses power, a host hangs, their instances come back."""

import argparse
import sys

from hass.simulation.demo import stage


def main() -> None:
    """Exits with 0 when the oracle finds that all went well, else with 1."""
    parser = argparse.ArgumentParser(prog='hass-demo', description=__doc__)
    parser.add_argument(
        '--json', action='store_true', help='end with one JSON object'
    )
    parser.add_argument(
        '--keep', action='store_true', help='leave the API up until Ctrl-C'
    )
    parser.add_argument(
        '--timeout',
        type=_seconds,
        default=120,
        help='seconds that all of it may take (120)',
    )
    sys.exit(stage.play(parser.parse_args()))


def _seconds(text: str) -> float:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError('wanted are seconds, 1 or more')
    return float(text)
