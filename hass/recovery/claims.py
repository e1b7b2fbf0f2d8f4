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

"""Whether the boot that has claimed an evacuation is over.

Nova shows what a destination has claimed as under way for ever when that
loses power before it has started the guest.
"""

import datetime

from hass.db import evacuations
from hass.db import hosts
from hass.db import models
from hass import nova
from hass.recovery import judgement
from hass.recovery import witness as witness_
from hass.recovery.workflow import Turn

SURE_SECONDS = 5.0
"""The first beats of a boot may have lain in a queue for longer than later
ones, and then it seems to have begun later than it did."""

EARLIER_BOOT = 'an earlier boot'
"""In place of the id of a boot that nobody knows."""


class Claims:
    """Knows the boots of destinations by their beats."""

    def __init__(self, witness: witness_.Witness) -> None:
        self._witness = witness

    def note(
        self, turn: Turn, row: models.Evacuation, migration: nova.Migration
    ) -> None:
        """Write down in which boot its destination is after the claim.

        Or the moment, while nobody hears it: a boot that begins later has
        not claimed.
        """
        uuid, name = migration.uuid, migration.destination
        if migration.waiting or name is None:
            return
        if uuid in row.was.get('boots', {}):
            return
        heard = self._witness.present(name)
        if heard is not None:
            assert row.requested_at is not None
            asked = self._witness.seconds_since(turn, row.requested_at)
            up = self._witness.uptime(heard)
            # No engine may have lived to see the claim before that boot.
            earlier = judgement.claimed_before(migration, asked, up)
            boot = EARLIER_BOOT if earlier else heard.boot_id
            with turn.write() as session:
                evacuations.note_boot(session, row, uuid, boot)
            return
        claimed_by = _claimed_by(row, uuid)
        # What only another engine can place in time is noted anew.
        if claimed_by is None or not self._witness.almanac.knows(claimed_by):
            with turn.write() as session:
                evacuations.note_claimed(session, row, uuid)

    def has_ended(
        self, turn: Turn, row: models.Evacuation, migration: nova.Migration
    ) -> bool:
        """Whether its destination is in another boot than after the claim.

        It has told what it found there: a domain that has outlived the boot
        keeps the instance from being asked for again, see requesting.py.
        """
        uuid, name = migration.uuid, migration.destination
        heard = self._witness.present(name) if name else None
        if name is None or heard is None:
            return False
        claimed = row.was.get('boots', {}).get(uuid, heard.boot_id)
        if claimed == heard.boot_id and not self._began_after(
            heard, _claimed_by(row, uuid)
        ):
            return False
        with turn.read() as session:
            host = hosts.by_names(session, [name]).get(name)
        return (
            host is not None
            and host.boot_id == heard.boot_id
            and host.domains is not None
        )

    def _began_after(
        self, heard: witness_.Heard, moment: datetime.datetime | None
    ) -> bool:
        """Whether the boot that is heard began after that moment.

        :param moment: of the database, whose clock may have been set since
        """
        almanac = self._witness.almanac
        if moment is None or not almanac.knows(moment):
            return False
        if heard.last - heard.since < SURE_SECONDS:
            return False
        return heard.sent - heard.uptime > almanac.monotonic_of(moment)


def _claimed_by(row: models.Evacuation, uuid: str) -> datetime.datetime | None:
    """When a claim was first seen while nobody heard its destination."""
    told = row.was.get('claimed_by', {}).get(uuid)
    return None if told is None else datetime.datetime.fromisoformat(told)
