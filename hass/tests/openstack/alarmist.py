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

"""Tells the engines of every guest that stops that it was killed.

A libvirt knows better of what Nova asks for; here the engines have to find
out by themselves. The lab's ledger says when a guest stops, and the reports
are signed with the keys of its hosts' agents.
"""

from collections.abc import Iterator
from concurrent import futures
import json
import os
import threading
import uuid

from oslo_config import cfg

from hass.agent import identity
from hass import clock
from hass import exception
from hass import faults
from hass.rpc import api
from hass.rpc import messages
from hass.rpc import transport
from hass.tests.openstack import lab as cloud
from hass_oracle import ledger
from tools.minicloud import backends
from tools.minicloud import lab as minicloud

LOOK_SECONDS = 0.02
CALL_SECONDS = 5.0


def kill(lab: minicloud.Lab, host: str, instance: str) -> None:
    """The process of a guest dies, and nobody has asked for that."""
    book = ledger.Ledger(lab.ledger)
    book.append(ledger.Kind.FAULT, host, instance, 'guest_kill9')
    path = lab.host(host) / 'guests' / instance
    record = json.loads(path.read_text())
    # Outside the folder, where every file is a guest.
    fresh = path.parent.with_name(f'{instance}.killed')
    fresh.write_text(json.dumps(record | {'running': False}))
    fresh.rename(path)
    book.append(ledger.Kind.STOP, host, instance, record['name'])


class Alarmist:
    """Follows the ledger in a thread of its own, from now on.

    :ivar told: instances, as often as they have stopped
    """

    def __init__(self, lab: minicloud.Lab) -> None:
        self.told: list[str] = []
        self._lab = lab
        self._clock = clock.SystemClock()
        self._identities: dict[tuple[str, str], identity.Identity] = {}
        self._stopping = threading.Event()
        self._read_to = lab.ledger.stat().st_size
        # RabbitMQ is in the controller's network namespace.
        self._inside = futures.ThreadPoolExecutor(
            1, initializer=cloud.enter, initargs=('controller',)
        )
        self._done = self._inside.submit(self._run)

    def stop(self) -> None:
        """End, and raise what went wrong."""
        self._stopping.set()
        self._inside.shutdown()
        self._done.result()

    def _run(self) -> None:
        conf = cfg.ConfigOpts()
        transport.register_opts(conf)
        conf([], default_config_files=[])
        conf.set_override('transport_url', backends.agents_url(self._lab))
        connected = transport.connect(conf)
        engine = api.EngineAPI(connected, CALL_SECONDS)
        try:
            while not self._stopping.wait(LOOK_SECONDS):
                for event in self._news():
                    if event.event is ledger.Kind.STOP and event.instance:
                        self._tell(engine, event, str(uuid.uuid4()))
        finally:
            connected.cleanup()

    def _news(self) -> Iterator[ledger.Event]:
        with open(self._lab.ledger, 'rb') as book:
            book.seek(self._read_to)
            whole, end, _ = book.read().rpartition(b'\n')
        self._read_to += len(whole) + len(end)
        for line in whole.decode().splitlines():
            yield ledger.parse(line)

    def _tell(
        self, engine: api.Engine, event: ledger.Event, number: str
    ) -> None:
        """Until an engine has taken it, as the agent would."""
        while not self._stopping.is_set():
            try:
                engine.report(self._report(event, number))
            except (exception.EngineUnreachable, exception.MessageRefused):
                self._stopping.wait(0.1)
            else:
                self.told.append(event.instance or '')
                return

    def _report(self, event: ledger.Event, number: str) -> messages.Envelope:
        host, lab = event.host, self._lab
        return self._identity(host).seal(
            messages.Report,
            addresses={
                network: minicloud.address(host, network)
                for network in minicloud.HOST_NETWORKS
            },
            domains=sorted(os.listdir(lab.host(host) / 'guests')),
            system_uuid=str(minicloud.system_uuid(lab, host)),
            resume_guests=False,
            watchdog='off',
            health={},
            observations=[],
            faults=[],
            events=[
                messages.InstanceEvent(
                    id=number,
                    instance=event.instance or '',
                    incident=faults.Incident.KILLED,
                    age=ledger.boottime() - event.at,
                    detail='the lab says so of every stop',
                )
            ],
        )

    def _identity(self, host: str) -> identity.Identity:
        """The agent's, which must not be another boot's."""
        folder = self._lab.host(host)
        boot = (folder / 'boot_id').read_text().strip()
        if (host, boot) not in self._identities:
            key = identity.read_key(str(folder / 'agent.key'))
            self._identities[host, boot] = identity.Identity(
                self._clock, host, boot, key
            )
        return self._identities[host, boot]
