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

"""Who was refused, and who changed what: one line each in a log of its own.

The logger is ``hass.audit``, so that the lines can go where nobody edits
them. Each is a word and JSON; names that strangers choose cannot begin a
line of their own in it.
"""

import enum
import json
import logging

LOG = logging.getLogger(__name__)


class Outcome(enum.StrEnum):
    """What became of what somebody wanted."""

    DONE = 'done'
    FAILED = 'failed'
    """It was allowed, and could not be done."""
    REFUSED = 'refused'


def tell(outcome: Outcome, action: str, **details: object) -> None:
    """Write one line.

    :param action: what was wanted
    :param details: who wanted it, and why it was refused; None is left out
    """
    known = {key: one for key, one in details.items() if one is not None}
    text = json.dumps({'action': action, **known}, sort_keys=True)
    refused = outcome is Outcome.REFUSED
    LOG.log(logging.WARNING if refused else logging.INFO, '%s %s',
            outcome, text)  # fmt: skip
