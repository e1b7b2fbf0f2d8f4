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

"""What is true of every command."""

import os
import pty
import subprocess

import openstack

from hass.db import services
from hass.tests.functional.client import base
from hassclient.v1 import proxy

NO_HASS = 'there is no endpoint of type hass in the catalog'
FORMER = 'HASS stands in the catalog of this cloud as a service of type ha,'


class FrontTest(base.ClientTest):
    def test_an_unprotected_cloud_is_told(self):
        done = self.run_command('service', 'list')
        self.assertEqual(0, done.returncode)
        self.assertIn('no engine runs', done.stderr)

    def test_engines_are_listed(self):
        with self.database.writer() as session:
            services.enter(session, 'engine-1', '1.0')
            services.turn(session, 'engine-1', False, {'compute-1': None})
        (one,) = self.read('service', 'list', '--long')
        self.assertEqual('engine-1', one['Name'])
        self.assertEqual({'compute-1': None}, one['Silent'])

    def test_who_may_not_is_told_which_role_is_missing(self):
        said = self.refused('cluster', 'list', user='alice')
        self.assertIn('ha:clusters:list', said)
        self.assertIn('HTTP 403, req-', said)
        self.assertIn('openstack role assignment list', said)

    def test_nothing_has_an_empty_name(self):
        self.make_cluster()
        self.nova.boot('compute-1', 'admins', name='web')
        for words in (
            *(('host', 'show', name) for name in ('', '.', '..')),
            ('cluster', 'show', '..'),
            ('cluster', 'delete', ''),
            ('host', 'remove', '.'),
            ('host', 'list', '--cluster', ''),
            ('instance', 'protect', ''),
            ('instance', 'list', '--project', ''),
            ('recovery', 'show', ''),
            ('recovery', 'list', '--instance', ''),
            ('recovery', 'list', '--host', '.'),
            ('notification', 'create', '', 'os'),
        ):
            said = self.refused(*words)
            self.assertIn('is no name of anything', said)
        said = self.refused('recovery', 'list', '--cluster', '')
        self.assertIn("cluster: '' is no name of anything", said)
        said = self.refused('instance', 'list', '--name', '')
        self.assertIn('name: must not be empty', said)
        self.assertEqual(1, len(self.read('host', 'list')))

    def test_a_cloud_without_hass_is_told(self):
        del self.cloud.catalog['hass']
        self.assertIn(NO_HASS, self.refused('cluster', 'list'))

    def test_a_region_without_hass_is_told(self):
        done = self.run_openstack(
            *('--os-region-name', 'two', 'ha', 'cluster', 'list')
        )
        self.assertIn('or none in this region', done.stderr)
        self.assertIn('openstack catalog show hass', done.stderr)

    def test_a_cloud_that_has_it_by_its_former_type_is_warned(self):
        del self.cloud.catalog['hass']
        self.make_cluster(hosts=())
        self.cloud.catalog['ha'] = self.endpoint
        done = self.run_command('cluster', 'list')
        self.assertIn('rack-1', done.stdout, done.stderr)
        self.assertIn(FORMER, done.stderr)
        self.cloud.catalog['hass'] = self.endpoint
        self.cloud.catalog['ha'] = 'http://127.0.0.1:1'
        done = self.run_command('cluster', 'list')
        self.assertEqual((0, ''), (done.returncode, done.stderr))

    def test_the_newest_version_is_spoken_by_the_former_type(self):
        self.cloud.catalog['ha'] = self.cloud.catalog.pop('hass')
        self.make_cluster()
        instance = self.nova.boot('compute-1')
        shown = self.read('instance', 'show', instance)
        self.assertEqual('cluster', shown['decided_by'])

    def test_masakari_is_never_taken_for_hass(self):
        self.cloud.catalog['instance-ha'] = f'{self.cloud.url}/masakari'
        self.make_cluster(hosts=())
        self.assertEqual(1, len(self.read('cluster', 'list')))
        self.cloud.catalog['ha'] = self.cloud.catalog.pop('hass')
        self.assertEqual(1, len(self.read('cluster', 'list')))
        del self.cloud.catalog['ha']
        self.assertIn(NO_HASS, self.refused('cluster', 'list'))

    def test_programs_ask_by_openstacksdk(self):
        self.make_cluster(hosts=())
        login = {
            name.removeprefix('OS_').lower(): value
            for name, value in self.environment('operator').items()
            if name.startswith('OS_')
        }
        connected = openstack.connect(load_yaml_config=False, **login)
        (one,) = proxy.of(connected).clusters()
        self.assertEqual('rack-1', one.name)

    def test_the_endpoint_may_name_the_version(self):
        self.cloud.catalog['hass'] = f'{self.endpoint}/v1'
        self.make_cluster(hosts=())
        self.assertEqual(1, len(self.read('cluster', 'list')))

    def test_an_api_that_is_away_is_told(self):
        self.cloud.catalog['hass'] = 'http://127.0.0.1:1'
        said = self.refused('cluster', 'list')
        self.assertIn('the API of HASS does not answer', said)
        self.assertIn('openstack endpoint list --service hass', said)

    def test_the_newest_version_of_both_is_spoken_or_the_one_asked_for(self):
        self.make_cluster()
        instance = self.nova.boot('compute-1')
        shown = self.read('instance', 'show', instance)
        self.assertEqual('cluster', shown['decided_by'])
        done = self.run_openstack(
            *('--os-hass-api-version', '1.0'),
            *('ha', 'instance', 'show', instance),
        )
        self.assertIn('HTTP 404', done.stderr)

    def test_a_version_that_the_client_does_not_know_is_refused(self):
        done = self.run_openstack(
            *('--os-hass-api-version', '1.99', 'ha', 'cluster', 'list')
        )
        self.assertNotEqual(0, done.returncode)
        self.assertIn('1.99 is unknown; allowed: 1, 1.0, 1.1', done.stderr)

    def test_no_keystone_is_needed_with_a_token_and_an_endpoint(self):
        self.make_cluster(hosts=())
        done = subprocess.run(
            [
                base.OPENSTACK, '--os-auth-type', 'admin_token',
                '--os-token', 'operator:admins:admin',
                '--os-endpoint', f'{self.endpoint}/v1',
                'ha', 'cluster', 'list',
            ],
            env={'HOME': self.folder, **self.path()},
            cwd=base.ROOT,
            capture_output=True,
            text=True,
            timeout=base.SECONDS,
        )  # fmt: skip
        self.assertIn('rack-1', done.stdout, done.stderr)

    def path(self):
        kept = ('PATH', 'PYTHONPATH')
        return {name: os.environ[name] for name in kept if name in os.environ}

    def test_shells_complete_our_commands(self):
        done = self.run_openstack('complete')
        self.assertIn('_ha=', done.stdout.replace("cmds_ha='", '_ha='))
        self.assertIn('cmds_ha_recovery=', done.stdout)
        self.assertIn('--observations', done.stdout)

    def test_masakaris_commands_stand_beside_ours(self):
        done = self.run_openstack('--help')
        for command in ('segment list', 'notification create'):
            self.assertIn(f'  {command} ', done.stdout)
        for command in ('ha cluster list', 'ha notification create'):
            self.assertIn(f'  {command} ', done.stdout)
        self.assertNotIn('WARNING', done.stderr)

    def test_a_terminal_gets_a_bar_while_it_waits(self):
        self.make_cluster()
        ours, theirs = pty.openpty()
        self.addCleanup(os.close, ours)
        process = subprocess.Popen(
            [
                base.OPENSTACK, 'ha', 'notification', 'create',
                'compute-1', 'os', '--wait', '--timeout', '0',
            ],
            env=self.environment('operator') | {'TERM': 'xterm'},
            cwd=base.ROOT,
            stdout=subprocess.DEVNULL,
            stderr=theirs,
        )  # fmt: skip
        os.close(theirs)
        shown = b''
        try:
            while part := os.read(ours, 4096):
                shown += part
        except OSError:
            # What a terminal says when the other side has gone.
            pass
        process.wait()
        self.assertIn('notification new', shown.decode())
        self.assertIn('0:00:0', shown.decode())
