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

"""The one door to Nova: services, servers, evacuations, migrations."""

from keystoneauth1 import exceptions as ks
from keystoneauth1 import identity
from keystoneauth1 import loading
from keystoneauth1 import session as ks_session
from oslo_config import cfg

from hass import clock as hass_clock
from hass.conf import nova as options
from hass import exception
from hass.fencing.absence import DomainAbsent
from hass.nova import beside as beside_
from hass.nova.client import Nova
from hass.nova.compute import Beside
from hass.nova.compute import Compute
from hass.nova.compute import DAEMONS
from hass.nova.compute import disabled_by
from hass.nova.compute import KEPT
from hass.nova.compute import kept_for
from hass.nova.compute import mark
from hass.nova.compute import usable_hosts
from hass.nova import door
from hass.nova import network
from hass.nova import placement
from hass.nova.proofs import ABSENCE_SECONDS
from hass.nova.proofs import must_prove
from hass.nova.proofs import Proof
from hass.nova.proofs import PROOF_SECONDS
from hass.nova.proofs import UNKNOWN_HOST
from hass.nova.records import Action
from hass.nova.records import Aggregate
from hass.nova.records import Daemon
from hass.nova.records import Flavor
from hass.nova.records import Migration
from hass.nova.records import NetworkAgent
from hass.nova.records import Port
from hass.nova.records import Server
from hass.nova.records import Service
from hass.nova.records import Versions

__all__ = [
    'ABSENCE_SECONDS',
    'Action',
    'Aggregate',
    'Beside',
    'Compute',
    'DAEMONS',
    'Daemon',
    'Flavor',
    'DomainAbsent',
    'KEPT',
    'Migration',
    'NetworkAgent',
    'Nova',
    'PROOF_SECONDS',
    'Port',
    'Proof',
    'Server',
    'Service',
    'UNKNOWN_HOST',
    'Versions',
    'catalog_types',
    'connect',
    'disabled_by',
    'kept_for',
    'mark',
    'must_prove',
    'usable_hosts',
]


def connect(conf: cfg.ConfigOpts, clock: hass_clock.Clock) -> Nova:
    """Nova as [nova] describes it. Nothing is sent yet.

    :raises ConfigError: an option is missing or cannot be used
    """
    group = conf[options.GROUP]
    session = _session(conf)
    anywhere = {
        'interface': group.valid_interfaces or ['internal', 'public'],
        'region_name': group.region_name,
    }
    where = anywhere | {
        'service_type': group.service_type or 'compute',
        'service_name': group.service_name,
        'endpoint_override': group.endpoint_override,
    }
    seconds = (group.call_seconds, group.answer_seconds)
    beside = anywhere | {
        'service_type': 'placement',
        'endpoint_override': group.placement_endpoint_override,
    }
    networks = anywhere | {
        'service_type': 'network',
        'endpoint_override': group.network_endpoint_override,
    }
    return Nova(
        door.Door(session, where, *seconds),
        placement.Placement(placement.Door(session, beside, *seconds)),
        network.Network(network.Door(session, networks, *seconds)),
        beside_.Neighbours(
            session,
            anywhere,
            {Beside.NEUTRON: group.network_endpoint_override},
            *seconds,
        ),
        clock,
        group.evacuate_microversion,
    )


def catalog_types(conf: cfg.ConfigOpts) -> frozenset[str]:
    """The types of all services in the catalog that [nova] logs in to.

    :raises ConfigError: an option is missing or cannot be used
    :raises NovaError: Keystone does not answer, or does not let us in
    """
    session = _session(conf)
    if not isinstance(session.auth, identity.BaseIdentityPlugin):
        return frozenset()
    with door.said_by('read the catalog'):
        access = session.auth.get_access(session)
    found = access.service_catalog.catalog
    return frozenset(str(service.get('type')) for service in found)


def _session(conf: cfg.ConfigOpts) -> ks_session.Session:
    """Logs in as [nova] says, when something is first asked for."""
    group = conf[options.GROUP]
    try:
        auth = loading.load_auth_from_conf_options(conf, options.GROUP)
    except ks.MissingRequiredOptions as error:
        names = ', '.join(sorted(one.dest for one in error.options))
        raise exception.ConfigError(f'[nova] {names}', 'must be set') from None
    except ks.NoMatchingPlugin:
        raise exception.ConfigError(
            '[nova] auth_type',
            f'{group.auth_type!r} is no known way to log in; allowed are '
            + ', '.join(sorted(loading.get_available_plugin_names())),
        ) from None
    if auth is None:
        raise exception.ConfigError(
            '[nova] auth_type', 'must be set, password as a rule'
        )
    return ks_session.Session(
        auth=auth,
        verify=False if group.insecure else group.cafile or True,
        cert=_certificate(group),
        timeout=group.answer_seconds,
        split_loggers=group.split_loggers,
    )


def _certificate(group: cfg.ConfigOpts) -> str | tuple[str, str] | None:
    if group.certfile and group.keyfile:
        return (group.certfile, group.keyfile)
    certificate: str | None = group.certfile
    return certificate
