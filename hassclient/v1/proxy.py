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

"""Everything the API can be asked for, as calls."""

from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
import functools
import logging
from typing import Any
from typing import TypeVar
from urllib import parse

from keystoneauth1 import exceptions as ks
from keystoneauth1 import identity
from openstack import connection
from openstack import exceptions
from openstack import proxy
import requests

from hassclient.v1 import cluster
from hassclient.v1 import host
from hassclient.v1 import instance
from hassclient.v1 import loss
from hassclient.v1 import notification
from hassclient.v1 import protection
from hassclient.v1 import recovery
from hassclient.v1 import resource
from hassclient.v1 import service

LOG = logging.getLogger(__name__)
SERVICE_TYPE = 'hass'
FORMER_SERVICE_TYPE = 'ha'
"""An alias of Masakari's type: this release still finds HASS by it."""
Json = Mapping[str, Any]
Kind = TypeVar('Kind', bound=resource.Resource)


def of(cloud: connection.Connection, version: str | None = None) -> 'Proxy':
    """The API of HASS in a cloud, where its catalog has it.

    :param version: the microversion that is spoken
    :raises keystoneauth1.exceptions.EndpointNotFound: the catalog has it not
    """
    where: dict[str, Any] = {
        'interface': cloud.config.get_interface(SERVICE_TYPE),
        'region_name': cloud.config.get_region_name(SERVICE_TYPE),
    }
    auth, kind = cloud.session.auth, SERVICE_TYPE
    if isinstance(auth, identity.BaseIdentityPlugin):
        catalog = auth.get_access(cloud.session).service_catalog
        kind = service_type(catalog.get_endpoints_data(**where).get)
    made = Proxy(
        session=cloud.session,
        service_type=kind,
        min_version='1',
        max_version='1.latest',
        default_microversion=version,
        **where,
    )
    # As openstacksdk does for services that it knows itself.
    made._connection = cloud
    return made


def service_type(is_offered: Callable[[str], object]) -> str:
    """The type of HASS in a catalog.

    :param is_offered: whether the catalog has an endpoint of just that type
    :raises keystoneauth1.exceptions.EndpointNotFound: it has it not
    """
    if is_offered(SERVICE_TYPE):
        return SERVICE_TYPE
    if is_offered(FORMER_SERVICE_TYPE):
        _warn_of_former_type()
        return FORMER_SERVICE_TYPE
    raise ks.EndpointNotFound(
        f'there is no endpoint of type {SERVICE_TYPE} in the catalog of this '
        'cloud'
    )


@functools.cache
def _warn_of_former_type() -> None:
    """Once in the life of a process."""
    LOG.warning(
        'HASS stands in the catalog of this cloud as a service of type %s, '
        'which is another name of the type of Masakari; the next release '
        'looks for the type %s only: an operator has to register it as that',
        FORMER_SERVICE_TYPE,
        SERVICE_TYPE,
    )


class Proxy(proxy.Proxy):
    """The API of HASS.

    Clusters and hosts are given by name or uuid, the others by uuid. Each
    call raises openstack.exceptions.HttpException when the API says no,
    SDKException when it is asked for an empty name, and those of keystoneauth1
    when it cannot be asked. The answers of lists are generators, which ask
    for the next page when they come to it. Those that have pages take since
    (ISO 8601), sort_key and sort_dir (asc or desc) as well.

    Unless default_microversion is set, the newest that both sides know is
    spoken.
    """

    def clusters(self, **query: Any) -> Iterator[cluster.Cluster]:
        """:param query: name, mode, limit, marker"""
        return self._pages(cluster.Cluster, query)

    def create_cluster(self, **fields: Any) -> cluster.Cluster:
        """Its hosts come with their agent keys, which are told only once."""
        return self._secretly(cluster.Cluster, 'POST', 'clusters', fields)

    def get_cluster(self, ref: str) -> cluster.Cluster:
        return self._one(cluster.Cluster, 'GET', f'clusters/{_quoted(ref)}')

    def update_cluster(self, ref: str, **fields: Any) -> cluster.Cluster:
        path = f'clusters/{_quoted(ref)}'
        return self._one(cluster.Cluster, 'PATCH', path, fields)

    def delete_cluster(self, ref: str) -> None:
        self._ask('DELETE', f'clusters/{_quoted(ref)}')

    def hosts(
        self, cluster: str | None = None, **query: Any
    ) -> Iterator[host.Host]:
        """:param cluster: only those of this one"""
        if cluster is None:
            return self._pages(host.Host, query)
        path = f'/clusters/{_quoted(cluster)}/hosts'
        return self._pages(host.Host, query, path)

    def add_host(self, cluster: str, **fields: Any) -> host.Host:
        """It comes with the agent key, which is told only once."""
        path = f'clusters/{_quoted(cluster)}/hosts'
        return self._secretly(host.Host, 'POST', path, fields)

    def get_host(self, ref: str) -> host.Host:
        return self._one(host.Host, 'GET', f'hosts/{_quoted(ref)}')

    def update_host(self, ref: str, **fields: Any) -> host.Host:
        path = f'hosts/{_quoted(ref)}'
        return self._secretly(host.Host, 'PATCH', path, fields)

    def remove_host(self, ref: str) -> None:
        self._ask('DELETE', f'hosts/{_quoted(ref)}')

    def test_fence(self, ref: str) -> host.Host:
        """Let an engine try the fence without cutting the host off."""
        path = f'hosts/{_quoted(ref)}/fence_test'
        return self._one(host.Host, 'POST', path)

    def get_fence(self, ref: str) -> Json:
        """What is known of it and doubted, and who vouches for it."""
        return self._json('GET', f'hosts/{_quoted(ref)}/fence')

    def waive_fence(self, ref: str, reason: str) -> Json:
        """Vouch that the BMC is the host's own, where nothing proves it."""
        path = f'hosts/{_quoted(ref)}/fence/waiver'
        return self._json('PUT', path, {'reason': reason})

    def unwaive_fence(self, ref: str) -> None:
        """Vouch for it no more."""
        self._ask('DELETE', f'hosts/{_quoted(ref)}/fence/waiver')

    def layers(self, ref: str) -> Json:
        """What is known of each layer, and who saw it."""
        return self._json('GET', f'hosts/{_quoted(ref)}/layers')

    def explain(self, ref: str) -> Json:
        """Why HASS does or does not act on the host now."""
        return self._json('GET', f'hosts/{_quoted(ref)}/explain')

    def get_power(self, ref: str) -> str:
        """on, off or unknown, as the host's device reads."""
        answer = self._json('GET', f'hosts/{_quoted(ref)}/power')
        return str(answer['power'])

    def set_power(
        self, ref: str, power: str, force: bool = False
    ) -> list[str]:
        """Ask for power, once; whether it happened is to be read back.

        :param power: on or off
        :param force: off although instances run on it
        :returns: warnings
        """
        path = f'hosts/{_quoted(ref)}/power'
        wanted: Json = {'power': power} | ({'force': True} if force else {})
        return list(self._json('PUT', path, wanted)['warnings'])

    def bring_host_back(self, ref: str) -> recovery.Recovery:
        """Begin to bring a host that is off back into service."""
        path = f'hosts/{_quoted(ref)}/return'
        return self._one(recovery.Recovery, 'POST', path)

    def sensors(self, ref: str, kind: str | None = None) -> list[Json]:
        """:param kind: only those of this type, as Temperature"""
        path = f'hosts/{_quoted(ref)}/sensors'
        if kind is not None:
            path += f'?{parse.urlencode({"type": kind})}'
        return list(self._json('GET', path)['sensors'])

    def bmc_events(self, ref: str) -> list[Json]:
        """The end of the event log of its BMC, newest first."""
        path = f'hosts/{_quoted(ref)}/events'
        return list(self._json('GET', path)['events'])

    def begin_maintenance(
        self, of: str, ref: str, seconds: int, reason: str
    ) -> None:
        """No recovery begins meanwhile; it ends by itself.

        :param of: hosts or clusters
        """
        path = f'{of}/{_quoted(ref)}/maintenance'
        self._ask('PUT', path, {'seconds': seconds, 'reason': reason})

    def end_maintenance(self, of: str, ref: str) -> None:
        """:param of: hosts or clusters"""
        self._ask('DELETE', f'{of}/{_quoted(ref)}/maintenance')

    def rotate_agent_key(self, ref: str) -> Json:
        """A new key for the agent of a host, told only once.

        :returns: name, agent_key, and warnings from version 1.7 on
        """
        path = f'hosts/{_quoted(ref)}/agent_key'
        answer: Json = self._ask('POST', path, log=False).json()
        return answer

    def host_protection(self, ref: str) -> protection.Protection:
        """Which instances on it would be brought back if it failed now."""
        path = f'hosts/{_quoted(ref)}/protection'
        return self._one(protection.Protection, 'GET', path)

    def cluster_protection(
        self, cluster: str, **query: Any
    ) -> Iterator[protection.Protection]:
        """The same of each host of a cluster.

        :param query: limit, marker
        """
        path = f'/clusters/{_quoted(cluster)}/protection'
        return self._pages(protection.Protection, query, path)

    def strategy(self, cluster: str) -> Json:
        """How the lowest failed layer would be looked for now."""
        return self._json('GET', f'clusters/{_quoted(cluster)}/strategy')

    def instances(self, **query: Any) -> Iterator[instance.Instance]:
        """The chosen ones.

        :param query: cluster, host, name, project_id, limit, marker
        """
        return self._pages(instance.Instance, query)

    def protect_instance(self, **fields: Any) -> instance.Instance:
        """:param fields: uuid, and cluster if it must be in that one"""
        return self._one(instance.Instance, 'POST', 'instances', fields)

    def get_instance(self, uuid: str) -> instance.Instance:
        path = f'instances/{_quoted(uuid)}'
        return self._one(instance.Instance, 'GET', path)

    def unprotect_instance(self, uuid: str) -> None:
        self._ask('DELETE', f'instances/{_quoted(uuid)}')

    def instance_recoveries(self, uuid: str) -> list[Json]:
        """Recoveries of an instance, newest first."""
        path = f'instances/{_quoted(uuid)}/recoveries'
        return list(self._json('GET', path)['recoveries'])

    def losses(self, **query: Any) -> Iterator[loss.Loss]:
        """Newest first.

        :param query: host, instance, open, project_id, recovery, limit,
            marker
        """
        return self._pages(loss.Loss, query)

    def get_loss(self, uuid: str) -> loss.Loss:
        return self._one(loss.Loss, 'GET', f'losses/{_quoted(uuid)}')

    def acknowledge_loss(self, uuid: str) -> loss.Loss:
        """Stop the paging for an open one."""
        path = f'losses/{_quoted(uuid)}/acknowledge'
        return self._one(loss.Loss, 'POST', path)

    def notifications(
        self, **query: Any
    ) -> Iterator[notification.Notification]:
        """:param query: host, state, source, limit, marker"""
        return self._pages(notification.Notification, query)

    def create_notification(self, **fields: Any) -> notification.Notification:
        return self._one(
            notification.Notification, 'POST', 'notifications', fields
        )

    def get_notification(self, uuid: str) -> notification.Notification:
        path = f'notifications/{_quoted(uuid)}'
        return self._one(notification.Notification, 'GET', path)

    def recoveries(self, **query: Any) -> Iterator[recovery.Recovery]:
        """Newest first.

        :param query: cluster, host, open, state, subject, workflow, limit,
            marker
        """
        return self._pages(recovery.Recovery, query)

    def get_recovery(self, uuid: str) -> recovery.Recovery:
        path = f'recoveries/{_quoted(uuid)}'
        return self._one(recovery.Recovery, 'GET', path)

    def retry_recovery(self, uuid: str) -> recovery.Recovery:
        """Let a held one look again."""
        path = f'recoveries/{_quoted(uuid)}/retry'
        return self._one(recovery.Recovery, 'POST', path)

    def release_recovery(self, uuid: str) -> recovery.Recovery:
        """Let a held one give back what it touched, and end."""
        path = f'recoveries/{_quoted(uuid)}/release'
        return self._one(recovery.Recovery, 'POST', path)

    def acknowledge_recovery(self, uuid: str) -> recovery.Recovery:
        """Stop the paging for a held one."""
        path = f'recoveries/{_quoted(uuid)}/acknowledge'
        return self._one(recovery.Recovery, 'POST', path)

    def services(self) -> tuple[list[service.Service], list[str]]:
        """The engines, and what is wrong: none works, or names are."""
        answer = self._json('GET', 'services')
        found = [service.Service.existing(**one) for one in answer['services']]
        return found, answer['warnings']

    def _pages(
        self,
        kind: type[Kind],
        query: Json,
        path: str | None = None,
    ) -> Iterator[Kind]:
        given = {k: v for k, v in query.items() if v is not None}
        for name, value in given.items():
            if value == '':
                raise exceptions.SDKException(f'{name}: must not be empty')
        return self._list(
            kind,
            # A limit is how many are wanted, not how many at once.
            paginated='limit' not in given,
            base_path=path,
            **given,
        )

    def _one(
        self,
        kind: type[Kind],
        method: str,
        path: str,
        body: Json | None = None,
    ) -> Kind:
        return kind.existing(**self._json(method, path, body))

    def _secretly(
        self, kind: type[Kind], method: str, path: str, body: Json
    ) -> Kind:
        """With passwords or keys in it, which no log may hold."""
        answer = self._ask(method, path, body, log=False)
        return kind.existing(**answer.json())

    def _json(
        self, method: str, path: str, body: Json | None = None
    ) -> dict[str, Any]:
        answer: dict[str, Any] = self._ask(method, path, body).json()
        return answer

    def _ask(
        self,
        method: str,
        path: str,
        body: Json | None = None,
        log: bool = True,
    ) -> requests.Response:
        answer = self.request(
            f'/{path}',
            method,
            json=body,
            microversion=resource.Resource._get_microversion(self),
            log=log,
        )
        exceptions.raise_from_response(answer)
        return answer


NO_NAMES = ('', '.', '..')
"""In a path they would mean another one."""


def no_name(ref: str) -> str:
    """The sentence for who gives one of them."""
    return f'{ref!r} is no name of anything'


def _quoted(ref: str) -> str:
    """As a part of a path.

    :raises openstack.exceptions.SDKException: nothing can have that name
    """
    if ref in NO_NAMES:
        raise exceptions.SDKException(no_name(ref))
    return parse.quote(ref, safe='')
