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

"""What may happen to a host."""

import functools

from hass.db import notifications
from hass import faults
from hass.fencing import base as fencing
from hass.simulation import nova_rows
from hass.simulation.scenario import instance_deeds
from hass.simulation.scenario.phrases import Phrase
from hass.simulation.scenario.stage import Stage
from hass.simulation.virtual import hosts as hosts_
from hass.simulation.virtual import units

Host = hosts_.Host
REBOOT_SECONDS = 2.0
RESTART_SECONDS = 2.0
PANIC_SECONDS = 5.0


def lose_power(stage: Stage, host: Host) -> None:
    host.lose_power_supply()


def lose_power_and_bmc(stage: Stage, host: Host) -> None:
    host.power_supply, host.bmc_mute = False, True
    host.lose_power_supply()


def get_power_back(stage: Stage, host: Host) -> None:
    host.power_supply, host.bmc_mute = True, False


def power_on(stage: Stage, host: Host) -> None:
    host.host.power_on()


def hang(stage: Stage, host: Host) -> None:
    host.hang()


def hang_for(stage: Stage, host: Host, seconds: float) -> None:
    host.hang()
    stage.later(seconds, lambda stage: host.host.wake())


def wake(stage: Stage, host: Host) -> None:
    host.host.wake()


def reset(stage: Stage, host: Host) -> None:
    """As a watchdog does: off and on again."""
    host.host.power_off()
    host.host.power_on()


def panic(stage: Stage, host: Host) -> None:
    """fence_kdump tells the engines that can be reached."""
    host.hang()
    for engine in stage.cloud.engines.values():
        engine.hear_panic(host)


def panic_and_reboot(stage: Stage, host: Host) -> None:
    panic(stage, host)
    stage.later(PANIC_SECONDS, lambda stage: reset(stage, host))


def reboot(stage: Stage, host: Host) -> None:
    """On purpose: its agent is stopped with everything else."""
    stage.cloud.say_goodbye(host)
    stage.later(REBOOT_SECONDS, lambda stage: reset(stage, host))


# Networks.


def lose_networks(stage: Stage, host: Host, networks: list[str]) -> None:
    host.lose_network(*networks)


def lose_all_networks(stage: Stage, host: Host) -> None:
    host.lose_network()


def join_networks(stage: Stage, host: Host, networks: list[str]) -> None:
    host.join_network(*networks)


def join_all_networks(stage: Stage, host: Host) -> None:
    host.join_network()


def filter_beats(stage: Stage, host: Host) -> None:
    """A firewall drops beats and pings; the message bus works."""
    host.filtered = True


def unfilter(stage: Stage, host: Host) -> None:
    host.filtered = False


def filter_udp(stage: Stage, host: Host) -> None:
    host.beats_filtered = True


def filter_icmp(stage: Stage, host: Host) -> None:
    host.pings_filtered = True


def lose_beats(
    stage: Stage, host: Host, share: float, networks: list[str]
) -> None:
    for network in networks:
        host.noise[network].loss = share


def lose_beats_everywhere(stage: Stage, host: Host, share: float) -> None:
    lose_beats(stage, host, share, list(host.networks))


def delay(stage: Stage, host: Host, seconds: float) -> None:
    """By so much, give or take four fifths of it."""
    for noise in host.noise.values():
        noise.delay, noise.spread = seconds, seconds * 0.8


def calm(stage: Stage, host: Host) -> None:
    for network in host.networks:
        host.noise[network] = hosts_.Noise()


# The agent.


def kill_agent(stage: Stage, host: Host) -> None:
    host.agent_killed = True


def start_agent(stage: Stage, host: Host) -> None:
    host.agent_killed = host.planned = False


def stop_agent(stage: Stage, host: Host) -> None:
    stage.cloud.say_goodbye(host)


def restart_agent(stage: Stage, host: Host) -> None:
    stage.cloud.say_goodbye(host)
    stage.later(RESTART_SECONDS, lambda stage: start_agent(stage, host))


def set_clock_ahead(stage: Stage, host: Host, seconds: float) -> None:
    host.clock_jump += seconds


def set_clock_back(stage: Stage, host: Host, seconds: float) -> None:
    host.clock_jump -= seconds


# The BMC, the hardware, Nova.


def lose_bmc(stage: Stage, host: Host) -> None:
    host.bmc_mute = True


def get_bmc_back(stage: Stage, host: Host) -> None:
    host.bmc_mute = host.bmc_deaf = False
    host.bmc_reads = None
    host.bmc_seconds = 0.0


def read_off(stage: Stage, host: Host) -> None:
    host.bmc_reads = fencing.PowerState.OFF


def read_on(stage: Stage, host: Host) -> None:
    host.bmc_reads = fencing.PowerState.ON


def ignore_commands(stage: Stage, host: Host) -> None:
    host.bmc_deaf = True


def stall(stage: Stage, host: Host, seconds: float) -> None:
    host.bmc_stall_seconds = seconds


def slow_chassis(stage: Stage, host: Host, seconds: float) -> None:
    host.chassis_seconds = seconds


def slow_bmc(stage: Stage, host: Host, seconds: float) -> None:
    host.bmc_seconds = seconds


def wire(stage: Stage, host: Host, name: str) -> None:
    if name not in stage.cloud.hosts:
        raise ValueError(f'there is no host {name}')
    host.bmc_of = name


def lose_guid(stage: Stage, host: Host) -> None:
    host.bmc_guid = None


def take_no_marks(stage: Stage, host: Host) -> None:
    host.bmc_mark = None


def lose_bus(stage: Stage, host: Host) -> None:
    host.bus_lost = True


def join_bus(stage: Stage, host: Host) -> None:
    host.bus_lost = False


def list_domain(stage: Stage, host: Host, name: str, seconds: float) -> None:
    """A domain without a guest, as an ended migration leaves one."""
    uuid = instance_deeds.server(stage, name).uuid
    until = stage.cloud.clock.monotonic() + seconds
    host.host.leftovers[uuid] = until


def force_down(stage: Stage, host: Host) -> None:
    _update_service(stage, host, {'forced_down': True})


def unforce(stage: Stage, host: Host) -> None:
    _update_service(stage, host, {'forced_down': False})


def _update_service(
    stage: Stage, host: Host, change: dict[str, object]
) -> None:
    row = stage.cloud.nova.computes[host.name]
    with stage.asking_nova():
        stage.cloud.nova.update_service(row.uuid, change)


def disable_by_hand(stage: Stage, host: Host) -> None:
    _update_service(
        stage,
        host,
        {'status': 'disabled', 'disabled_reason': 'by an operator'},
    )


def enable_by_hand(stage: Stage, host: Host) -> None:
    _update_service(stage, host, {'status': 'enabled'})


def ail(stage: Stage, host: Host, name: str) -> None:
    host.ailing.append(name)


def heal(stage: Stage, host: Host) -> None:
    host.ailing.clear()


def have(stage: Stage, host: Host, number: int, name: str) -> None:
    """Devices; none are left of 0."""
    host.host.devices[name] = number


def add_network_agent(stage: Stage, host: Host, words: list[str]) -> None:
    compute = stage.cloud.nova.computes[host.name]
    compute.agents.append(nova_rows.NetworkAgent(type=' '.join(words)))


def run_network_agents(works: bool, stage: Stage, host: Host) -> None:
    for agent in stage.cloud.nova.computes[host.name].agents:
        agent.works = works


def see_storage(verdict: faults.Verdict, stage: Stage, host: Host) -> None:
    """Its agent sees it so from now on; its guests feel nothing of it."""
    host.units.storage = verdict


def run_unit(
    path: faults.SidePath,
    run: units.Run,
    sticks: bool,
    stage: Stage,
    host: Host,
) -> None:
    host.units.set(path, run, sticks=sticks)


def forbid_orders(stage: Stage, host: Host) -> None:
    host.units.obeys = False


def disable(stage: Stage, host: Host) -> None:
    compute = stage.cloud.nova.computes[host.name]
    compute.disabled, compute.disabled_reason = True, 'by an operator'


def enable(stage: Stage, host: Host) -> None:
    compute = stage.cloud.nova.computes[host.name]
    compute.disabled, compute.disabled_reason = False, None


def allege(stage: Stage, host: Host, name: str) -> None:
    _allege(stage, host, name, faults.Layer.OS)


def allege_layer(layer: faults.Layer, stage: Stage, host: Host) -> None:
    _allege(stage, host, 'monitor', layer)


def _allege(stage: Stage, host: Host, name: str, layer: faults.Layer) -> None:
    with stage.cloud.database.writer() as session:
        notifications.add(
            session,
            source=name,
            host=host.name,
            layer=layer,
            payload={},
        )


PHRASES = (
    Phrase('loses|lose power', lose_power),
    Phrase('loses|lose power with its|their BMC|BMCs', lose_power_and_bmc),
    Phrase('gets|get power back', get_power_back),
    Phrase('powers|power on', power_on),
    Phrase('hangs|hang', hang),
    Phrase('hangs|hang for SECONDS', hang_for),
    Phrase('wakes|wake up', wake),
    Phrase('panics|panic', panic),
    Phrase('panics|panic and reboots|reboot', panic_and_reboot),
    Phrase('resets|reset', reset),
    Phrase('reboots|reboot', reboot),
    Phrase('loses|lose all networks', lose_all_networks),
    Phrase('loses|lose network|networks NETWORKS', lose_networks),
    Phrase('joins|join all networks', join_all_networks),
    Phrase('joins|join network|networks NETWORKS', join_networks),
    Phrase('has|have beats and pings filtered', filter_beats),
    Phrase('has|have beats filtered', filter_udp),
    Phrase('has|have pings filtered', filter_icmp),
    Phrase('has|have no filter', unfilter),
    Phrase('loses|lose SHARE of beats', lose_beats_everywhere),
    Phrase('loses|lose SHARE of beats on NETWORKS', lose_beats),
    Phrase('is|are delayed by SECONDS', delay),
    Phrase('has|have calm networks', calm),
    Phrase('loses|lose its|their agent|agents', kill_agent),
    Phrase('starts|start its|their agent|agents', start_agent),
    Phrase('stops|stop its|their agent|agents', stop_agent),
    Phrase('restarts|restart its|their agent|agents', restart_agent),
    Phrase('sets|set its|their clock|clocks SECONDS ahead', set_clock_ahead),
    Phrase('sets|set its|their clock|clocks SECONDS back', set_clock_back),
    Phrase('loses|lose its|their BMC|BMCs', lose_bmc),
    Phrase('gets|get its|their BMC|BMCs back', get_bmc_back),
    Phrase('has|have a BMC that reads off', read_off),
    Phrase('has|have a BMC that reads on', read_on),
    Phrase('has|have a BMC that ignores commands', ignore_commands),
    Phrase('has|have a BMC that is mute for SECONDS after obeying', stall),
    Phrase('has|have a chassis that obeys after SECONDS', slow_chassis),
    Phrase('has|have a BMC that answers after SECONDS', slow_bmc),
    Phrase('has|have the BMC of NAME', wire),
    Phrase('has|have a BMC without a GUID', lose_guid),
    Phrase('has|have a BMC that takes no marks', take_no_marks),
    Phrase('loses|lose the message bus', lose_bus),
    Phrase('gets|get the message bus back', join_bus),
    Phrase('lists|list NAME for SECONDS', list_domain),
    Phrase('is|are forced down by a person', force_down),
    Phrase('is|are no longer forced down by a person', unforce),
    Phrase('is|are disabled by a person', disable_by_hand),
    Phrase('is|are enabled by a person', enable_by_hand),
    Phrase('has|have a bad sensor NAME', ail),
    Phrase('has|have good sensors', heal),
    *(
        Phrase(pattern, functools.partial(run_unit, path, run, sticks))
        for path, name in (
            (faults.SidePath.COMPUTE, 'nova-compute'),
            (faults.SidePath.LIBVIRT, 'libvirtd'),
        )
        for pattern, run, sticks in (
            (f'loses|lose its|their {name}', units.Run.FAILED, False),
            (f'loses|lose its|their {name} for good', units.Run.FAILED, True),
            (f'has|have a {name} that hangs', units.Run.HUNG, False),
            (f'stops|stop its|their {name}', units.Run.STOPPED, False),
            (f'starts|start its|their {name}', units.Run.ACTIVE, False),
        )
    ),
    Phrase('has|have NUMBER of NAME', have),
    Phrase('has|have a network agent WORDS', add_network_agent),
    Phrase(
        'loses|lose its|their network agents',
        functools.partial(run_network_agents, False),
    ),
    Phrase(
        'gets|get its|their network agents back',
        functools.partial(run_network_agents, True),
    ),
    *(
        Phrase(pattern, functools.partial(see_storage, verdict))
        for pattern, verdict in (
            ('looks|look at its|their storage', faults.Verdict.HEALTHY),
            ('loses|lose its|their storage', faults.Verdict.FAILED),
            ('gets|get its|their storage back', faults.Verdict.HEALTHY),
        )
    ),
    Phrase('obeys|obey no orders', forbid_orders),
    Phrase('is|are disabled in Nova', disable),
    Phrase('is|are enabled in Nova', enable),
    Phrase('is|are reported by NAME', allege),
    *(
        Phrase(
            f'has|have a fault of {layer} reported',
            functools.partial(allege_layer, layer),
        )
        for layer in faults.Layer
    ),
)
