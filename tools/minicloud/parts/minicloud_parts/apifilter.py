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

"""A paste filter before Nova's API: counts, tells the ledger, fails.

Files in its run folder: ``nova-requests`` (written: one JSON object for
each request), ``ledger`` (written: evacuate calls), ``nova-api-500`` (while
it exists, every request is answered 500), ``nova-api-slow`` (every request
waits for the seconds in it) and ``nova-api-stop`` (the next evacuate call
stops this process, once).
"""

import io
import json
import os
import pathlib
import re
import signal
import time

from nova.conf import CONF
import sqlalchemy

from hass_oracle import ledger

_ID = re.compile(r'/([0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{32}|\d+)(?=/|$)')
_EVACUATE = re.compile(r'/servers/([0-9a-f-]{36})/action$')
_FAILURE = b'{"computeFault": {"code": 500, "message": "asked to fail"}}'


def factory(global_conf, run_folder):
    """Make the filter; paste calls this."""

    def wrap(app):
        return Filter(app, pathlib.Path(run_folder))

    return wrap


class Filter:
    """A WSGI middleware; sits behind the check of the token."""

    def __init__(self, app, folder):
        self._app = app
        self._folder = folder
        self._ledger = ledger.Ledger(folder / 'ledger')
        self._database = None

    def __call__(self, environ, start_response):
        action = self._action(environ)
        statuses = []

        def note(status, headers, exc_info=None):
            statuses.append(int(status.split()[0]))
            return start_response(status, headers, exc_info)

        time.sleep(self._slow_seconds())
        try:
            if (self._folder / 'nova-api-500').exists():
                note('500 Asked To', [('Content-Type', 'application/json')])
                return [_FAILURE]
            if action == 'evacuate':
                return self._evacuate(environ, note, statuses)
            return self._app(environ, note)
        finally:
            self._count(environ, action, statuses)

    def _action(self, environ):
        """The name of a server's action: the only key of the body."""
        if environ['REQUEST_METHOD'] != 'POST' or not environ[
            'PATH_INFO'
        ].endswith('/action'):
            return ''
        length = int(environ.get('CONTENT_LENGTH') or 0)
        body = environ['wsgi.input'].read(length)
        environ['wsgi.input'] = io.BytesIO(body)
        try:
            return next(iter(json.loads(body)), '')
        except (ValueError, TypeError):
            return ''

    def _evacuate(self, environ, note, statuses):
        """Write the call down before Nova sees it, and a refusal after.

        The source is whom Nova's database names right before the call.
        """
        found = _EVACUATE.search(environ['PATH_INFO'])
        instance = found.group(1) if found else ''
        call = environ.get('openstack.request_id', os.urandom(8).hex())
        source = self._host_of(instance)
        self._stop_if_asked()
        self._ledger.append(
            ledger.Kind.EVACUATE, source, instance, f'call {call}'
        )
        try:
            return self._app(environ, note)
        finally:
            status = statuses[-1] if statuses else 500
            if not 200 <= status < 300:
                refusal = f'{ledger.REFUSED} {status} {call}'
                self._ledger.append(
                    ledger.Kind.EVACUATE, source, instance, refusal
                )

    def _slow_seconds(self):
        try:
            return float((self._folder / 'nova-api-slow').read_text())
        except FileNotFoundError:
            return 0

    def _stop_if_asked(self):
        try:
            (self._folder / 'nova-api-stop').unlink()
        except FileNotFoundError:
            return
        os.kill(os.getpid(), signal.SIGSTOP)

    def _host_of(self, instance):
        if self._database is None:
            self._database = sqlalchemy.create_engine(CONF.database.connection)
        query = sqlalchemy.text('SELECT host FROM instances WHERE uuid = :i')
        with self._database.connect() as connection:
            row = connection.execute(query, {'i': instance}).first()
        return (row and row[0]) or ''

    def _count(self, environ, action, statuses):
        route = _ID.sub('/{id}', environ['PATH_INFO'])
        line = {
            'at': ledger.boottime(),
            'method': environ['REQUEST_METHOD'],
            'route': f'{route} {action}'.strip(),
            'user': environ.get('HTTP_X_USER_NAME', ''),
            'status': statuses[-1] if statuses else 500,
        }
        out = os.open(
            self._folder / 'nova-requests',
            os.O_WRONLY | os.O_APPEND | os.O_CREAT,
            0o644,
        )
        try:
            os.write(out, (json.dumps(line) + '\n').encode())
        finally:
            os.close(out)
