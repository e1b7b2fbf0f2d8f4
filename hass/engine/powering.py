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

"""What operators ask of the machine itself: power, sensors, event log."""

from collections.abc import Callable
import datetime
import logging
from typing import Any
import uuid

import oslo_messaging
from sqlalchemy import orm

from hass import bmc
from hass.bmc import identity
from hass import clock as clock_
from hass.db import evacuations
from hass.db import fences
from hass.db import hosts
from hass.db import models
from hass.db import moments
from hass.db import recoveries
from hass.db import session as db_session
from hass.engine import returning as returning_
from hass import exception
from hass.fencing import base as fencing
from hass import origin
from hass.rpc import api
from hass.rpc import transport

LOG = logging.getLogger(__name__)

AddressOf = Callable[[models.Host], bmc.Address | None]
FAILURES = (exception.BmcError, exception.FencingFailed)

SETTLED = 2.0
"""Times call_seconds after which a power command has left, or never will."""


class Power:
    """The power of a host belongs to its recovery while one is open.

    :param call_seconds: how long one ask of the device may take
    :param returning: opens the recovery that brings a host back
    :param place_of: where a host's BMC is; engines may have it from a file
    """

    def __init__(
        self,
        database: db_session.Database,
        fencer: fencing.Fencer,
        bmcs: bmc.Bmc,
        address_of: AddressOf,
        clock: clock_.Clock,
        call_seconds: float,
        returning: returning_.Returning,
        place_of: fences.PlaceOf = fences.place_in_row,
    ) -> None:
        self._database = database
        self._fencer = fencer
        self._bmcs = bmcs
        self._address_of = address_of
        self._clock = clock
        self._call_seconds = call_seconds
        self._returning = returning
        self._place_of = place_of

    def read(self, name: str) -> fencing.PowerState:
        """Read the power back from the device."""
        with self._database.reader() as session:
            target = self._target(hosts.get(session, name))
        return self._fencer.status(target)

    def turn(
        self,
        name: str,
        wanted: fencing.PowerState,
        until: datetime.datetime,
        who: str,
    ) -> None:
        """Ask the device for power on or off, once.

        It is written down, for every engine and every node of a database
        to see, before it is sent: until then no recovery begins on a host
        that reads off and is about to be powered on.

        :param until: by the database's clock; later nothing is sent, for
            nobody waits for it any more
        :raises hass.exception.Conflict: a recovery of it is open, or an
            evacuation from it; or it is too late; or power off would go to
            the BMC of another host
        """
        cuts = wanted is not fencing.PowerState.ON
        guid, mac = self._names(name) if cuts else (None, None)
        with self._database.writer() as session:
            row = self._free(session, name, wanted, until)
            if cuts:
                self._refuse_others_bmc(session, name, guid, mac)
            target = self._target(row)
            hosts.begin_powering(session, row, SETTLED * self._call_seconds)
            deadline = clock_.FixedDeadline(self._clock, self._call_seconds)
        LOG.warning('%s: %s asks for power %s', name, who, wanted)
        try:
            if wanted is fencing.PowerState.ON:
                self._fencer.on(target, deadline)
            else:
                self._fencer.off(target, deadline)
        finally:
            with self._database.writer() as session:
                hosts.end_powering(session, name)

    def bring_back(self, name: str, until: datetime.datetime, who: str) -> str:
        """Open a host_return of a host that is off.

        :returns: the uuid of the recovery
        :raises hass.exception.Conflict: as of turn(), or it is not off
        """
        with self._database.writer() as session:
            row = self._free(session, name, fencing.PowerState.ON, until)
            state = self._fencer.status(self._target(row))
            if state is not fencing.PowerState.OFF:
                raise exception.Conflict(
                    f'the power of host {name} reads {state}: only a host '
                    'that is off is brought back, for nothing runs on it'
                )
            opened = self._returning.open(session, row, who)
        LOG.warning(
            '%s: %s wants it back in service',
            name,
            who,
            extra=origin.logged(opened),
        )
        self._returning.wake()
        return opened

    def sensors(self, name: str) -> list[bmc.SensorReading]:
        """Read all sensors of its BMC."""
        return self._bmcs.sensors(self._bmc_of(name))

    def events(self, name: str) -> list[bmc.Event]:
        """Read the end of its BMC's event log, newest first."""
        return self._bmcs.newest_events(self._bmc_of(name))

    def _bmc_of(self, name: str) -> bmc.Address:
        with self._database.reader() as session:
            row = hosts.get(session, name)
        address = self._address_of(row)
        if address is None:
            raise exception.FencingFailed(name, 'ipmi', 'no BMC is set for it')
        return address

    def _free(
        self,
        session: orm.Session,
        name: str,
        wanted: fencing.PowerState,
        until: datetime.datetime,
    ) -> models.Host:
        """The locked row of a host that no recovery is about."""
        row = hosts.lock(session, name)
        if found := recoveries.open_of_host(session, name):
            raise exception.Conflict(
                f'host {name} has an open recovery, which decides about its '
                f'power: {found.uuid}'
            )
        now = moments.read_now(session)
        if now > until:
            raise exception.Conflict('it was asked for too long ago')
        if hosts.is_powering(row, now):
            raise exception.Conflict(
                f'another power command for host {name} is on its way'
            )
        if wanted is fencing.PowerState.OFF:
            return row
        if left := evacuations.open_from(session, name):
            raise exception.Conflict(
                f'{len(left)} evacuations from host {name} have not ended: '
                'their instances would run twice'
            )
        return row

    def _names(self, name: str) -> tuple[uuid.UUID | None, str | None]:
        """GUID and MAC address that the BMC tells now; None: it does not."""
        with self._database.reader() as session:
            target = self._target(hosts.get(session, name))
        reading = self._fencer.read(target)
        return reading.guid, reading.mac

    def _refuse_others_bmc(
        self,
        session: orm.Session,
        name: str,
        guid: uuid.UUID | None,
        mac: str | None,
    ) -> None:
        """Cut the power of no other host.

        A BMC of which nothing is known is the operator's to judge.

        :param guid, mac: what the BMC says of itself; None: what it said
            before
        :raises hass.exception.Conflict: it is known to be another host's
        """
        known = fences.known(session, self._place_of)
        own = known[name]
        own = own.saying(guid or own.guid, mac)
        why = identity.foreign(own, known.values())
        if why:
            raise exception.Conflict(
                f'the power of host {name} is not cut, for it may be that of '
                f'another host: {why}'
            )

    def _target(self, row: models.Host) -> fencing.Target:
        return fencing.Target(row.name, self._address_of(row), row.boot_id)


class PowerEndpoint:
    """Serves ``hass.engine`` as well: see PowerAPI in rpc/api.py."""

    target = oslo_messaging.Target(
        namespace=api.POWER_NAMESPACE, version=api.POWER_VERSION
    )

    def __init__(self, power: Power) -> None:
        self._power = power

    @transport.exposed
    def read_power(self, context: object, host: str) -> api.Answer:
        """See rpc/api.py."""
        return _told(lambda: {'power': str(self._power.read(host))})

    @transport.exposed
    def turn_power(
        self, context: object, host: str, power: str, until: str, who: str
    ) -> api.Answer:
        """See rpc/api.py."""

        def turn() -> dict[str, Any]:
            self._power.turn(
                host,
                fencing.PowerState(power),
                datetime.datetime.fromisoformat(until),
                who,
            )
            return {}

        return _told(turn)

    @transport.exposed
    def bring_back(
        self, context: object, host: str, until: str, who: str
    ) -> api.Answer:
        """See rpc/api.py."""

        def begin() -> dict[str, Any]:
            moment = datetime.datetime.fromisoformat(until)
            return {'recovery': self._power.bring_back(host, moment, who)}

        return _told(begin)

    @transport.exposed
    def read_sensors(self, context: object, host: str) -> api.Answer:
        """See rpc/api.py."""
        return _told(
            lambda: {'sensors': list(map(_view, self._power.sensors(host)))}
        )

    @transport.exposed
    def read_events(self, context: object, host: str) -> api.Answer:
        """See rpc/api.py."""
        return _told(
            lambda: {'events': list(map(_event, self._power.events(host)))}
        )


def _told(act: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What came of it, or why nothing did."""
    try:
        return act()
    except (exception.Conflict, exception.NotFound) as error:
        return {'refused': str(error)}
    except (*FAILURES, exception.ClaimExpired) as error:
        return {'failed': str(error)}


def _view(reading: bmc.SensorReading) -> dict[str, Any]:
    return {
        'name': reading.name,
        'type': reading.kind,
        'value': reading.value,
        'unit': reading.unit,
        'health': reading.health,
        'states': list(reading.states),
    }


def _event(event: bmc.Event) -> dict[str, Any]:
    return {
        'record': event.record,
        'at': event.at and event.at.isoformat(),
        'sensor': event.sensor,
        'type': event.kind,
        'state': event.text,
        'asserted': event.asserted,
        'health': event.health,
    }
