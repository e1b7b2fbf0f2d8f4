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

import datetime

from oslo_config import cfg

from hass import exception
from hass.rpc import transport
from hass.tests import base


def make_conf(**options):
    conf = cfg.ConfigOpts()
    transport.register_opts(conf)
    conf([], default_config_files=[])
    for option, value in options.items():
        conf.set_override(option, value)
    return conf


class TransportTest(base.TestCase):
    def test_an_engine_that_is_cut_off_gets_no_reports_for_seconds_only(self):
        conf = make_conf()
        self.assertEqual(
            10, conf.oslo_messaging_rabbit.heartbeat_timeout_threshold
        )

    def test_queues_are_quorum_queues_unless_told_otherwise(self):
        conf = make_conf()
        self.assertTrue(conf.oslo_messaging_rabbit.rabbit_quorum_queue)
        conf.set_override(
            'rabbit_quorum_queue', False, 'oslo_messaging_rabbit'
        )
        transport.register_opts(conf)
        self.assertFalse(conf.oslo_messaging_rabbit.rabbit_quorum_queue)

    def test_tls_options_reach_the_driver(self):
        conf = make_conf(transport_url='rabbit://u:p@192.0.2.1:5671/')
        for option, value in (
            ('ssl', True),
            ('ssl_ca_file', '/etc/hass/ca.pem'),
            ('ssl_cert_file', '/etc/hass/agent.pem'),
            ('ssl_key_file', '/etc/hass/agent.pem'),
        ):
            conf.set_override(option, value, 'oslo_messaging_rabbit')
        driver = transport.connect(conf)._driver
        self.assertTrue(driver.conf.oslo_messaging_rabbit.ssl)
        self.assertEqual(
            '/etc/hass/ca.pem', driver.conf.oslo_messaging_rabbit.ssl_ca_file
        )

    def test_a_url_that_is_none_is_told_without_its_password(self):
        for url in ('secret', 'nothing://u:secret@192.0.2.1/'):
            error = self.assertRaises(
                exception.ConfigError,
                transport.connect,
                make_conf(transport_url=url),
            )
            self.assertIn('transport_url', str(error))
            self.assertNotIn('secret', str(error))


class StrictSerializerTest(base.TestCase):
    def test_what_json_cannot_carry_is_an_error(self):
        serializer = transport.StrictSerializer()
        for entity in (datetime.datetime(2030, 1, 1), {1, 2}, float('nan')):
            self.assertRaises(
                (TypeError, ValueError),
                serializer.serialize_entity,
                {},
                entity,
            )

    def test_who_calls_is_no_part_of_the_context(self):
        serializer = transport.StrictSerializer()
        sent = serializer.serialize_context({'user': 'x'})
        self.assertNotIn('user', sent)
        self.assertEqual({}, serializer.deserialize_context({'user': 'x'}))
