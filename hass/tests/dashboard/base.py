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

"""People before a real Horizon, Keystone and API of HASS."""

import atexit
import functools
import pathlib
import socketserver
import threading
from typing import Any
from wsgiref import simple_server

from testtools import content

from hass.tests.dashboard import browser
from hass.tests.dashboard import horizon
from hass.tests.dashboard import keystone
from hass.tests.dashboard import nova
from hass.tests.functional.api import base as api_base
from hass.tests.functional.client import cloud

CONF = """
[keystone_authtoken]
www_authenticate_uri = {url}
auth_type = password
auth_url = {url}
username = hass
password = {password}
project_name = service
user_domain_id = default
project_domain_id = default
"""


class Threading(socketserver.ThreadingMixIn, simple_server.WSGIServer):
    daemon_threads = True


class Quiet(simple_server.WSGIRequestHandler):
    def log_message(self, *args):
        """Tests are quiet."""


class World:
    """What is started once: each test puts its own API behind the port.

    :ivar serving: the test whose API and Nova answer now
    :ivar asked: what the API was asked for, 'METHOD path?query' each
    """

    def __init__(self):
        self.serving: Any = None
        self.asked = []
        self.keystone = keystone.keystone()
        self.directory = directory = keystone.Directory(self.keystone)
        self.ports = simple_server.make_server(
            '127.0.0.1', 0, self._answer, Threading, Quiet
        )
        here = f'http://127.0.0.1:{self.ports.server_port}'
        directory.add_service('hass', here)
        directory.add_service('compute', f'{here}{nova.PATH}')
        names = {'service', *(project for project, _ in cloud.USERS.values())}
        self.projects = {it: directory.add_project(it) for it in names}
        directory.add_user('hass', self.projects['service'], 'admin')
        for user, (project, role) in cloud.USERS.items():
            directory.add_user(user, self.projects[project], role)
        self.nova = nova.behind_keystone(self._served_nova, self._middleware())
        thread = threading.Thread(target=self.ports.serve_forever, daemon=True)
        thread.start()
        atexit.register(self.ports.shutdown)
        self.horizon = horizon.horizon(self.keystone.url)
        self.browser = browser.browser()
        atexit.register(self.browser.close)
        self._cookies = {}

    def _served_nova(self):
        return self.serving.nova

    def conf(self):
        """The section [keystone_authtoken] of services."""
        return CONF.format(url=self.keystone.url, password=cloud.PASSWORD)

    def _middleware(self):
        file = self.keystone.folder / 'nova.conf'
        file.write_text(self.conf())
        return api_base.make_conf([str(file)])

    def _answer(self, environ, start_response):
        path = environ['PATH_INFO']
        if path.startswith('/compute'):
            return self.nova(environ, start_response)
        query = environ['QUERY_STRING']
        self.asked.append(
            f'{environ["REQUEST_METHOD"]} {path}{"?" if query else ""}{query}'
        )
        return self.serving.application(environ, start_response)

    def become(self, user, path):
        """Log in, or be logged in again, and stand on a page."""
        page, url = self.browser, self.horizon.url
        page.open(f'{url}/static/dashboard/img/favicon.ico')
        page.driver.delete_all_cookies()
        if user in self._cookies:
            for cookie in self._cookies[user]:
                page.driver.add_cookie(cookie)
            page.open(f'{url}{path}')
            return
        page.open(f'{url}/auth/login/?next={path}')
        page.fill('username', user)
        page.fill('password', cloud.PASSWORD)
        page.press('Sign In')
        page.find('.navbar')
        self._cookies[user] = page.driver.get_cookies()


@functools.cache
def world() -> World:
    """That of this process."""
    return World()


class DashboardTest(api_base.ApiTest):
    """One user after the other at the browser."""

    seconds = 900
    auth_strategy = 'keystone'

    def setUp(self):
        self.world = world()
        super().setUp()
        self.world.serving = self
        self.page = self.world.browser
        self.addOnException(self._tell_what_horizon_said)

    def _tell_what_horizon_said(self, info):
        said = content.text_content(self.world.horizon.output())
        self.addDetail('horizon', said)

    def make_files(self):
        path = pathlib.Path(self.folder, 'hass.conf')
        path.write_text(self.world.conf())
        return [str(path)]

    def become(self, user, path):
        self.world.become(user, path)

    def ask(
        self,
        method,
        path,
        body=None,
        token=api_base.ADMIN,
        headers=(),
        **options,
    ):
        """What a test prepares, it prepares as an operator."""
        if token == api_base.ADMIN:
            token = self.world.directory.token
        return super().ask(method, path, body, token, headers, **options)

    def make_rack(self, **fields):
        """Two hosts of a cluster that acts, whose disks are shared."""
        wanted = {'mode': 'act', 'shared_storage': True} | fields
        hosts = ('compute-1', 'compute-2')
        return self.make_cluster('rack-1', hosts, **wanted)

    def chosen(self):
        """Names of the instances that were chosen, as the API has them."""
        found = self.assertFine(200, self.get('/v1/instances'))['instances']
        return {one['name'] for one in found}

    def boot(self, name, project='blue', **more):
        """On compute-1, in a project of Keystone's; returns its uuid."""
        owner = self.world.projects[project]
        return self.nova.boot('compute-1', owner, name=name, **more)
