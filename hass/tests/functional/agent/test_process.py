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

"""The real hass-agent against a real listener, endpoint and RabbitMQ."""

import contextlib
import os
import signal
import socket
import subprocess
import sys

import fixtures
import psutil

from hass import beats
from hass.db import recoveries
from hass.tests import base
from hass.tests.functional.rpc import ears
from hass.tests.functional import servers

PROGRAM = os.path.join(os.path.dirname(sys.executable), 'hass-agent')


class ProcessCase(base.TestCase):
    def setUp(self):
        super().setUp()
        self.rabbit = servers.rabbitmq()
        self.ears = self.useFixture(ears.Ears(self.rabbit.url()))
        self.folder = self.useFixture(fixtures.TempDir()).path
        self.guests = os.path.join(self.folder, 'guests')
        os.mkdir(self.guests)
        self.write('key', ears.KEY)
        self.write('boot_id', 'boot-1')
        self.write('system_uuid', 'ABC')
        self.write('nova.conf', '[DEFAULT]\n')
        self.config = self.write('hass.conf', self.make_config())

    def make_config(self):
        engines = ','.join(self.ears.engines())
        networks = ','.join(f'{n}={a}' for n, a in ears.NETWORKS.items())
        return f"""
[DEFAULT]
transport_url = {self.rabbit.url()}
[agent]
host = {ears.HOST}
key_file = {self.folder}/key
engines = {engines}
beat_networks = {networks}
beat_seconds = 0.1
report_seconds = 1
call_seconds = 2
gate_poll_seconds = 0.1
guests = folder
guests_folder = {self.guests}
detectors = storage_file
instances_path = {self.folder}
storage_seconds = 2
look_seconds = 0.2
nova_conf = {self.folder}/nova.conf
boot_id_file = {self.folder}/boot_id
system_uuid_file = {self.folder}/system_uuid
"""

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, 'w', encoding='utf-8') as file:
            file.write(text)
        os.chmod(path, 0o600)
        return path

    def run_agent(self, *arguments, before=(), config=None):
        where = ['--config-file', config or self.config]
        return self.start_process([*before, PROGRAM, *where, *arguments])

    def heard(self):
        return self.ears.listener.heard(ears.HOST)

    def wait_heard(self, **more):
        return self.wait_for(
            lambda: (
                (heard := self.heard())
                and len(heard.by_network) == len(ears.NETWORKS)
                and heard
            ),
            why='beats on each network',
        )

    def wait_reported(self):
        return self.wait_for(
            lambda: (host := self.ears.host()).reported_at and host,
            why='a report',
        )


class AgentTest(ProcessCase):
    def test_it_beats_and_reports_what_it_sees(self):
        os.mkdir(os.path.join(self.guests, 'guest-1'))
        self.run_agent()
        self.wait_heard()
        self.wait_for(
            lambda: self.ears.host().domains == ['guest-1'],
            why='the guest in a report',
        )
        host = self.ears.host()
        self.assertEqual(ears.NETWORKS, host.networks)
        self.assertEqual(
            ('boot-1', 'abc', False),
            (host.boot_id, host.system_uuid, host.resume_guests),
        )
        os.rmdir(os.path.join(self.guests, 'guest-1'))
        self.wait_for(lambda: self.ears.host().domains == [], why='the change')
        self.assertEqual({}, self.ears.listener.refusals())

    def test_it_tells_what_its_detectors_see(self):
        agent = self.run_agent()
        self.wait_seen('healthy')
        child = psutil.Process(agent.pid).children()[0]
        child.suspend()
        self.addCleanup(self.release, child)
        seen = self.wait_seen('failed')
        self.assertEqual(
            ('agent:storage_file', 'alleged', ears.HOST),
            (seen.detector, seen.certainty, seen.seen_by),
        )
        # Neither the stop nor the goodbye waits for the storage.
        agent.send_signal(signal.SIGTERM)
        self.assertEqual(0, agent.wait())
        self.wait_for(lambda: self.heard().planned, why='planned beats')
        self.release(child)
        psutil.wait_procs([child], timeout=60)
        self.assertIn(self.state(child), (psutil.STATUS_ZOMBIE, 'gone'))

    def release(self, child):
        with contextlib.suppress(psutil.NoSuchProcess):
            child.resume()

    def state(self, child):
        try:
            return child.status()
        except psutil.NoSuchProcess:
            return 'gone'

    def wait_seen(self, verdict):
        return self.wait_for(
            lambda: next(
                (
                    one
                    for one in self.ears.observations()
                    if (one.layer, one.verdict) == ('storage', verdict)
                ),
                None,
            ),
            why=f'the storage to be {verdict}',
        )

    def test_a_stop_says_goodbye(self):
        agent = self.run_agent()
        self.wait_heard()
        self.wait_reported()
        agent.send_signal(signal.SIGTERM)
        self.assertEqual(0, agent.wait())
        self.wait_for(lambda: self.heard().planned, why='planned beats')
        self.assertIsNotNone(self.ears.host().planned_until)

    def test_a_started_agent_takes_the_goodbye_back(self):
        agent = self.run_agent()
        self.wait_heard()
        self.wait_reported()
        agent.send_signal(signal.SIGTERM)
        agent.wait()
        self.run_agent()
        self.wait_for(
            lambda: (
                not self.heard().planned
                and self.ears.host().planned_until is None
            ),
            why='the goodbye is taken back',
        )

    def test_a_killed_agent_says_nothing(self):
        agent = self.run_agent()
        self.wait_heard()
        self.wait_reported()
        agent.kill()
        agent.wait()
        self.assertFalse(self.heard().planned)
        self.assertIsNone(self.ears.host().planned_until)

    def test_a_clock_jump_of_an_hour_does_not_silence(self):
        agent = self.run_agent()
        self.wait_heard()
        agent.kill()
        agent.wait()
        self.run_agent(before=servers.shifted(3600))
        heard = self.wait_for(
            lambda: (heard := self.heard()).clock_jump and heard,
            why='a beat with the jumped clock',
        )
        self.wait_for(
            lambda: self.heard().last > heard.last,
            why='more of them',
        )
        self.assertEqual({}, self.ears.listener.refusals())

    def test_without_a_broker_it_beats(self):
        with open(self.config, encoding='utf-8') as file:
            config = file.read()
        nowhere = f'rabbit://guest:guest@127.0.0.1:{servers.free_port()}/'
        self.run_agent(
            config=self.write(
                'lonely.conf', config.replace(self.rabbit.url(), nowhere)
            )
        )
        first = self.wait_heard()
        self.wait_for(
            lambda: self.heard().last > first.last + 3, why='beats go on'
        )

    def test_eventlet_is_never_loaded(self):
        agent = self.run_agent()
        self.wait_reported()
        with open(f'/proc/{agent.pid}/maps', encoding='utf-8') as file:
            self.assertNotIn('greenlet', file.read())
        script = (
            'import sys, hass.cmd.agent, hass.cmd.engine\n'
            'print([name for name, module in sys.modules.items()'
            ' if name.startswith("eventlet")])'
        )
        loaded = subprocess.run(
            [sys.executable, '-c', script], capture_output=True, text=True
        )
        self.assertEqual(('[]\n', ''), (loaded.stdout, loaded.stderr))

    def test_a_configuration_that_cannot_work_is_one_clear_line(self):
        os.chmod(os.path.join(self.folder, 'key'), 0o644)
        agent = self.run_agent()
        output, _errors = agent.communicate()
        self.assertEqual(1, agent.returncode)
        self.assertIn('[agent] key_file', output.splitlines()[-1])
        self.assertNotIn('Traceback', output)


class EvilTest(ProcessCase):
    def send(self, *datagrams):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for datagram in datagrams:
                sender.sendto(datagram, self.ears.listener.addresses()[0])

    def test_replays_and_forgeries_are_counted_and_change_nothing(self):
        me = self.ears.make_identity()
        beat = me.beat('management')
        self.send(beat)
        before = self.wait_for(self.heard, why='the first beat')
        self.send(
            beat,
            self.ears.make_identity(key='x' * 32).beat('management'),
            b'garbage',
        )
        self.wait_for(
            lambda: sum(self.ears.listener.refusals().values()) == 3,
            why='three refusals',
        )
        self.assertEqual(
            {
                beats.Refusal.REPLAYED: 1,
                beats.Refusal.FORGED: 1,
                beats.Refusal.UNREADABLE: 1,
            },
            self.ears.listener.refusals(),
        )
        self.assertEqual(before, self.heard())


class GateTest(ProcessCase):
    def set_recovery(self, workflow, state):
        with self.ears.database.writer() as session:
            recoveries.open_one(
                session,
                workflow=workflow,
                host=ears.HOST,
                cluster_id=None,
                state=state,
                deadline_seconds=None,
                engine='engine-1',
                why='a test',
                supersede=('host_failure',),
            )

    def test_it_stays_closed_until_the_recovery_lets_it_open(self):
        self.set_recovery('host_failure', 'evacuating')
        gate = self.run_agent('gate')
        self.assertIn(
            '(host_failure) is evacuating: a test', self.line(gate, 'closed')
        )
        self.assertIsNone(gate.poll())
        self.set_recovery('host_return', 'awaiting_agent')
        self.assertEqual(0, gate.wait())

    def test_without_an_engine_it_stays_closed(self):
        with open(self.config, encoding='utf-8') as file:
            config = file.read()
        nowhere = f'rabbit://guest:guest@127.0.0.1:{servers.free_port()}/'
        gate = self.run_agent(
            'gate',
            config=self.write(
                'lonely.conf', config.replace(self.rabbit.url(), nowhere)
            ),
        )
        self.assertIn('no engine answers', self.line(gate, 'closed'))
        self.assertIsNone(gate.poll())

    def test_root_forces_it_open_and_that_is_told(self):
        self.set_recovery('host_failure', 'evacuating')
        gate = self.run_agent('gate', '--force')
        self.assertEqual(0, gate.wait())
        self.assertIn('open: forced by root', gate.stdout.read())
        told = self.ears.notifications()
        self.assertIn('forced', told[0].payload['event'])

    def line(self, process, word):
        for line in process.stdout:
            if word in line:
                return line
        self.fail(f'no line with {word}')
