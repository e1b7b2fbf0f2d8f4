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

"""hass-agent: the agent of this host, and the gate of its services."""

import functools
import getpass
import os
import sys

from oslo_config import cfg
from oslo_service import service as oslo_service

from hass.agent import daemon
from hass.agent import detectors
from hass.agent import gate
from hass.agent.guests import hypervisor
from hass.agent.guests import network
from hass.agent.guests import resumption
from hass.agent.guests import watch
from hass.agent import identity
from hass.agent.instances import ear
from hass.agent import marks
from hass.agent import orders
from hass.agent import restarts
from hass.agent import service
from hass import bmc
from hass import clock
from hass import conf as options
from hass.detection import base
from hass.detection import guests
from hass.detection import panel
from hass.detection import systemd
from hass import exception
from hass import faults
from hass.metrics import listener
from hass import origin
from hass.rpc import api
from hass.rpc import transport

CLI = [
    cfg.StrOpt(
        'action',
        positional=True,
        required=False,
        default='run',
        choices=['run', 'gate'],
        help='run: be the agent of this host. gate: wait until compute '
        'services may start here.',
    ),
    cfg.BoolOpt(
        'force',
        default=False,
        help='With gate: open it at once. Guests may then run twice; for '
        'root only, and it is reported.',
    ),
]


def main() -> None:
    """Until SIGTERM, or until the gate is open."""
    conf = options.prepare(sys.argv[1:], 'hass-agent', CLI)
    try:
        (wait if conf.action == 'gate' else run)(conf)
    except exception.HassError as error:
        sys.exit(f'hass-agent: {error}')


def run(conf: cfg.ConfigOpts) -> None:
    origin.set_up(conf, 'hass-agent', conf.agent.host)
    hands = clock.SystemClock()
    listens = conf.agent.guests == 'libvirt'
    # Its process starts with the first call.
    bmcs = bmc.Bmc(hands, call_seconds=conf.bmc.call_seconds, workers=1)
    agent = service.Agent(
        conf.agent,
        hands,
        api.EngineAPI(transport.connect(conf), conf.agent.call_seconds),
        identity.read(hands, conf.agent),
        guests.choose(conf.agent),
        looker=looker(conf, bmcs),
        ear=ear.Ear(conf.agent.guests_uri, hands) if listens else None,
        watch=watcher(conf) if listens else None,
        doers=doers(conf, listens, bmcs),
    )
    metrics = listener.Listener(conf.metrics, 'agent', [agent.gauges()])
    oslo_service.launch(conf, daemon.Daemon(agent, metrics), no_fork=True)


def watcher(conf: cfg.ConfigOpts) -> service.MakeWatch:
    """What looks at the instances of this host."""
    hands = clock.SystemClock()
    asks = watch.AGENT in conf.agent.guest_looks
    return functools.partial(
        watch.Watch,
        hypervisor.Libvirt(conf.agent.guests_uri, hands, may_write=asks),
        network.HostNetwork(hands),
        hands,
        conf.agent.guest_looks,
    )


def looker(conf: cfg.ConfigOpts, bmcs: bmc.Bmc) -> detectors.Looker:
    """The detectors of this host."""
    hands = clock.SystemClock()
    return detectors.Looker(
        panel.load(base.Tools(conf, hands, bmcs), in_band=True),
        base.Subject(conf.agent.host, networks=dict(conf.agent.beat_networks)),
        hands,
        conf.agent.detectors,
    )


def doers(
    conf: cfg.ConfigOpts, listens: bool, bmcs: bmc.Bmc
) -> dict[str, orders.Doer]:
    """What this agent does when an engine orders it.

    :param listens: it has to do with libvirt
    """
    units = {
        str(faults.SidePath.COMPUTE): conf.agent.compute_unit,
        str(faults.SidePath.LIBVIRT): conf.agent.libvirt_unit,
    }
    found: dict[str, orders.Doer] = {
        'restart': restarts.Restarter(units, systemd.Manager()),
        'mark': marks.Marker(bmcs),
    }
    if listens:
        libvirt = hypervisor.Libvirt(
            conf.agent.guests_uri, clock.SystemClock(), may_write=True
        )
        found['resume'] = resumption.Resumer(libvirt)
    return found


def wait(conf: cfg.ConfigOpts) -> None:
    if conf.force and os.geteuid() != 0:
        raise exception.ConfigError('--force', 'only root may use it')
    gatekeeper = gate.Gate(
        identity.read(clock.SystemClock(), conf.agent),
        api.EngineAPI(transport.connect(conf), conf.agent.call_seconds),
        lambda why: print(f'gate {why}', flush=True),
        poll_seconds=conf.agent.gate_poll_seconds,
        call_seconds=conf.agent.call_seconds,
    )
    if conf.force:
        gatekeeper.force(getpass.getuser())
    else:
        gatekeeper.wait_open()
