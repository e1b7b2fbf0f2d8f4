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

"""hass-api: the API on a small server; hass.wsgi.api serves larger ones."""

import signal
import sys

from oslo_service import opts

from hass.api import server
from hass.api import service
from hass import clock
from hass import conf as options
from hass import exception


def main() -> None:
    """Serve until told to stop."""
    conf = options.prepare(sys.argv[1:], 'hass-api')
    opts.register_service_opts(conf)
    host = conf.api.bind_host
    try:
        serving = server.Server(
            service.make_application(conf, host),
            clock.SystemClock(),
            host=host,
            port=conf.api.bind_port,
            threads=conf.api.threads,
            graceful_seconds=conf.graceful_shutdown_timeout,
        )
    except exception.HassError as error:
        sys.exit(f'hass-api: {error}')
    except OSError as error:
        sys.exit(f'hass-api: [api] bind_host, bind_port: {error}')
    signal.signal(signal.SIGTERM, serving.stop)
    signal.signal(signal.SIGINT, serving.stop)
    sys.exit(0 if serving.run() else 1)
