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

"""Faults on purpose. Each is told to the ledger and does not wait.

Hosts are compute1 …, engines 1 and 2.
"""

import pathlib
import signal

from hass_oracle.ledger import Kind
from hass_oracle.ledger import Ledger
from tools.minicloud import backends
from tools.minicloud import bmcs
from tools.minicloud import clocks
from tools.minicloud import delays
from tools.minicloud import fabric
from tools.minicloud import hass_services
from tools.minicloud import hosts
from tools.minicloud.lab import address
from tools.minicloud.lab import CONTROLLER
from tools.minicloud.lab import HOST_NETWORKS
from tools.minicloud.lab import Lab
from tools.minicloud.lab import LabError
from tools.minicloud.lab import PORTS
from tools.minicloud.lab import write
from tools.minicloud import processes
from tools.minicloud import stores


def _tell(lab: Lab, kind: str, host: str = '') -> None:
    Ledger(lab.ledger).append(Kind.FAULT, host, detail=kind)


# Hosts


def power_cut(lab: Lab, host: str) -> None:
    """The power supply dies; the BMC reads off afterwards."""
    lab.host(host)
    _tell(lab, 'power_cut', host)
    hosts.power_off(lab, host)


def power_on(lab: Lab, host: str) -> None:
    """Somebody else powers the host on, through its BMC."""
    lab.host(host)
    bmcs.ipmitool(lab, host, 'chassis', 'power', 'on')


def hang(lab: Lab, host: str) -> None:
    """The kernel hangs: nothing runs, nothing is answered."""
    lab.host(host)
    _tell(lab, 'hang', host)
    hosts.freeze(lab, host)


def unhang(lab: Lab, host: str) -> None:
    """The hang passes (a power cycle ends it too)."""
    lab.host(host)
    hosts.thaw(lab, host)


def kernel_panic(lab: Lab, host: str) -> None:
    """The kernel panics, and the one that kdump boots tells the engines."""
    lab.host(host)
    _tell(lab, 'kernel_panic', host)
    hosts.panic(lab, host, [address(name) for name in lab.engines])


def power_cycle(lab: Lab, host: str) -> None:
    """Somebody else cycles the host's power, through its BMC."""
    lab.host(host)
    bmcs.ipmitool(lab, host, 'chassis', 'power', 'cycle')


def cut(
    lab: Lab, host: str, networks: tuple[str, ...] = HOST_NETWORKS
) -> None:
    """Pull cables of a host at the switch; not the BMC's."""
    lab.host(host)
    _tell(lab, f'cut {" ".join(networks)}', host)
    fabric.set_links(host, networks, 'down')


def join(
    lab: Lab, host: str, networks: tuple[str, ...] = HOST_NETWORKS
) -> None:
    """Plug the cables in again."""
    lab.host(host)
    fabric.set_links(host, networks, 'up')


def lose(lab: Lab, host: str, percent: int) -> None:
    """Lose so many packets of a host, each way; 0 for none."""
    lab.host(host)
    if percent:
        _tell(lab, f'lose {percent} %', host)
    fabric.set_loss(host, percent)


def delay(
    lab: Lab, host: str, networks: tuple[str, ...] = HOST_NETWORKS
) -> None:
    """Let packets of a host take 0.1 to 0.9 s longer, each way."""
    lab.host(host)
    _tell(lab, f'delay {" ".join(networks)}', host)
    delays.lay(lab, host, networks)


def undelay(lab: Lab, host: str) -> None:
    lab.host(host)
    delays.take(lab, host)


def agents_restart(lab: Lab) -> None:
    """All agents are restarted in good order, as for an upgrade."""
    _tell(lab, 'agents_restart')
    for host in lab.hosts:
        processes.send(hosts.agents(host)[:1], signal.SIGTERM)


def agents_kill9(lab: Lab) -> None:
    """All agents are killed; their hosts start them again."""
    _tell(lab, 'agents_kill9')
    for pids in [hosts.agents(host) for host in lab.hosts]:
        processes.send(pids, signal.SIGKILL)


def switch_down(lab: Lab) -> None:
    """The switch of all hosts dies; engines and BMCs have another."""
    _tell(lab, 'switch_down')
    for host in lab.hosts:
        fabric.set_links(host, HOST_NETWORKS, 'down')


def switch_up(lab: Lab) -> None:
    for host in lab.hosts:
        fabric.set_links(host, HOST_NETWORKS, 'up')


def spawn_seconds(lab: Lab, host: str, seconds: float) -> None:
    """Let every start of a guest there take so long; 0 for no delay."""
    path = lab.host(host) / 'spawn_seconds'
    if seconds:
        write(path, f'{seconds}\n')
    else:
        path.unlink(missing_ok=True)


# Clocks


def own_clock(lab: Lab, name: str) -> None:
    """Restart what runs on a host or engine, with a clock of its own."""
    clocks.give(lab, name)
    if name in lab.engines:
        hass_services.restart_engine(lab, name)
    else:
        hosts.set_environment(lab, name, clocks.environment(lab, name))


def common_clock(lab: Lab, name: str) -> None:
    """Take a clock of its own away again, if it has one."""
    had = clocks.environment(lab, name)
    if not had:
        return
    clocks.take(lab, name)
    if name in lab.engines:
        hass_services.restart_engine(lab, name)
    else:
        hosts.set_environment(lab, name, dict.fromkeys(had))


def clock_jump(lab: Lab, name: str, seconds: int) -> None:
    """Let the own clock of a host or engine be so much ahead, at once."""
    _tell(lab, f'clock_jump {seconds} {name}')
    clocks.set_ahead(lab, name, seconds)


# BMCs


def bmc_mute(lab: Lab, host: str) -> None:
    """The BMC neither hears nor answers."""
    lab.host(host)
    _tell(lab, 'bmc_mute', host)
    (lab.host(host) / 'bmc_mute').touch()
    _apply_mutes(lab)


def bmc_unmute(lab: Lab, host: str) -> None:
    (lab.host(host) / 'bmc_mute').unlink(missing_ok=True)
    _apply_mutes(lab)


def _apply_mutes(lab: Lab) -> None:
    fabric.set_deaf_bmcs(
        [host for host in lab.hosts if (lab.host(host) / 'bmc_mute').exists()]
    )


def bmc_lie(lab: Lab, host: str) -> None:
    """The BMC reads off, and its orders reach nobody: wrong wiring."""
    _tell(lab, 'bmc_lie', host)
    (lab.host(host) / 'lie').touch()


def bmc_honest(lab: Lab, host: str) -> None:
    (lab.host(host) / 'lie').unlink(missing_ok=True)


def sensor(
    lab: Lab, host: str, value: float, name: str = bmcs.CPU_TEMP
) -> None:
    """Let a sensor of the host read so much; CPU: 45 is cool, 95 critical."""
    lab.host(host)
    if value != bmcs.COOL:
        _tell(lab, f'sensor {name} {value}', host)
    write(bmcs.sensor_file(lab, host, name), f'{value:g}\n')


# Engines


def _engine(lab: Lab, number: int) -> str:
    name = f'engine{number}'
    if name not in lab.engines:
        raise LabError(f'{number} is not one of 1, 2')
    return name


def cut_engine(
    lab: Lab, number: int, networks: tuple[str, ...] = HOST_NETWORKS
) -> None:
    """Cut an engine off; it still reaches the BMCs unless 'bmc' is named."""
    _tell(lab, f'cut_engine {number}')
    fabric.set_links(_engine(lab, number), networks, 'down')


def join_engine(lab: Lab, number: int) -> None:
    networks = (*HOST_NETWORKS, 'bmc')
    fabric.set_links(_engine(lab, number), networks, 'up')


def engine_kill9(lab: Lab, number: int) -> None:
    """kill -9 the engine, not its children: they must notice."""
    pid = processes.pid_of(lab, f'hass-{_engine(lab, number)}')
    _tell(lab, f'engine_kill9 {number}')
    if pid is not None:
        processes.send([pid], signal.SIGKILL)


def engine_stop_signal(lab: Lab, number: int) -> None:
    """SIGSTOP: the engine freezes in mid-step."""
    _tell(lab, f'engine_stop {number}')
    _signal_engine(lab, number, signal.SIGSTOP)


def engine_cont(lab: Lab, number: int) -> None:
    _signal_engine(lab, number, signal.SIGCONT)


def engine_start(lab: Lab, number: int) -> None:
    """Start an engine that was killed."""
    hass_services.start_engine(lab, _engine(lab, number))


def _signal_engine(lab: Lab, number: int, signum: int) -> None:
    """Everything in the engine's namespace is the engine."""
    processes.send(processes.members(_engine(lab, number)), signum)


# The cloud


def rabbit_kill9(lab: Lab) -> None:
    _tell(lab, 'rabbit_kill9')
    backends.kill_rabbitmq(lab)


def rabbit_start(lab: Lab) -> None:
    """Start RabbitMQ again, and wait until it listens."""
    backends.start_rabbitmq(lab)
    port = PORTS['rabbitmq']
    processes.await_port(lab, 'controller', CONTROLLER, port, 'rabbitmq')


def stores_up(lab: Lab) -> None:
    """Let HASS see hosts by ZooKeeper, memcached and etcd as well."""
    stores.up(lab)


def stores_down(lab: Lab) -> None:
    """No longer, if it does."""
    stores.down(lab)


def store_kill9(lab: Lab, name: str) -> None:
    """kill -9 zookeeper, memcached or etcd."""
    _tell(lab, f'store_kill9 {name}')
    stores.kill(lab, name)


def store_start(lab: Lab, name: str) -> None:
    """Start a store that was killed, and wait until it listens."""
    stores.start(lab, name)


def nova_api_500(lab: Lab, on: bool) -> None:
    """Let nova-api answer 500 to everything, or no longer."""
    flag = lab.run / 'nova-api-500'
    if on:
        _tell(lab, 'nova_api_500')
        flag.touch()
    else:
        flag.unlink(missing_ok=True)


def nova_api_slow(lab: Lab, seconds: float) -> None:
    """Let nova-api take so much longer for each answer; 0 for no longer."""
    path = lab.run / 'nova-api-slow'
    if seconds:
        _tell(lab, f'nova_api_slow {seconds}')
        write(path, f'{seconds}\n')
    else:
        path.unlink(missing_ok=True)


def nova_api_sigstop(lab: Lab) -> None:
    """Freeze all processes of nova-api."""
    _tell(lab, 'nova_api_sigstop')
    processes.send(_nova_api(lab), signal.SIGSTOP)


def nova_api_sigcont(lab: Lab) -> None:
    nova_api_stop_flag(lab).unlink(missing_ok=True)
    processes.send(_nova_api(lab), signal.SIGCONT)


def nova_api_stop_at_evacuate(lab: Lab) -> None:
    """Freeze one worker of nova-api, when it has received an evacuate call.

    The flag file of nova_api_stop_flag() is gone when that has happened.
    """
    _tell(lab, 'nova_api_stop_at_evacuate')
    nova_api_stop_flag(lab).touch()


def nova_api_stop_flag(lab: Lab) -> pathlib.Path:
    return lab.run / 'nova-api-stop'


def _nova_api(lab: Lab) -> list[int]:
    pid = processes.pid_of(lab, 'nova-api')
    if pid is None:
        raise LabError('nova-api does not run')
    return processes.family(pid, processes.members('controller'))
