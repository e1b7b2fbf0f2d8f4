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

"""HASS as it is: the API on a port, two engines, a database, a keyring."""

import contextlib
import pathlib
import socket
import threading

from oslo_config import cfg
from waitress import server as waitress

from hass.api import service as api
from hass import clock as clock_
from hass import conf as options
from hass.db import migration
from hass.db import session as db_session
from hass.detection import base as detection
from hass.engine import service as engine
from hass import secrets
from hass.simulation.demo import configuration
from hass.simulation.demo import machine
from hass.simulation import nova

CONF = """\
[DEFAULT]
log_file = {folder}/hass.log
transport_url = fake://
[database]
connection = sqlite:///{folder}/hass.sqlite
sqlite_synchronous = false
[secrets]
keyring_file = {folder}/keyring
[api]
auth_strategy = noauth
bind_host = 127.0.0.1
[bmc]
workers = 2
[nova]
auth_type = password
auth_url = {nova.auth_url}
username = {nova.user.name}
password = {nova.user.password}
project_name = {nova.user.project}
user_domain_id = default
project_domain_id = default
region_name = RegionOne
"""
ENGINE = """\
[engine]
name = {name}
listen = {listen}
[detection]
kdump_listen =
"""
ENGINES = 2


class Control:
    """The controllers of the demo in one process.

    :ivar url: of the API, once started
    :ivar engines: what [agent] engines names
    """

    def __init__(
        self,
        folder: pathlib.Path,
        clouds: nova.SimulatedNova,
        pinger: detection.Pinger,
        clock: clock_.Clock,
    ) -> None:
        self.url = ''
        self.engines: list[str] = []
        self._folder = folder
        self._nova = clouds
        self._pinger = pinger
        self._clock = clock
        self._stack = contextlib.ExitStack()

    def start(self) -> None:
        """What an operator does at the first installation, in order."""
        file = self._folder / 'hass.conf'
        file.touch(mode=0o600)
        file.write_text(CONF.format(folder=self._folder, nova=self._nova))
        conf = options.prepare([], 'hass-demo', files=[str(file)])
        secrets.create(conf.secrets.keyring_file)
        database = db_session.Database(conf, self._clock)
        migration.sync(database)
        database.close()
        for number in range(1, ENGINES + 1):
            self._start_engine(file, number)
        self._start_api(conf)

    def stop(self) -> None:
        """All of it, the newest first."""
        self._stack.close()

    def _start_engine(self, file: pathlib.Path, number: int) -> None:
        places = {
            network: f'{prefix}.{number}'
            for network, prefix in machine.NETWORKS.items()
        }
        listen = {
            network: f'{address}:{free_port(address)}'
            for network, address in places.items()
        }
        own = self._folder / f'engine-{number}.conf'
        own.write_text(
            ENGINE.format(
                name=f'engine-{number}', listen=','.join(listen.values())
            )
        )
        conf = configuration.read(file, own)
        one = engine.Engine(conf, self._clock, pinger=self._pinger)
        one.start()
        self._stack.callback(one.stop)
        self.engines += [f'{name}={place}' for name, place in listen.items()]

    def _start_api(self, conf: cfg.ConfigOpts) -> None:
        server = waitress.create_server(
            api.make_application(conf, conf.api.bind_host),
            host=conf.api.bind_host,
            port=0,
            threads=conf.api.threads,
        )
        # Closed by its own thread, which would else select on a dead socket.
        self._stack.callback(server.trigger.pull_trigger, server.close)
        self._stack.callback(server.task_dispatcher.shutdown)
        self.url = f'http://{conf.api.bind_host}:{server.effective_port}'
        threading.Thread(target=server.run, name='api', daemon=True).start()


def free_port(address: str) -> int:
    """A UDP port that nobody uses there now."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((address, 0))
        return int(probe.getsockname()[1])
