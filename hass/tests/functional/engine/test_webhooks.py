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

"""Webhooks at real HTTP servers: well ones, and ones that are not."""

import hashlib
import hmac
import pathlib
import ssl
import threading

from oslo_config import cfg

from hass import clock
from hass.conf import webhooks as options
from hass.db import models
from hass.db import moments
from hass.db import outbox
from hass.engine import herald
from hass.engine import overview
from hass.events import webhook
from hass import exception
from hass import payloads
from hass.tests import base
from hass.tests import builders
from hass.tests import certificates
from hass.tests.functional.engine import receiver
from hass.tests.functional import servers

SECRET = 's' * 32
TOKEN = '/hook?token=of-the-receiver'


def make_conf(**changes):
    conf = cfg.ConfigOpts()
    conf.register_opts(options.OPTIONS, 'webhooks')
    conf([], default_config_files=[])
    for option, value in ({'secret': SECRET, 'seconds': 1} | changes).items():
        conf.set_override(option, value, 'webhooks')
    return conf.webhooks


class WebhookCase(base.TestCase):
    def setUp(self):
        super().setUp()
        self.clock = clock.SystemClock()
        self.database = builders.make_database(self, self.clock)
        self.receiver = self.useFixture(receiver.Receiver())

    def start(self, *endpoints, **changes):
        """A herald with these webhooks."""
        conf = make_conf(endpoint=list(endpoints), **changes)
        one = herald.Herald(
            self.database,
            self.clock,
            overview.Overview(self.database, self.clock, 5.0),
            webhook.channels(conf, self.clock),
            conf.give_up_seconds,
        )
        one.start()
        self.addCleanup(one.stop)
        return one

    def put(self, number=1):
        with self.database.writer() as session:
            now = moments.read_now(session)
            outbox.put(session, payloads.Event.ALARM, {'number': number}, now)

    def numbers(self, one=None):
        bodies = (one or self.receiver).bodies()
        return [body['payload']['number'] for body in bodies]

    def rows(self):
        with self.database.reader() as session:
            return session.query(models.Outgoing).all()

    def wait_empty(self):
        self.wait_for(lambda: not self.rows(), why='nothing is left')

    def wait_why(self, words):
        return self.wait_for(
            lambda: [row for row in self.rows() if words in row.why],
            why=f'a row that says {words!r}',
        )


class WebhookTest(WebhookCase):
    def test_a_post_says_what_happened_and_who_said_so(self):
        self.start(f'pager={self.receiver.url(TOKEN)}')
        self.put(7)
        self.wait_empty()
        ((path, headers, body),) = self.receiver.posts
        self.assertEqual(TOKEN, path)
        self.assertEqual('hass.alarm', headers['X-Hass-Event'])
        self.assertEqual('1', headers['X-Hass-Attempt'])
        (told,) = self.receiver.bodies()
        self.assertEqual(
            {
                'id': headers['X-Hass-Delivery'],
                'event': 'hass.alarm',
                'payload': {'number': 7},
            },
            told,
        )
        timestamp = headers['X-Hass-Timestamp']
        late = clock.SystemClock().now().timestamp() - int(timestamp)
        self.assertLess(abs(late), 86400)
        digest = hmac.new(
            SECRET.encode(), f'{timestamp}.'.encode() + body, hashlib.sha256
        )
        self.assertEqual(
            f'v1={digest.hexdigest()}', headers['X-Hass-Signature']
        )

    def test_a_server_that_refuses_is_asked_again_until_it_takes_it(self):
        self.receiver.answers = [500, 403]
        self.start(f'pager={self.receiver.url()}')
        self.put()
        self.wait_empty()
        ids = {body['id'] for body in self.receiver.bodies()}
        self.assertEqual(1, len(ids))
        attempts = [post[1]['X-Hass-Attempt'] for post in self.receiver.posts]
        self.assertEqual(['1', '2', '3'], attempts)

    def test_a_server_that_is_away_is_told_when_it_is_back(self):
        port = servers.free_port()
        self.start(f'pager=http://127.0.0.1:{port}/')
        self.put()
        self.wait_why('ConnectionError')
        self.assertNotIn(str(port), self.log.output)

    def test_a_server_that_redirects_sends_nobody_anything(self):
        other = self.useFixture(receiver.Receiver())
        self.receiver.go_elsewhere = other.url()
        self.receiver.answers = [302] * 9
        self.start(f'pager={self.receiver.url()}')
        self.put()
        self.wait_why('it answers 302')
        self.assertEqual([], other.posts)

    def test_a_server_that_hangs_holds_up_no_other(self):
        other = self.useFixture(receiver.Receiver())
        self.receiver.hang = threading.Event()
        self.start(
            f'slow={self.receiver.url()}', f'pager={other.url()}', seconds=20
        )
        for number in range(3):
            self.put(number)
        self.wait_for(
            lambda: self.numbers(other) == [0, 1, 2],
            why='the other one is told everything',
        )
        self.assertEqual([0], self.numbers())
        self.receiver.hang.set()
        self.wait_empty()
        self.assertEqual([0, 1, 2], self.numbers())

    def test_a_server_that_never_answers_is_given_up_for_this_time(self):
        self.receiver.hang = threading.Event()
        self.start(f'pager={self.receiver.url()}')
        self.put()
        self.wait_why('Timeout')

    def test_a_server_is_believed_by_its_certificate_alone(self):
        folder = pathlib.Path(self.make_folder())
        certificates.make(folder, 'server')
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / 'server.crt', folder / 'server.key')
        other = self.useFixture(receiver.Receiver(context))
        stranger = self.start(f'pager={other.url()}')
        self.put()
        self.wait_why('SSLError')
        stranger.stop()
        self.assertEqual([], other.posts)
        with self.database.writer() as session:
            for row in session.query(models.Outgoing):
                row.due_at = row.created_at
        known = str(folder / 'server.crt')
        self.start(f'pager={other.url()}', ca_file=known)
        self.wait_empty()
        self.assertEqual([1], self.numbers(other))

    def test_what_cannot_be_delivered_for_too_long_is_dropped(self):
        self.put()
        with self.database.writer() as session:
            for row in session.query(models.Outgoing):
                row.created_at = row.created_at.replace(year=2020)
        self.start(f'pager=http://127.0.0.1:{servers.free_port()}/')
        self.wait_empty()
        self.wait_for(
            lambda: 'could not be delivered' in self.log.output,
            why='a line of the log',
        )

    def test_an_engine_that_stops_waits_for_what_is_under_way(self):
        self.receiver.hang = threading.Event()
        one = self.start(f'pager={self.receiver.url()}', seconds=20)
        self.put()
        self.wait_for(lambda: self.receiver.posts, why='a post')
        threading.Timer(0.3, self.receiver.hang.set).start()
        one.stop()
        self.assertEqual([], self.rows())

    def test_the_secret_and_the_url_are_in_no_line(self):
        self.receiver.answers = [500]
        self.start(f'pager={self.receiver.url(TOKEN)}')
        self.put()
        self.wait_empty()
        self.assertIn('webhook pager was not told', self.log.output)
        for secret in (SECRET, 'of-the-receiver'):
            ours = [
                line
                for line in self.log.output.splitlines()
                # oslo.log leaves these out, a test does not.
                if 'urllib3.connectionpool' not in line
            ]
            self.assertNotIn(secret, '\n'.join(ours))


class OptionsTest(base.TestCase):
    def refused(self, **changes):
        error = self.assertRaises(
            exception.ConfigError,
            webhook.channels,
            make_conf(**changes),
            clock.SystemClock(),
        )
        return str(error)

    def test_endpoints_need_a_secret(self):
        for secret in (None, 'short'):
            why = self.refused(endpoint=['a=http://x/'], secret=secret)
            self.assertIn('[webhooks] secret: must be set', why)

    def test_endpoints_need_names_of_their_own(self):
        why = self.refused(endpoint=['a=http://x/', 'a=http://y/'])
        self.assertIn('[webhooks] endpoint', why)

    def test_what_is_no_url_is_refused_and_not_repeated(self):
        for endpoint in (
            'http://secret/',
            'a=ftp://secret/',
            'a=http://',
            'A b=http://secret/',
        ):
            error = self.assertRaises(
                ValueError, make_conf, endpoint=[endpoint]
            )
            self.assertNotIn('secret', str(error))

    def test_nothing_shows_a_url(self):
        (endpoint,) = make_conf(endpoint=['a=http://secret/']).endpoint
        self.assertNotIn('secret', repr(endpoint))
