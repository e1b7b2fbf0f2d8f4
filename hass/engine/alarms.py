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

"""Pages a human: an ERROR line, a notification, and [alarm] command."""

from collections.abc import Sequence
import json
import logging
import subprocess
from typing import Any

from hass.db import holds
from hass.db import losses
from hass.db import models
from hass.db import recoveries
from hass.db import session as db_session
from hass import events
from hass import origin
from hass import payloads

LOG = logging.getLogger(__name__)
NAMED = 20
"""So many instances are named in one alarm; the rest is counted."""


class Alarms:
    """Says what a human must look at, again and again until acknowledged.

    :param command: argv of the program that pages; it gets JSON on stdin
    """

    def __init__(
        self,
        database: db_session.Database,
        notifier: events.Notifier,
        *,
        command: Sequence[str],
        command_seconds: float,
        repeat_seconds: float,
    ) -> None:
        self._database = database
        self._notifier = notifier
        self._command = list(command)
        self._command_seconds = command_seconds
        self._repeat_seconds = repeat_seconds

    def page_held(self) -> None:
        """Page the held recoveries that nobody acknowledged."""
        with self._database.writer() as session:
            held = recoveries.to_page(session, self._repeat_seconds)
        for recovery in held:
            self.page(_alarm(recovery))

    def page_losses(self) -> None:
        """Page the losses that nobody acknowledged: one alarm for a host.

        Those of two recoveries of one host are two alarms.
        """
        with self._database.writer() as session:
            found = losses.to_page(session, self._repeat_seconds)
        together: dict[tuple[str, str | None], list[models.Loss]] = {}
        for loss in found:
            key = (loss.host, loss.recovery_uuid)
            together.setdefault(key, []).append(loss)
        for lost in together.values():
            self.page(alarm_of_losses(lost))

    def page(self, alarm: dict[str, Any]) -> None:
        """One alarm: at least ``subject`` and ``why``."""
        recovery = alarm.get('recovery')
        LOG.error(
            'ALARM %s: %s',
            alarm['subject'],
            alarm['why'],
            extra=origin.logged(recovery) if recovery else None,
        )
        self._notifier.alarm(alarm)
        if not self._command:
            return
        try:
            # The command comes from the operator's own configuration.
            subprocess.run(  # noqa: S603
                self._command,
                input=json.dumps(alarm).encode(),
                timeout=self._command_seconds,
                check=True,
            )
        except (OSError, subprocess.SubprocessError) as error:
            LOG.error(
                '[alarm] command %s failed: %s',
                self._command[0],
                type(error).__name__,
            )


def _alarm(recovery: models.Recovery) -> dict[str, Any]:
    return {
        'recovery': recovery.uuid,
        'workflow': recovery.workflow,
        'subject': recovery.subject,
        'held_kind': recovery.held_kind,
        'goes_on_when': holds.goes_on_when(recovery),
        'why': recovery.why,
        'since': payloads.shown(recovery.state_since),
    }


def alarm_of_losses(lost: Sequence[models.Loss]) -> dict[str, Any]:
    """One alarm that names them, or the first of very many."""
    named = [
        f'{one.instance_name} ({one.instance_uuid}): {one.why}'
        for one in lost[:NAMED]
    ]
    if len(lost) > NAMED:
        named.append(f'and {len(lost) - NAMED} more')
    one = len(lost) == 1
    return {
        'recovery': lost[0].recovery_uuid,
        'subject': lost[0].host,
        'why': f'{len(lost)} instance{"" if one else "s"} that should run '
        f'{"does" if one else "do"} not: {"; ".join(named)}',
        'since': payloads.shown(min(one.since for one in lost)),
        'losses': [one.uuid for one in lost],
    }
