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

"""hass-engine put together: it only wires rooms."""

from collections.abc import Collection
from concurrent import futures
import functools
import importlib.metadata
import logging
import socket
import threading
from typing import Any

from oslo_config import cfg
import oslo_messaging

from hass import bmc
from hass.bmc import credentials
from hass import clock as clock_
from hass.conf import protection
from hass.db import migration
from hass.db import services
from hass.db import session as db_session
from hass.detection import base as detection
from hass.detection import panel
from hass.detection import pings
from hass.diagnosis import estimates
from hass.engine import alarms
from hass.engine import census
from hass.engine import contradictions
from hass.engine import dispatcher
from hass.engine import endpoint
from hass.engine import explainer
from hass.engine import fences
from hass.engine import gauges
from hass.engine import herald
from hass.engine import inventory
from hass.engine import kdump
from hass.engine import keys
from hass.engine import listener
from hass.engine import notices
from hass.engine import overview
from hass.engine import patrol
from hass.engine import peers
from hass.engine import pools
from hass.engine import powering
from hass.engine import returning
from hass.engine import rounds
from hass.engine import settings
from hass.engine import signs
from hass.engine import situations
from hass.engine import strangers
from hass.engine import wiring
from hass.engine import worries
from hass import events
from hass.events import announcer
from hass.events import bus
from hass.events import webhook
from hass import exception
from hass.fencing import base as fencing
from hass.fencing import topology
from hass.metrics import books
from hass.metrics import listener as metrics
from hass import nova
from hass.nova import notices as nova_notices
from hass.recovery import control_plane
from hass.recovery import hands
from hass.recovery import looking
from hass.recovery import outside
from hass.recovery import runner
from hass.recovery import witness
from hass.recovery import workflow
from hass.rpc import api as rpc_api
from hass.rpc import transport as rpc
from hass import secrets

LOG = logging.getLogger(__name__)
GLANCE_SECONDS = 0.2
"""So long a ping that belongs to a proof is waited for, once in a recovery."""


class Engine:
    """One engine: embedded, or in a process of its own.

    :param transport: oslo.messaging's transport; None: from the options
    :param pinger: what looks at hosts from outside; None: ICMP
    :raises hass.exception.ConfigError: an option cannot be used
    :raises hass.exception.DatabaseNotMigrated: run hass-manage db sync
    """

    def __init__(
        self,
        conf: cfg.ConfigOpts,
        clock: clock_.Clock,
        *,
        transport: Any = None,
        pinger: detection.Pinger | None = None,
    ) -> None:
        self.name = conf.engine.name or socket.gethostname()
        self._conf = conf
        self.database = db_session.Database(conf, clock)
        migration.check(self.database)
        keyring = secrets.Keyring(conf.secrets.keyring_file)
        self._keys = keys.AgentKeys(self.database, keyring, clock)
        self._strangers = strangers.Strangers(clock)
        self.listener = listener.Listener(
            clock,
            self._keys,
            settings.addresses(conf.engine.listen, '[engine] listen'),
            settings.wish(conf),
            self._keys.note_use,
            self._strangers,
        )
        self.peers = peers.Peers(self.listener, clock)
        self._inventory = inventory.Inventory(
            self.database,
            keyring,
            clock,
            credentials.read(conf.bmc.credentials_file),
            self._keys.take,
        )
        self._overview = overview.Overview(
            self.database, clock, conf.engine.alive_seconds
        )
        self.kdump = kdump.Kdump(
            clock,
            settings.addresses(conf.detection.kdump_listen, kdump.OPTION),
            self._inventory.host_at,
            self.listener.heard_after,
            lambda host, at: self.patrol.panicked(host),
        )
        self._bmcs = bmc.Bmc(
            clock,
            call_seconds=conf.bmc.call_seconds,
            workers=conf.bmc.workers,
        )
        fencer: fencing.Fencer = topology.build(
            conf.fencing.levels, self._bmcs
        )
        glancer = pinger or pings.Pinger(GLANCE_SECONDS, 1, clock)
        pinger = pinger or pings.Pinger(
            conf.detection.icmp_seconds, conf.detection.icmp_count, clock
        )
        tools = detection.Tools(
            conf,
            clock,
            self._bmcs,
            self.kdump.panicked_at,
            self.listener.probe,
            pinger,
            lambda host: self._hands.witness.silence(host),
            lambda: self._compute.services(),
        )
        self.panel = panel.load(tools, in_band=False)
        self._compute = nova.connect(conf, clock)
        self._learnt = estimates.Learnt()
        self._transport = transport or rpc.connect(conf)
        self._hands = hands.Hands(
            fencer=fencer,
            compute=self._compute,
            witness=witness.Witness(
                self.listener,
                outside.Outside(
                    fencer,
                    pinger,
                    self.peers,
                    self.panel,
                    looking.Search(
                        clock,
                        self._learnt,
                        limit=conf.detection.looks_at_once or None,
                        seconds=conf.detection.search_seconds,
                    ),
                    self.name,
                    clock,
                ),
                clock,
                self.name,
                self._inventory.excused,
                bus_seconds=conf.detection.bus_seconds,
                listen_seconds=conf.detection.listen_seconds,
                turn_seconds=conf.engine.turn_seconds,
                alive_seconds=conf.engine.alive_seconds,
            ),
            address_of=self._inventory.address_of,
            clock=clock,
            control_plane=self._control_plane(clock),
            rule=protection.rule(conf),
            place_of=self._inventory.place_of,
            glance=functools.partial(_glance, glancer),
            ailing=fences.Sensors(
                self._bmcs, self._inventory.address_of
            ).ailing,
        )
        self._fences = fences.Fences(
            self.database, fencer, self._inventory.address_of, clock
        )
        self._power = powering.Power(
            self.database,
            fencer,
            self._bmcs,
            self._inventory.address_of,
            clock,
            conf.bmc.call_seconds,
            returning.Returning(self.name, lambda: self.dispatcher.wake()),
            self._inventory.place_of,
        )
        self.dispatcher = self._make_dispatcher(clock)
        pager = alarms.Alarms(
            self.database,
            announcer.Announcer(self.database),
            command=conf.alarm.command,
            command_seconds=conf.alarm.command_seconds,
            repeat_seconds=conf.alarm.repeat_seconds,
        )
        workers = conf.bmc.workers
        self._pools = {
            'patrol': pools.Pool(16, 'probe'),
            'looks': pools.Pool(workers, 'round'),
            'slow looks': pools.Pool(max(1, workers // 2), 'slow'),
            # A pager may hang, and may not take the lanes with it.
            'pages': pools.Pool(1, 'page'),
        }
        self.rounds = self._make_rounds(clock, pager)
        self.patrol = patrol.Patrol(
            self.database,
            self._inventory,
            self._overview,
            self._hands,
            self.listener,
            pager,
            self.name,
            conf,
            self.dispatcher.wake,
            self._pools['patrol'],
        )
        self._watch = threading.Thread(
            target=self.patrol.run, name='patrol', daemon=True
        )
        self.explainer = explainer.Explainer(
            self.database,
            clock,
            situations.Situations(
                self.database,
                self._inventory,
                self._overview,
                self._hands.witness,
                self.listener,
                clock,
                self.name,
                conf,
            ),
        )
        self._writer = threading.Thread(
            target=self.explainer.run, name='explainer', daemon=True
        )
        self._round = threading.Thread(
            target=self.rounds.run, name='rounds', daemon=True
        )
        self._reports = endpoint.ReportsEndpoint(
            self.database,
            self._keys,
            self.listener,
            clock,
            self._overview,
            self.patrol.ring,
            self._strangers,
        )
        self.metrics = metrics.Listener(
            conf.metrics,
            'engine',
            (
                books.Books(self.database, clock),
                self._gauges(clock),
                self.listener.delays,
                self.rounds.looks,
                self.rounds.failed_looks,
            ),
        )
        self._servers = [
            rpc.server(self._transport, topic, self.name, endpoints, exchange)
            for topic, exchange, endpoints in self._endpoints()
        ]
        self._servers += self._nova_listener()
        self._herald = herald.Herald(
            self.database,
            clock,
            self._overview,
            self._channels(clock),
            conf.webhooks.give_up_seconds,
        )

    def start(self) -> None:
        """Listen first, then judge."""
        self._check_nova()
        with self.database.writer() as session:
            version = importlib.metadata.version('hass')
            services.enter(session, self.name, version)
        self._inventory.refresh()
        self.metrics.start()
        self.listener.start()
        self.kdump.start()
        for server in self._servers:
            server.start()
        self.dispatcher.start()
        self._watch.start()
        self._round.start()
        self._writer.start()
        self._herald.start()

    def stop(self) -> None:
        """Take no more work, finish what runs, say goodbye to the peers."""
        # What its last turns look at has to go on until they are done.
        self.dispatcher.stop()
        self.kdump.stop()
        self.patrol.stop()
        self.rounds.stop()
        self.explainer.stop()
        for thread in (self._watch, self._round, self._writer):
            if thread.is_alive():
                # Its last turn writes to the database that is closed below.
                thread.join(timeout=self._conf.recovery.step_seconds)
        self._herald.stop()
        for server in self._servers:
            server.stop()
            server.wait()
        self.listener.stop()
        self.metrics.stop()
        with self.database.writer() as session:
            services.leave(session, self.name)
        self._bmcs.close()
        self.database.close()

    def _control_plane(
        self, clock: clock_.Clock
    ) -> control_plane.ControlPlane:
        """What recoveries lean on; the bus is asked for our own answer."""
        bus = rpc_api.OperatorAPI(
            self._transport, control_plane.ANSWER_SECONDS
        )
        return control_plane.ControlPlane(
            control_plane.parts_of(self._compute, lambda: bus.ping(self.name)),
            clock,
        )

    def _check_nova(self) -> None:
        """Say early what would be in the way; nothing is fenced then."""
        try:
            self._compute.check_versions()
        except exception.NovaError as error:
            LOG.error('%s', error)

    def _make_rounds(
        self, clock: clock_.Clock, pager: alarms.Alarms
    ) -> rounds.Rounds:
        paging = self._pools['pages']
        return rounds.Rounds(
            self.database,
            self._inventory,
            self._overview,
            self.panel,
            worries.Worries(
                lambda alarm: paging.submit(pager.page, alarm),
                clock,
                self.name,
                self._conf.alarm.repeat_seconds,
            ),
            contradictions.Contradictions(self.listener.heard),
            self._learnt,
            fences.Trials(
                self._fences.test,
                self._inventory.address_of,
                clock,
                self._conf.fencing.test_seconds,
                self._conf.detection.rounds_seconds,
            ),
            wiring.Wirings(
                self.database,
                self._hands.fencer,
                self._inventory.address_of,
                self._inventory.place_of,
                self._conf.fencing.wiring_seconds,
            ),
            self._strangers,
            clock,
            self.name,
            self._conf,
            (self._pools['looks'], self._pools['slow looks']),
        )

    def _channels(self, clock: clock_.Clock) -> dict[str, events.Channel]:
        """Who is told what happens; the bus, if it has a driver for that."""
        found: dict[str, events.Channel] = {}
        found |= webhook.channels(self._conf.webhooks, clock)
        if self._conf.oslo_messaging_notifications.driver:
            found['bus'] = bus.Bus(
                oslo_messaging.Notifier(
                    oslo_messaging.get_notification_transport(self._conf),
                    publisher_id=f'hass-engine.{self.name}',
                    topics=[bus.TOPIC],
                    retry=bus.TRIES,
                )
            )
        return found

    def _make_dispatcher(self, clock: clock_.Clock) -> dispatcher.Dispatcher:
        recovery = self._conf.recovery
        return dispatcher.Dispatcher(
            self.database,
            runner.Runner(
                self.database,
                workflow.make_all(self._hands, self._conf),
                clock,
                self.name,
                held_seconds=recovery.held_seconds,
                stale_seconds=recovery.stale_seconds,
            ),
            clock,
            self._overview,
            self.name,
            workers=self._conf.engine.workers,
            scan_seconds=self._conf.engine.scan_seconds,
            claim_seconds=recovery.claim_seconds,
            renew_seconds=recovery.renew_seconds,
            step_seconds=recovery.step_seconds,
            call_seconds=recovery.call_seconds,
        )

    def _gauges(self, clock: clock_.Clock) -> gauges.Gauges:
        return gauges.Gauges(
            refused={
                'beat': self.listener.refusals,
                'report': self._reports.refusals,
                'panic': self.kdump.refusals,
            },
            pools=self._pools,
            busy=lambda: self.dispatcher.busy,
            workers=self._conf.engine.workers,
            deaf_seconds=lambda: clock.monotonic() - self.listener.ears(),
        )

    def _endpoints(self) -> tuple[tuple[str, str, list[object]], ...]:
        reports = [self._reports, signs.SignsEndpoint(self._reports)]
        operators = endpoint.OperatorEndpoint(
            self.dispatcher.wake, self._fences.test
        )
        power = powering.PowerEndpoint(self._power)
        return (
            (rpc.REPORTS, rpc.AGENTS_EXCHANGE, reports),
            # Agents of the former release write there.
            (rpc.REPORTS, rpc.EXCHANGE, reports),
            (rpc.OPERATORS, rpc.EXCHANGE, [operators, power]),
        )

    def _nova_listener(self) -> list[rpc.Server]:
        """What hears Nova's notifications, where they are on."""
        group = self._conf.nova
        if not group.notifications_url:
            return []
        hints = notices.Notices(
            self.database,
            census.Census(self.database, self._compute),
            self.dispatcher.wake,
        )
        return [
            nova_notices.listen(
                group.notifications_url, group.notifications_topic, hints
            )
        ]


def _glance(
    pinger: detection.Pinger, addresses: Collection[str]
) -> 'futures.Future[frozenset[str]]':
    """Who answers, where this system may ask."""

    def ask() -> frozenset[str]:
        try:
            return pinger.answering(addresses)
        except exception.ConfigError:
            return frozenset()

    return panel.in_thread(ask)
