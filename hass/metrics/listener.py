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

"""The small HTTP listener that Prometheus reads engines and agents at."""

from collections.abc import Iterable
import importlib.metadata
import ssl
from typing import Any
from wsgiref import simple_server

import prometheus_client
from prometheus_client import registry as prometheus

from hass import exception

PLACE = '[metrics] bind_host, {}_port'
FILES = '[metrics] certificate_file, key_file, client_ca_file'


def registry(
    service: str, collectors: Iterable[prometheus.Collector]
) -> prometheus_client.CollectorRegistry:
    """Everything that one service shows; no global one is used.

    :param service: agent, api or engine
    """
    made = prometheus_client.CollectorRegistry()
    prometheus_client.ProcessCollector(registry=made)
    build = prometheus_client.Info(
        'hass_build', 'The release that runs.', registry=made
    )
    build.info(
        {'service': service, 'version': importlib.metadata.version('hass')}
    )
    for one in collectors:
        made.register(one)
    return made


class Listener:
    """Listens while the service runs, if the operator wants it.

    :param conf: the options of [metrics]
    :param service: agent or engine
    :raises ConfigError: a file cannot be used
    """

    def __init__(
        self,
        conf: Any,
        service: str,
        collectors: Iterable[prometheus.Collector],
    ) -> None:
        self._host: str | None = conf.bind_host
        self._service = service
        self._port: int = conf[f'{service}_port']
        self._files = {
            'certfile': conf.certificate_file,
            'keyfile': conf.key_file,
            'client_cafile': conf.client_ca_file,
        }
        self._check_files()
        self._collectors = tuple(collectors)
        self._server: simple_server.WSGIServer | None = None

    @property
    def port(self) -> int | None:
        """Where it listens now; tells the port that the system chose."""
        return None if self._server is None else self._server.server_port

    def start(self) -> None:
        """Listen; without an address do nothing.

        :raises ConfigError: the address cannot be used
        """
        if self._host is None:
            return
        try:
            self._server, _thread = prometheus_client.start_http_server(
                self._port,
                self._host,
                registry(self._service, self._collectors),
                client_auth_required=bool(self._files['client_cafile']),
                **self._files,
            )
        except OSError as error:
            raise exception.ConfigError(
                PLACE.format(self._service),
                f'{self._host}:{self._port}: {error.strerror or error}',
            ) from None

    def stop(self) -> None:
        """Close the port."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def _check_files(self) -> None:
        certificate, key, authorities = self._files.values()
        if bool(certificate) != bool(key):
            raise exception.ConfigError(
                FILES, 'certificate_file and key_file go together'
            )
        if authorities and not certificate:
            raise exception.ConfigError(
                FILES, 'client_ca_file needs certificate_file'
            )
        if certificate:
            _try(certificate, key, authorities)


def _try(certificate: str, key: str, authorities: str | None) -> None:
    """See that TLS can use the files, before a port is open."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(certificate, key)
        if authorities:
            context.load_verify_locations(authorities)
    except OSError as error:
        raise exception.ConfigError(
            FILES, error.strerror or str(error)
        ) from None
