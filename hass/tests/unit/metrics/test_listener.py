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

"""Where Prometheus reads: off, on, over TLS, and with certificates asked."""

import pathlib
import ssl
from urllib import request

from oslo_config import cfg
from prometheus_client import core

from hass.conf import metrics as options
from hass import exception
from hass.metrics import listener
from hass.tests import base
from hass.tests import certificates

HOST = '127.0.0.1'


class Answer:
    """A collector of one number."""

    def collect(self):
        yield core.GaugeMetricFamily('hass_answer', 'To all.', value=42)


class ListenerTest(base.TestCase):
    def setUp(self):
        super().setUp()
        self.folder = pathlib.Path(self.make_folder())

    def make(self, service='engine', **changes):
        conf = cfg.ConfigOpts()
        conf.register_opts(options.OPTIONS, 'metrics')
        conf([], default_config_files=[])
        fields = {'bind_host': HOST, f'{service}_port': 0} | changes
        for option, value in fields.items():
            conf.set_override(option, value, 'metrics')
        made = listener.Listener(conf.metrics, service, [Answer()])
        self.addCleanup(made.stop)
        return made

    def read(self, made, scheme='http', context=None):
        url = f'{scheme}://{HOST}:{made.port}/metrics'
        with request.urlopen(url, timeout=10, context=context) as answer:
            return answer.read().decode()

    def certificate(self, name, signed_by=None):
        return certificates.make(self.folder, name, signed_by)

    def file(self, name):
        return str(self.folder / name)

    def test_it_does_not_listen_unless_it_is_told_where(self):
        made = self.make(bind_host=None)
        made.start()
        self.assertIsNone(made.port)

    def test_it_tells_its_numbers_its_process_and_its_release(self):
        for service in ('engine', 'agent'):
            made = self.make(service)
            made.start()
            told = self.read(made)
            self.assertIn('hass_answer 42.0\n', told)
            self.assertIn('process_resident_memory_bytes', told)
            self.assertIn(f'hass_build_info{{service="{service}"', told)

    def test_a_port_that_is_taken_is_named(self):
        first = self.make()
        first.start()
        error = self.assertRaises(
            exception.ConfigError, self.make(engine_port=first.port).start
        )
        self.assertIn('[metrics] bind_host, engine_port', str(error))
        self.assertIn(f'{HOST}:{first.port}: Address already', str(error))

    def test_the_port_is_free_again_after_the_end(self):
        first = self.make()
        first.start()
        port = first.port
        first.stop()
        second = self.make(engine_port=port)
        second.start()
        self.assertIn('hass_answer', self.read(second))

    def test_with_a_certificate_it_speaks_tls(self):
        self.certificate('server')
        made = self.make(
            certificate_file=self.file('server.crt'),
            key_file=self.file('server.key'),
        )
        made.start()
        trust = ssl.create_default_context(cafile=self.file('server.crt'))
        self.assertIn('hass_answer', self.read(made, 'https', trust))
        self.assertRaises(OSError, self.read, made)

    def test_only_who_has_a_certificate_of_the_authority_may_read(self):
        authority = self.certificate('authority')
        self.certificate('server', authority)
        self.certificate('prometheus', authority)
        self.certificate('stranger')
        made = self.make(
            certificate_file=self.file('server.crt'),
            key_file=self.file('server.key'),
            client_ca_file=self.file('authority.crt'),
        )
        made.start()

        def trust(name=None):
            made = ssl.create_default_context(
                cafile=self.file('authority.crt')
            )
            if name:
                made.load_cert_chain(
                    self.file(f'{name}.crt'), self.file(f'{name}.key')
                )
            return made

        told = self.read(made, 'https', trust('prometheus'))
        self.assertIn('hass_answer', told)
        for name in (None, 'stranger'):
            self.assertRaises(OSError, self.read, made, 'https', trust(name))

    def test_files_that_cannot_be_used_are_named(self):
        self.certificate('server')
        certificate = self.file('server.crt')
        for changes in (
            {'certificate_file': certificate},
            {'client_ca_file': certificate},
        ):
            self.assertRaises(exception.ConfigError, self.make, **changes)
        (self.folder / 'broken').write_text('nothing')
        for key in (self.file('none'), self.file('broken')):
            error = self.assertRaises(
                exception.ConfigError,
                self.make,
                certificate_file=certificate,
                key_file=key,
            )
            self.assertIn('certificate_file', str(error))
