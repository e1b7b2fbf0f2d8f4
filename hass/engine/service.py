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

from collections.abc import Iterable
from concurrent import futures
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
from hass.db import migration
from hass.db import services
from hass.db import session as db_session
from hass.detection import base as detection
from hass.detection import panel
from hass.detection import pings
from hass.diagnosis import estimates
from hass.diagnosis import quality
from hass.engine import alarms
from hass.engine import contradictions
from hass.engine import dispatcher
from hass.engine import endpoint
from hass.engine import explainer
from hass.engine import fences
from hass.engine import inventory
from hass.engine import kdump
from hass.engine import keys
from hass.engine import listener
from hass.engine import patrol
from hass.engine import peers
from hass.engine import rounds
from hass.engine import situations
from hass.engine import worries
from hass import events
from hass import exception
from hass.fencing import base as fencing
from hass.fencing import topology
from hass import nova
from hass.recovery import control_plane
from hass.recovery import hands
from hass.recovery import host_failure
from hass.recovery import host_return
from hass.recovery import looking
from hass.recovery import outside
from hass.recovery import planner
from hass.recovery import runner
from hass.recovery import witness
from hass.rpc import api as rpc_api
from hass.rpc import transport as rpc
from hass import secrets

LOG = logging.getLogger(__name__)
MAX_PORT = 65535


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
        self.listener = listener.Listener(
            clock,
            self._keys,
            _addresses(conf.engine.listen, '[engine] listen'),
            _wish(conf),
        )
        self.peers = peers.Peers(self.listener, clock)
        self._inventory = inventory.Inventory(
            self.database,
            keyring,
            clock,
            credentials.read(conf.bmc.credentials_file),
        )
        self.kdump = kdump.Kdump(
            clock,
            _addresses(conf.detection.kdump_listen, kdump.OPTION),
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
        notifier = events.BusNotifier(
            oslo_messaging.Notifier(
                transport or oslo_messaging.get_notification_transport(conf),
                publisher_id=f'hass-engine.{self.name}',
                topics=['hass_notifications'],
                driver=None if transport is None else 'noop',
                retry=0,  # A dead broker must not hold a recovery.
            )
        )
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
                ),
                clock,
                self.name,
                self._inventory.excused,
                listen_seconds=conf.detection.listen_seconds,
                turn_seconds=conf.engine.turn_seconds,
                alive_seconds=conf.engine.alive_seconds,
            ),
            address_of=self._inventory.address_of,
            clock=clock,
            control_plane=self._control_plane(clock),
        )
        self._fences = fences.Fences(
            self.database, fencer, self._bmcs, self._inventory.address_of
        )
        self.dispatcher = self._make_dispatcher(clock, notifier)
        pager = alarms.Alarms(
            self.database,
            notifier,
            command=conf.alarm.command,
            command_seconds=conf.alarm.command_seconds,
            repeat_seconds=conf.alarm.repeat_seconds,
        )
        self.rounds = self._make_rounds(clock, pager)
        self.patrol = patrol.Patrol(
            self.database,
            self._inventory,
            self._hands,
            self.listener,
            pager,
            self.name,
            conf,
            self.dispatcher.wake,
            self._keys.refresh,
            futures.ThreadPoolExecutor(8, 'probe'),
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
        self._servers = [
            rpc.server(self._transport, topic, self.name, endpoints)
            for topic, endpoints in self._endpoints(clock)
        ]

    def start(self) -> None:
        """Listen first, then judge."""
        self._check_nova()
        with self.database.writer() as session:
            version = importlib.metadata.version('hass')
            services.enter(session, self.name, version)
        self._inventory.refresh()
        self._keys.refresh()
        self.listener.start()
        self.kdump.start()
        for server in self._servers:
            server.start()
        self.dispatcher.start()
        self._watch.start()
        self._round.start()
        self._writer.start()

    def stop(self) -> None:
        """Take no more work, finish what runs, say goodbye to the peers."""
        self.kdump.stop()
        self.patrol.stop()
        self.rounds.stop()
        self.explainer.stop()
        self.dispatcher.stop()
        for thread in (self._watch, self._round, self._writer):
            if thread.is_alive():
                # Its last turn writes to the database that is closed below.
                thread.join(timeout=self._conf.recovery.step_seconds)
        for server in self._servers:
            server.stop()
            server.wait()
        self.listener.stop()
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
        workers = self._conf.bmc.workers
        # A pager may hang, and may not take the lanes with it.
        paging = futures.ThreadPoolExecutor(1, 'page')
        return rounds.Rounds(
            self.database,
            self._inventory,
            self.panel,
            worries.Worries(
                lambda alarm: paging.submit(pager.page, alarm),
                clock,
                self.name,
                self._conf.alarm.repeat_seconds,
            ),
            contradictions.Contradictions(self.listener.heard),
            self._learnt,
            clock,
            self.name,
            self._conf,
            (
                futures.ThreadPoolExecutor(workers, 'round'),
                futures.ThreadPoolExecutor(max(1, workers // 2), 'slow'),
            ),
        )

    def _make_dispatcher(
        self, clock: clock_.Clock, notifier: events.Notifier
    ) -> dispatcher.Dispatcher:
        recovery = self._conf.recovery
        workflows = (
            host_failure.HostFailure(
                self._hands, self._conf, planner.DefaultPlanner()
            ),
            host_return.HostReturn(
                self._hands,
                self._fences.ailing,
                restart_unprotected=recovery.restart_unprotected,
            ),
        )
        return dispatcher.Dispatcher(
            self.database,
            runner.Runner(
                self.database,
                {one.name: one for one in workflows},
                notifier,
                clock,
                self.name,
                held_seconds=recovery.held_seconds,
                stale_seconds=recovery.stale_seconds,
            ),
            clock,
            self.name,
            workers=self._conf.engine.workers,
            scan_seconds=self._conf.engine.scan_seconds,
            claim_seconds=recovery.claim_seconds,
            renew_seconds=recovery.renew_seconds,
            step_seconds=recovery.step_seconds,
            call_seconds=recovery.call_seconds,
        )

    def _endpoints(
        self, clock: clock_.Clock
    ) -> tuple[tuple[str, list[object]], ...]:
        reports = endpoint.ReportsEndpoint(
            self.database, self._keys, self.listener, clock
        )
        operators = endpoint.OperatorEndpoint(
            self.dispatcher.wake, self._fences.test
        )
        return ((rpc.REPORTS, [reports]), (rpc.OPERATORS, [operators]))


def _wish(conf: cfg.ConfigOpts) -> quality.Wish:
    try:
        return quality.Wish(
            target_seconds=conf.detection.target_seconds,
            false_alarms_per_host_year=(
                conf.detection.false_alarms_per_host_year
            ),
            probes_per_host_hour=conf.detection.probes_per_host_hour,
            longest_seconds=conf.detection.longest_seconds,
        )
    except ValueError as error:
        raise exception.ConfigError('[detection]', str(error)) from None


def _addresses(texts: Iterable[str], option: str) -> list[tuple[str, int]]:
    return [_address(text, option) for text in texts]


def _address(text: str, option: str) -> tuple[str, int]:
    host, _, port = text.rpartition(':')
    if int(port) > MAX_PORT:
        raise exception.ConfigError(
            option, f'{text}: the port must be {MAX_PORT} or less'
        )
    return host.strip('[]'), int(port)
