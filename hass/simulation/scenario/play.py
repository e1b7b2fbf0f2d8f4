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

"""Plays a scenario from its text to its log."""

import functools
import signal
import tempfile

from oslo_config import cfg

from hass import conf as options
from hass.conf import forms
from hass.db import clusters
from hass.db import hosts as hosts_
from hass.db import recoveries
from hass import exception
from hass.simulation.scenario import log as log_
from hass.simulation.scenario import phrases
from hass.simulation.scenario import stage as stage_
from hass.simulation.scenario import text as text_
from hass.simulation.virtual import cloud as cloud_


def play(text: str) -> str:
    """The log of a scenario: the same text gives the same log.

    :raises phrases.BadLine: the text cannot be understood
    :raises KeyboardInterrupt: SIGINT, which the program blocks, has come
    """
    scenario = text_.parse(text)
    with tempfile.TemporaryDirectory(prefix='hass-simulate-') as folder:
        conf = cloud_.make_conf(folder)
        for name, value in scenario.options:
            _set_option(conf, name, value)
        pager = log_.Pager()
        try:
            cloud = cloud_.Cloud(
                folder,
                conf,
                hosts=scenario.hosts,
                engines=scenario.engines,
                networks=scenario.networks,
                mode=scenario.mode,
                notifier=pager,
                turn_seconds=scenario.step,
                seed=scenario.seed,
            )
        except (ValueError, exception.HassError) as error:
            raise phrases.BadLine(0, str(error)) from None
        try:
            return _play(scenario, cloud, pager)
        finally:
            cloud.close()


def _set_option(conf: cfg.ConfigOpts, name: str, value: str) -> None:
    group, _, option = name.partition('.')
    if group not in options.GROUPS:
        raise phrases.BadLine(
            0,
            f'option {name}: its group is one of {", ".join(options.GROUPS)}',
        )
    try:
        conf.set_override(option, value, group)
    except (cfg.NoSuchOptError, cfg.NoSuchGroupError):
        raise phrases.BadLine(
            0, f'there is no option {name}: say GROUP.NAME'
        ) from None
    except ValueError as error:
        (known,) = (
            one for one in options.options(group) if one.dest == option
        )
        raise phrases.BadLine(
            0,
            f'option {name}: {value!r}: {forms.plain(error)}; must be '
            f'{forms.of(known)}',
        ) from None


def _play(
    scenario: text_.Scenario, cloud: cloud_.Cloud, pager: log_.Pager
) -> str:
    _furnish(scenario, cloud)
    stage = stage_.Stage(cloud)
    log = log_.Log(cloud, pager, stage.seconds)
    stage.tell = log.tell
    for event in scenario.events:
        stage.at(event.seconds, functools.partial(_happen, event, log))
    while stage.seconds() < scenario.run:
        if signal.SIGINT in signal.sigpending():
            raise KeyboardInterrupt
        stage.act()
        cloud.tick(scenario.step, scenario.step)
        log.look()
    return '\n'.join([*log.lines, *_end(cloud), ''])


def _happen(event: text_.Event, log: log_.Log, stage: stage_.Stage) -> None:
    log.tell(f'> {event.text}')
    try:
        with stage.asking_nova():
            event.act(stage)
    except (ValueError, exception.HassError) as error:
        raise phrases.BadLine(event.line, str(error)) from None
    log.go_back()


def _furnish(scenario: text_.Scenario, cloud: cloud_.Cloud) -> None:
    with cloud.database.writer() as session:
        clusters.update(
            session,
            cloud.cluster.uuid,
            shared_storage=scenario.shared_storage,
            targets=scenario.targets,
            protects=scenario.protects,
            layers=scenario.layers,
            isolation=scenario.isolation,
        )
        for host, key, value in scenario.labels:
            row = hosts_.get(session, host)
            row.labels = {**row.labels, key: value}
    key = cloud.conf.protection.metadata_key
    for number, host, kind in scenario.instances:
        cloud.boot(
            host,
            number,
            protected=kind is text_.Guests.CHOSEN,
            metadata={key: 'true'} if kind is text_.Guests.TAGGED else None,
            prefix='amphora-' if kind is text_.Guests.AMPHORAE else '',
        )
    for host, number in scenario.rooms:
        cloud.nova.computes[host].capacity = number
    cloud.nova.advance()


# The end.


def _end(cloud: cloud_.Cloud) -> list[str]:
    """What the oracle says, and how hosts and recoveries stand."""
    return [
        f'end: {line}'
        for line in (
            *_instances(cloud),
            *_hosts(cloud),
            *_recoveries(cloud),
            *_breaches(cloud),
        )
    ]


def _instances(cloud: cloud_.Cloud) -> list[str]:
    running = cloud.verdict().running
    servers = [one for one in cloud.nova.servers.values() if not one.deleted]
    once = sum(len(running.get(one.uuid, ())) == 1 for one in servers)
    lines = [f'{once} of {len(servers)} instances run once']
    for server in servers:
        places = running.get(server.uuid, [])
        if len(places) != 1:
            where = 'on ' + ' and '.join(places) if places else 'nowhere'
            lines.append(
                f'{server.name} runs {where}, Nova says {server.vm_state}'
            )
    return lines


def _hosts(cloud: cloud_.Cloud) -> list[str]:
    strange = {
        name: state for name in cloud.hosts if (state := _state(cloud, name))
    }
    well = len(cloud.hosts) - len(strange)
    return [f'{well} of {len(cloud.hosts)} hosts are in service'] + [
        f'{name} is {", ".join(state)}' for name, state in strange.items()
    ]


def _state(cloud: cloud_.Cloud, name: str) -> list[str]:
    compute, host = cloud.nova.computes[name], cloud.hosts[name].host
    words = {
        'off': not host.is_on,
        'not running': host.is_on and not host.os_running,
        'forced down': compute.forced_down,
        'disabled': compute.disabled,
    }
    return [word for word, true in words.items() if true]


def _recoveries(cloud: cloud_.Cloud) -> list[str]:
    names = {one.uuid: one.name for one in cloud.nova.servers.values()}
    with cloud.database.reader() as session:
        found = recoveries.open_ones(session)
    return [
        f'{names.get(one.subject, one.subject)} {one.workflow} is {one.state}'
        + (f' ({one.held_kind})' if one.held_kind else '')
        for one in found
    ]


def _breaches(cloud: cloud_.Cloud) -> list[str]:
    verdict = cloud.verdict()
    breaches = [
        *(('started twice', one) for one in verdict.started_twice),
        *(('evacuated unfenced', one) for one in verdict.evacuated_unfenced),
        *(('impossible', one) for one in verdict.impossible),
        *(('runs', one) for one in verdict.runs_deleted),
    ]
    names = {one.uuid: one.name for one in cloud.nova.servers.values()}
    return [
        f'THE ORACLE OBJECTS: {names.get(one.instance, one.instance)} on '
        f'{one.host} {what}: {one.why}'
        for what, one in breaches
    ] or ['the oracle objects to nothing']
