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

"""The account of agents, made as the page on controllers says.

A thief of it is on the bus with kombu, and with all that RabbitMQ offers.
"""

import datetime
import functools
import uuid

from amqp import exceptions as amqp
from kombu import connection as kombu
import oslo_messaging

from hass.agent import service
from hass.db import orders
from hass.db import recoveries
from hass.detection import guests
from hass.rpc import api
from hass.rpc import messages
from hass.rpc import transport
from hass.tests import base
from hass.tests import builders
from hass.tests import documented
from hass.tests.functional.rpc import ears
from hass.tests.functional import servers

PAGE = 'doc/source/install/controllers.rst'
BROUGHT = '/opt/hass/share/hass/rabbitmq/agents.json'
RIGHTS = documented.ROOT / 'etc' / 'hass' / 'rabbitmq' / 'agents.json'
ACCOUNT = 'hass-agent'
PASSWORD = 'of-agents'
OWN = f'reply_{uuid.uuid4().hex}'
FOREIGN = 'reply_controller-1:hass-api:1'
EXCHANGES = ('hass', 'nova', 'hass.reports_fanout')
BUILT_IN = ('amq.direct', 'amq.fanout', 'amq.headers', 'amq.topic')
QUEUES = (
    'hass.reports',
    'hass.reports.engine-1',
    'hass.engine',
    'hass.engine.engine-1',
    'notifications.info',
    FOREIGN,
)


class Operators:
    """What an engine does for the API; agents must not reach it."""

    def __init__(self):
        self.asked = 0

    @transport.exposed
    def test_fence(self, context, host):
        self.asked += 1
        return {}


@functools.cache
def urls():
    """The URLs of engines and of agents, in a virtual host of this process.

    rabbitmqctl takes its time.
    """
    rabbit = servers.rabbitmq()
    of_engines = rabbit.virtual_host()
    host = of_engines.rpartition('@')[2]
    place = host.rpartition('/')[2]
    account = f'{ACCOUNT}-{place}'
    file = rabbit.folder / f'{place}.json'
    text = RIGHTS.read_text().replace('"hass"', f'"{place}"')
    file.write_text(text.replace(f'"{ACCOUNT}"', f'"{account}"'))
    for words in typed():
        if words[0] == 'add_user':
            # The password would be asked for.
            rabbit.control('add_user', account, PASSWORD)
        else:
            assert words == ['import_definitions', BROUGHT], words
            rabbit.control('import_definitions', str(file))
    return of_engines, f'rabbit://{account}:{PASSWORD}@{host}'


def typed():
    """What the page says about the account."""
    for command in documented.commands():
        words = command.words[1:]
        if command.page == PAGE and (ACCOUNT in words or BROUGHT in words):
            yield words


class AccountCase(base.TestCase):
    """An engine with the account of engines, and an account of agents."""

    def setUp(self):
        super().setUp()
        self.engines_url, self.url = urls()
        self.ears = self.useFixture(ears.Ears(self.engines_url))

    def connect(self, url):
        connected = transport.connect(ears.make_conf(url))
        self.addCleanup(connected.cleanup)
        return connected


class AgentTest(AccountCase):
    """What an agent has to do, it may."""

    def test_reports_pass_and_are_answered(self):
        engine = api.EngineAPI(self.connect(self.url), 10.0)
        me = self.ears.make_identity()
        answer = engine.gate(me.seal(messages.GateRequest))
        self.assertEqual({'open': True, 'why': 'no recovery is open'}, answer)

    def test_signs_of_life_pass(self):
        engine = api.EngineAPI(self.connect(self.url), 10.0)
        me = self.ears.make_identity()
        engine.alive(me.seal(messages.Alive))
        self.wait_for(
            lambda: self.ears.listener.told(ears.HOST), why='the sign'
        )

    def test_agents_of_the_former_release_are_heard_where_they_write(self):
        engine = self.connect(self.engines_url)
        server = transport.server(
            engine,
            transport.REPORTS,
            'engine-1',
            [self.ears.endpoint],
            transport.EXCHANGE,
        )
        server.start()
        self.addCleanup(server.wait)
        self.addCleanup(server.stop)
        me = self.ears.make_identity()
        former = oslo_messaging.get_rpc_client(
            self.connect(self.engines_url),
            oslo_messaging.Target(
                exchange='hass', topic='hass.reports', version='1.0'
            ),
            timeout=20,
        )
        envelope = me.seal(messages.GateRequest)
        answer = former.call({}, 'gate', envelope=envelope)
        self.assertTrue(answer['open'])

    def test_orders_are_believed_and_their_result_comes_back(self):
        self.order()
        restarted = []

        def restart(unit):
            restarted.append(unit)
            return 'done'

        conf = ears.make_conf(
            self.url, engines=self.ears.engines(), report_seconds=1.0
        )
        agent = service.Agent(
            conf.agent,
            self.ears.clock,
            api.EngineAPI(self.connect(self.url), 10.0),
            self.ears.make_identity(),
            guests.NoGuests(),
            doers={'restart': restart},
        )
        agent.start()
        self.addCleanup(agent.kill)
        self.wait_for(lambda: self.result().done, why='the result')
        self.assertEqual(['compute'], restarted)

    def order(self):
        with self.ears.database.writer() as session:
            until = self.ears.clock.now() + datetime.timedelta(hours=1)
            wanted = orders.Order.make(
                'restart', ears.HOST, 'boot-1', 'compute', until
            )
            builders.make_recovery(
                session,
                host=ears.HOST,
                workflow='service_failure',
                state='restarting',
                was={orders.KEY: wanted.to_dict()},
            )

    def result(self):
        with self.ears.database.reader() as session:
            found = recoveries.open_of_host(session, ears.HOST)
            assert found is not None
            return orders.Order.of(found.was)


class ThiefTest(AccountCase):
    """A thief of the account is refused everything else."""

    def setUp(self):
        super().setUp()
        self.operators = Operators()
        self.engines = self.connect(self.engines_url)
        server = transport.server(
            self.engines, transport.OPERATORS, 'engine-1', [self.operators]
        )
        server.start()
        self.addCleanup(server.wait)
        self.addCleanup(server.stop)
        self.owner = self.enter(self.engines_url)
        with self.owner.channel() as channel:
            channel.exchange_declare('nova', 'topic', auto_delete=False)
            for queue in ('notifications.info', FOREIGN):
                channel.queue_declare(queue, auto_delete=False)
            channel.queue_bind('notifications.info', 'nova', '#')
        self.assert_all_is_well(1)
        self.thief = self.enter(self.url)

    def enter(self, url):
        found = kombu.Connection(
            url.replace('rabbit:', 'amqp:'), connect_timeout=60
        )
        self.addCleanup(found.release)
        return found

    def assert_all_is_well(self, asked):
        """Nothing is gone, and nobody but the API has asked operators."""
        with self.owner.channel() as channel:
            for queue in QUEUES:
                channel.queue_declare(queue, passive=True)
            for exchange in EXCHANGES:
                channel.exchange_declare(exchange, 'topic', passive=True)
            left = channel.queue_declare('notifications.info', passive=True)
        self.assertEqual(0, left.message_count)
        api.OperatorAPI(self.engines, 60.0).test_fence('compute-1')
        self.assertEqual(asked, self.operators.asked)

    def attempt(self, method, *words, **more):
        """One deed; what is refused closes the channel."""
        with self.thief.channel() as channel:
            getattr(channel, method)(*words, **more)
            # Publishing is answered by this, if with anything at all.
            channel.basic_qos(0, 1, False)

    def refused(self, method, *words, **more):
        try:
            self.attempt(method, *words, **more)
        except amqp.AccessRefused:
            return
        self.fail(f'{method} {words} {more} was let through')

    def test_no_queue_is_read_emptied_or_deleted(self):
        for queue in QUEUES:
            self.refused('basic_consume', queue)
            self.refused('basic_get', queue)
            self.refused('queue_purge', queue)
            self.refused('queue_delete', queue)
            self.refused('queue_unbind', queue, 'amq.topic', queue)
        self.assert_all_is_well(2)

    def test_no_exchange_is_deleted_made_or_tied_to_another(self):
        for exchange in (*EXCHANGES, *BUILT_IN):
            self.refused('exchange_delete', exchange)
            self.refused('exchange_bind', exchange, 'amq.topic', '#')
            self.refused('exchange_bind', 'amq.topic', exchange, '#')
        for name in ('hass', 'own', FOREIGN):
            self.refused('exchange_declare', name, 'topic', auto_delete=False)
        self.assert_all_is_well(2)

    def test_no_queue_is_made_but_for_answers(self):
        for name in ('own', 'hass.reports', 'hass.engine', '', f'{OWN}.own'):
            self.refused('queue_declare', name)
        self.assert_all_is_well(2)

    def test_a_queue_for_answers_gets_nothing_else(self):
        self.attempt('queue_declare', OWN)
        for exchange in (*EXCHANGES, *BUILT_IN):
            self.refused('queue_bind', OWN, exchange, '#')
        self.attempt('basic_get', OWN)
        self.attempt('queue_delete', OWN)
        self.assert_all_is_well(2)

    def test_a_queue_for_answers_hands_nothing_on(self):
        for exchange in ('', *EXCHANGES):
            for key in ('hass.engine', 'notifications.info'):
                arguments = {
                    'x-dead-letter-exchange': exchange,
                    'x-dead-letter-routing-key': key,
                }
                self.refused('queue_declare', OWN, arguments=arguments)
        self.assert_all_is_well(2)

    def test_nothing_is_written_but_reports(self):
        def publish(exchange, key):
            body = self.thief.channel().prepare_message(b'{}')
            return body, exchange, key

        for exchange in ('', *EXCHANGES, *BUILT_IN):
            for key in (*QUEUES, OWN, 'versioned_notifications.info', '#', ''):
                if (exchange, key) != ('amq.topic', 'hass.reports'):
                    self.refused('basic_publish', *publish(exchange, key))
        self.attempt('basic_publish', *publish('amq.topic', 'hass.reports'))
        self.assert_all_is_well(2)

    def test_no_other_virtual_host_is_entered(self):
        url = self.url.rpartition('/')[0]
        error = self.assertRaises(
            amqp.NotAllowed, self.enter(f'{url}/%2f').connect
        )
        self.assertIn("access to vhost '/' refused", str(error))
