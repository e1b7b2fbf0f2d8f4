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

import json
import threading

from oslo_config import cfg

from hass.agent import identity
from hass.agent import orders
from hass import beats
from hass.conf import agent as options
from hass import exception
from hass.rpc import messages
from hass.tests import base
from hass.tests import clocks

KEY = b'k' * 32


class OrdersTest(base.TestCase):
    def setUp(self):
        super().setUp()
        self.clock = clocks.HandClock()
        self.identity = identity.Identity(self.clock, 'compute-1', 'b', KEY)
        self.restarted = []
        self.woken = 0
        self.orders = self.make_orders()

    def make_orders(self, restart=None, **changes):
        conf = cfg.ConfigOpts()
        conf.register_opts(options.OPTIONS, 'agent')
        conf([], default_config_files=[])
        for option, value in changes.items():
            conf.set_override(option, value, 'agent')
        return orders.Orders(
            self.identity,
            self.clock,
            {'restart': restart or self.restart},
            conf.agent,
            self.wake,
        )

    def restart(self, subject):
        if subject != 'compute':
            raise exception.OrderRefused('only compute can be restarted')
        self.restarted.append(subject)
        return 'systemd restarts it'

    def wake(self):
        self.woken += 1

    def make_report(self):
        return self.identity.seal(
            messages.Report,
            addresses={},
            domains=None,
            system_uuid=None,
            resume_guests=None,
            watchdog='off',
            health={},
            observations=[],
            faults=[],
        )

    def answer(self, report, *wanted, key=KEY):
        """What an engine answers to a report."""
        asked = json.loads(report['body'])
        stamp = ('host', 'boot_id', 'sequence', 'sent_at', 'uptime')
        return messages.seal(
            messages.Orders(
                **{name: asked[name] for name in stamp}, orders=list(wanted)
            ),
            key,
        )

    def order(self, id='1', kind='restart', subject='compute', seconds=30.0):
        return messages.Order(id, kind, subject, seconds)

    def take(self, *wanted, **how):
        report = self.make_report()
        self.orders.take(
            report, self.answer(report, *wanted, **how), self.clock.monotonic()
        )

    def obey(self, *wanted):
        """Take orders, do what waits; what came of the newest."""
        self.take(*wanted)
        for _order in wanted:
            self.orders.turn()
        return self.results()[-1]

    def results(self):
        return self.orders.results.first(99)[1]

    def test_an_order_is_done_and_its_result_waits(self):
        result = self.obey(self.order())
        self.assertEqual(['compute'], self.restarted)
        self.assertEqual(
            messages.OrderResult('1', True, 'systemd restarts it'), result
        )
        self.assertEqual(1, self.woken)

    def test_an_order_that_comes_again_is_done_once(self):
        self.obey(self.order())
        self.take(self.order())
        self.take(self.order())
        self.obey(self.order('2'))
        self.assertEqual(['compute'] * 2, self.restarted)
        self.assertEqual(['1', '2'], [one.id for one in self.results()])

    def test_an_agent_that_stops_finishes_what_it_does_and_begins_no_more(
        self,
    ):
        begun, going = threading.Event(), threading.Event()

        def restart(subject):
            begun.set()
            going.wait(30)
            self.restarted.append(subject)
            return 'done'

        self.orders = self.make_orders(restart)
        self.take(self.order('1'), self.order('2'))
        doing = threading.Thread(target=self.orders.turn)
        doing.start()
        self.assertTrue(begun.wait(30))
        self.orders.finish(0.01)
        self.assertEqual([], self.results())
        going.set()
        self.orders.finish(30)
        doing.join(30)
        self.orders.turn()
        self.assertEqual(['compute'], self.restarted)
        self.assertEqual(
            [('1', 'done'), ('2', 'the agent is being stopped')],
            [(one.id, one.detail) for one in self.results()],
        )

    def test_what_it_does_not_know_is_refused_with_what_it_knows(self):
        result = self.obey(self.order(kind='explode'))
        self.assertFalse(result.done)
        self.assertEqual(
            'this agent cannot explode, but restart', result.detail
        )

    def test_a_refusal_is_told(self):
        result = self.obey(self.order(subject='sshd'))
        self.assertFalse(result.done)
        self.assertEqual('only compute can be restarted', result.detail)

    def test_what_waited_for_too_long_is_not_begun(self):
        self.take(self.order(seconds=5.0))
        self.clock.turn(6)
        self.orders.turn()
        self.assertEqual([], self.restarted)
        self.assertEqual('it came too late', self.results()[-1].detail)

    def test_the_agent_counts_for_itself(self):
        self.orders = self.make_orders(max_orders=2, orders_seconds=600)
        for number in range(3):
            result = self.obey(self.order(str(number)))
        self.assertFalse(result.done)
        self.assertIn('[agent] max_orders allows no more', result.detail)
        self.assertEqual(['compute'] * 2, self.restarted)
        self.clock.turn(601)
        self.assertTrue(self.obey(self.order('9')).done)

    def test_root_may_forbid_orders(self):
        self.orders = self.make_orders(obey_orders=False)
        result = self.obey(self.order())
        self.assertEqual([], self.restarted)
        self.assertEqual('[agent] obey_orders is off here', result.detail)

    def refused(self, report, answer):
        self.orders.take(report, answer, self.clock.monotonic())
        self.assertEqual((), tuple(self.results()))
        (reason,) = self.orders.refusals()
        return reason

    def test_the_answer_to_another_report_is_a_replay(self):
        old = self.make_report()
        answer = self.answer(old, self.order())
        self.clock.turn(1)
        self.assertEqual(
            beats.Refusal.REPLAYED, self.refused(self.make_report(), answer)
        )

    def test_orders_of_another_key_are_forged(self):
        report = self.make_report()
        answer = self.answer(report, self.order(), key=b'x' * 32)
        self.assertEqual(beats.Refusal.FORGED, self.refused(report, answer))

    def test_a_report_of_its_own_is_no_order(self):
        report = self.make_report()
        self.assertIn('unknown field', self.refused(report, report))

    def test_garbage_is_refused(self):
        self.assertIn('envelope', self.refused(self.make_report(), ['x']))
