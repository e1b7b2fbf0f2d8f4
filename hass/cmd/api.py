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
from typing import Any

from waitress import server as waitress

from hass.api import service
from hass import conf as options
from hass import exception


def main() -> None:
    """Serve until told to stop."""
    conf = options.prepare(sys.argv[1:], 'hass-api')
    host, port = conf.api.bind_host, conf.api.bind_port
    try:
        application = service.make_application(conf, host)
        server = waitress.create_server(
            application, host=host, port=port, threads=conf.api.threads
        )
    except exception.HassError as error:
        sys.exit(f'hass-api: {error}')
    except OSError as error:
        sys.exit(f'hass-api: [api] bind_host, bind_port: {error}')
    signal.signal(signal.SIGTERM, _stop)
    server.run()


def _stop(number: int, frame: Any) -> None:
    """What waitress takes for Ctrl-C: requests end, then it returns."""
    raise SystemExit
