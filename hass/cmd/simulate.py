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

"""hass-simulate: what would HASS do? Replays scenarios in virtual time."""

import argparse
import io
import logging
import signal
import sys

from hass.simulation.scenario import comparison

INTERRUPTED = 128 + signal.SIGINT
"""As a shell counts."""


def main() -> None:
    """Exits with 0: all is as expected, 1: it is not, 2: a bad file."""
    parser = argparse.ArgumentParser(
        prog='hass-simulate',
        description=__doc__,
        epilog='The log is compared with the file NAME.expect beside '
        'NAME.scenario; without that file it is printed. Exits with 0 when '
        'it is as expected, 1 when not, 2 when a file is bad.',
    )
    parser.add_argument(
        'files', nargs='+', metavar='FILE', help='NAME.scenario'
    )
    parser.add_argument(
        '--write', action='store_true', help='write NAME.expect anew'
    )
    arguments = parser.parse_args()
    # The log of the scenario tells it all.
    logging.getLogger('hass').addHandler(logging.NullHandler())
    # Who reads no further, as head, ends this program as any other.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    # Seen between two steps: raised within one, a library may swallow it.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors='backslashreplace')
    try:
        codes = [
            comparison.run(file, write=arguments.write)
            for file in arguments.files
        ]
    except KeyboardInterrupt:
        print('hass-simulate: interrupted', file=sys.stderr)
        sys.exit(INTERRUPTED)
    sys.exit(max(codes))
