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

"""What may happen to a cloud at random: faults. For people see people.py."""

import random

from hass.db import hosts
from hass.db.models import FenceState
from hass.engine import fences
from hass import exception
from hass.fencing import base as fencing
from hass.tests import fake_cloud
from hass.tests import people

BLIP_SECONDS = 5.0

Deed = people.Deed


class Havoc:
    """Breaks one cloud; a deed returns what it was done to.

    :ivar meant: instances whose user wants them to run
    """

    def __init__(
        self, chances: random.Random, cloud: fake_cloud.FakeCloud
    ) -> None:
        self.random = chances
        self.cloud = cloud
        self.meant = {
            instance
            for host in cloud.hosts
            for instance in cloud.boot(host, instances=2)
        }
        self.people = people.People(chances, cloud, self.meant)
        self._fences = fences.Fences(
            cloud.database, cloud.bmcs, lambda host: None, cloud.clock
        )

    def deeds(self) -> list[Deed]:
        """What may happen next; every third ends a host."""
        deadly = [self.lose_power, self.hang, self.cut_off, self.reset]
        others = self._others()
        return others + deadly * (len(others) // (2 * len(deadly)))

    def _others(self) -> list[Deed]:
        return [
            self.blip,
            self.dark_network,
            self.join,
            self.filter_beats,
            self.filter_udp,
            self.filter_icmp,
            self.lose_bus,
            self.kill_bus,
            self.mute_bmc,
            self.bmc_reads_off,
            self.bmc_reads_on,
            self.bmc_stalls,
            self.bmc_is_slow,
            self.chassis_is_slow,
            self.kill_agent,
            self.list_leftover,
            self.kill_engine,
            self.restart_engines,
            self.deafen_engine,
            self.pause_engine,
            self.part_engine,
            self.break_nova,
            self.break_cinder,
            self.break_placement,
            self.break_keystone,
            self.break_neutron,
            self.break_glance,
            self.lose_answers,
            self.drop_calls,
            self.keep_calls,
            self.jump_clock,
            self.set_clock_back,
            self.set_clock_back_and_kill,
            self.fail_database_over,
            self.lose_commits,
            self.stop_replica,
            *self.people.deeds(),
        ]

    def _host(self) -> fake_cloud.FakeHost:
        return self.random.choice(list(self.cloud.hosts.values()))

    # Hosts and networks.

    def lose_power(self) -> str:
        host = self._host()
        host.lose_power_supply()
        return host.name

    def reset(self) -> str:
        """As a watchdog does: off and on again."""
        host = self._host()
        if host.bmc_reads is None:
            host.host.power_off()
            host.host.power_on()
        return host.name

    def blip(self) -> str:
        """The whole site loses power, and gets it back."""
        for host in self.cloud.hosts.values():
            host.host.power_off()
            host.bmc_reads = None
        for engine in self.cloud.engines.values():
            engine.alive = False
        self.cloud.tick(BLIP_SECONDS)
        for host in self.cloud.hosts.values():
            host.host.power_on()
        self.restart_engines()
        return 'the site'

    def hang(self) -> str:
        host = self._host()
        host.hang()
        return host.name

    def cut_off(self) -> str:
        host = self._host()
        host.lose_network()
        return host.name

    def dark_network(self) -> str:
        host = self._host()
        host.lose_network(fake_cloud.NETWORKS[0])
        return host.name

    def join(self) -> str:
        host = self._host()
        host.join_network()
        return host.name

    def filter_beats(self) -> str:
        """A firewall drops beats and pings; the message bus works."""
        host = self._host()
        host.filtered = not host.filtered
        return host.name

    def filter_udp(self) -> str:
        host = self._host()
        host.beats_filtered = not host.beats_filtered
        return host.name

    def filter_icmp(self) -> str:
        host = self._host()
        host.pings_filtered = not host.pings_filtered
        return host.name

    def lose_bus(self) -> str:
        host = self._host()
        host.bus_lost = not host.bus_lost
        return host.name

    def kill_bus(self) -> str:
        self.cloud.bus.dead = not self.cloud.bus.dead
        return f'dead: {self.cloud.bus.dead}'

    def kill_agent(self) -> str:
        host = self._host()
        host.agent_killed = True
        return host.name

    def list_leftover(self) -> str:
        """A domain without a guest, as an ended migration leaves one."""
        host = self._host()
        server = self.random.choice(list(self.cloud.nova.servers.values()))
        seconds = self.random.choice((10, 60, 300))
        until = self.cloud.clock.monotonic() + seconds
        host.host.leftovers[server.uuid] = until
        return f'{host.name} {server.name} {seconds}'

    # BMCs: one trouble at a time, as two of them leave nothing to prove by.

    def _bmc(self) -> fake_cloud.FakeHost:
        host = self._host()
        mend_bmc(host)
        return host

    def mute_bmc(self) -> str:
        host = self._bmc()
        host.bmc_mute = True
        return host.name

    def bmc_reads_off(self) -> str:
        """Whatever is true; it still obeys."""
        host = self._bmc()
        host.bmc_reads = fencing.PowerState.OFF
        return host.name

    def bmc_reads_on(self) -> str:
        host = self._bmc()
        host.bmc_reads = fencing.PowerState.ON
        return host.name

    def bmc_stalls(self) -> str:
        """It is mute after it has obeyed."""
        host = self._bmc()
        host.bmc_stall_seconds = self.random.choice((5, 20, 60))
        return f'{host.name} {host.bmc_stall_seconds}'

    def bmc_is_slow(self) -> str:
        """It answers no look at once."""
        host = self._bmc()
        host.bmc_seconds = self.random.choice((1, 3, 8))
        return f'{host.name} {host.bmc_seconds}'

    def chassis_is_slow(self) -> str:
        host = self._bmc()
        host.chassis_seconds = self.random.choice((3, 12, 45))
        return f'{host.name} {host.chassis_seconds}'

    def cross_wires(self) -> str:
        """Two rows lead to one BMC."""
        host, other = self.random.sample(list(self.cloud.hosts.values()), 2)
        host.bmc_of = other.name
        return f'{host.name} has the BMC of {other.name}'

    # Engines.

    def _engine(self) -> fake_cloud.FakeEngine:
        found = self.random.choice(list(self.cloud.engines.values()))
        assert isinstance(found, fake_cloud.FakeEngine)
        return found

    def kill_engine(self) -> str:
        moment = self.random.choice(('before', 'after'))
        ahead = self.random.randint(1, 4)
        self.cloud.kill_at = (self.cloud.steps + ahead, moment)
        return f'{moment} step {self.cloud.steps + ahead}'

    def restart_engines(self) -> str:
        for name, engine in list(self.cloud.engines.items()):
            if not engine.alive:
                self.cloud.start_engine(name)
        return 'the dead ones'

    def deafen_engine(self) -> str:
        engine = self._engine()
        engine.ears.cut_off = not engine.ears.cut_off
        return engine.name

    def pause_engine(self) -> str:
        engine = self._engine()
        seconds = self.random.choice((2, 8, 40))
        engine.paused_until = engine.clock.monotonic() + seconds
        return f'{engine.name} {seconds}'

    def part_engine(self) -> str:
        """From hosts and BMCs, or from the BMCs alone."""
        engine = self._engine()
        engine.view.no_bmcs = True
        if self.random.random() < 0.5:
            engine.view.apart = set(self.cloud.hosts)
        return engine.name

    # Nova, Placement, Cinder, the database.

    def break_nova(self) -> str:
        broken = self.cloud.compute.failing is not None
        self.cloud.compute.failing = None if broken else fake_cloud.no_answer()
        return f'well: {broken}'

    def break_cinder(self) -> str:
        """Each evacuation fails while it is away."""
        nova = self.cloud.nova
        nova.cinder_is_up = not nova.cinder_is_up
        return f'well: {nova.cinder_is_up}'

    def break_placement(self) -> str:
        broken = self.cloud.compute.placement_failing is not None
        self.cloud.compute.placement_failing = (
            None
            if broken
            else exception.NovaFailed('ask Placement', '500 injected')
        )
        return f'well: {broken}'

    def break_keystone(self) -> str:
        """Nobody can log in: no call reaches Nova or Placement."""
        nova = self.cloud.nova
        nova.keystone_is_up = not nova.keystone_is_up
        return f'well: {nova.keystone_is_up}'

    def break_neutron(self) -> str:
        nova = self.cloud.nova
        nova.neutron_is_up = not nova.neutron_is_up
        return f'well: {nova.neutron_is_up}'

    def break_glance(self) -> str:
        nova = self.cloud.nova
        nova.glance_is_up = not nova.glance_is_up
        return f'well: {nova.glance_is_up}'

    def lose_answers(self) -> str:
        answers = self.cloud.compute
        answers.loses_answers = not answers.loses_answers
        return f'lost: {answers.loses_answers}'

    def drop_calls(self) -> str:
        self.cloud.compute.drops_evacuations = self.random.randint(1, 3)
        return str(self.cloud.compute.drops_evacuations)

    def keep_calls(self) -> str:
        number, seconds = self.random.randint(1, 3), self.random.uniform(1, 90)
        self.cloud.compute.keeps_evacuations = (number, seconds)
        return f'{number} for {seconds:.0f} s'

    def jump_clock(self) -> str:
        seconds = self.random.choice((-5, 10, 300))
        self.cloud.clock.jump(seconds)
        return str(seconds)

    def set_clock_back(self) -> str:
        seconds = self.random.choice((60, 600, 3600))
        self.cloud.clock.jump(-seconds)
        return str(seconds)

    def set_clock_back_and_kill(self) -> str:
        """The database's, as an engine dies in the middle of a step."""
        return f'{self.set_clock_back()} {self.kill_engine()}'

    def fail_database_over(self) -> str:
        """To a node that has nothing of the last seconds."""
        seconds = self.random.choice((1, 3, 8))
        kept = self.cloud.database.copy('kept.sqlite')
        self.cloud.tick(seconds)
        self.cloud.database.restore(kept)
        return str(seconds)

    def lose_commits(self) -> str:
        """They take effect, and are reported as failed."""
        number = self.random.randint(1, 5)
        self.cloud.database.loses_answers = number
        return str(number)

    def stop_replica(self) -> str:
        """For a moment engines read old rows."""
        seconds = self.random.choice((0.5, 2, 6))
        self.cloud.database.stop_replica()
        self.cloud.tick(seconds)
        self.cloud.database.start_replica()
        return str(seconds)

    # Mending.

    def mend(self) -> None:
        """Everything works again, but for what is HASS's to mend."""
        self.cloud.kill_at = None
        self.cloud.compute.failing = None
        self.cloud.compute.placement_failing = None
        self.cloud.compute.loses_answers = False
        self.cloud.compute.drops_evacuations = 0
        self.cloud.compute.keeps_evacuations = (0, 0.0)
        nova = self.cloud.nova
        nova.cinder_is_up = nova.neutron_is_up = True
        nova.glance_is_up = nova.keystone_is_up = True
        for server in nova.servers.values():
            server.port_state = 'ACTIVE'
        self.cloud.database.loses_answers = 0
        self.cloud.bus.dead = False
        self.restart_engines()
        for engine in self.cloud.engines.values():
            engine.ears.cut_off = False
            engine.paused_until = 0.0
            engine.view.apart.clear()
            engine.view.no_bmcs = False
        for host in self.cloud.hosts.values():
            host.join_network()
            host.filtered = host.bus_lost = host.agent_killed = False
            host.planned = False
            mend_bmc(host)

    def tend(self, host: str, *, is_held: bool = False) -> None:
        """What its operator does with a host that HASS has done with.

        :param is_held: HASS waits for what ends a hold
        """
        with self.cloud.database.reader() as session:
            known = hosts.get(session, host)
        if known.fence_state is FenceState.LYING:
            self._fences.test(host)
        machine = self.cloud.hosts[host].host
        wrong = (known.fence_wiring or {}).get('found') == 'wrong'
        spare = is_held and not machine.guests
        if (wrong or spare) and not machine.os_running:
            # It is wired well now, which nobody can prove of a hung host; and
            # one that runs nothing is reported, and not fenced.
            machine.power_off()
        machine.power_on()
        row = self.cloud.nova.computes[host]
        if not self.cloud.hosts[host].host.os_running:
            return
        if row.disabled and not (row.disabled_reason or '').startswith(
            'hass:'
        ):
            self.people.update_service(host, {'status': 'enabled'})
        if row.forced_down and self.people.touched:
            self.people.update_service(host, {'forced_down': False})


def mend_bmc(host: fake_cloud.FakeHost) -> None:
    """It is reached, obeys at once, and says what is so."""
    host.bmc_mute = False
    host.bmc_reads = host.bmc_of = None
    host.bmc_stall_seconds = host.bmc_stalled_until = 0.0
    host.bmc_seconds = 0.0
    host.chassis_seconds = 0.0
