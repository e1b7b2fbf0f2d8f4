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

"""Names of what others keep, and the ids they mean."""

import contextlib
from typing import Any

from keystoneauth1 import exceptions as ks
from openstack import exceptions as sdk
from osc_lib import exceptions

from hassclient import errors
from hassclient.osc import command
from hassclient.v1 import loss as losses
from hassclient.v1 import proxy
from hassclient.v1 import recovery as recoveries


def host(manager: Any, ref: str) -> str:
    """The name of a host; monitors give names, for they see no hosts.

    :raises osc_lib.exceptions.CommandError: it is no name
    """
    _must_name(ref)
    if not command.is_uuid(ref):
        return ref
    return str(manager.hass.get_host(ref).name)


def instance(manager: Any, ref: str) -> str:
    """The uuid of an instance, as Nova names it.

    Operators choose instances of all projects: what Nova does not show in
    the caller's own project may be among those that were chosen.

    :raises osc_lib.exceptions.CommandError: no instance, or several, or
        Nova does not tell
    """
    _must_name(ref)
    if command.is_uuid(ref):
        return ref
    found, trouble = _in_nova(manager, ref)
    if found is not None:
        return found
    chosen = [one.uuid for one in manager.hass.instances() if one.name == ref]
    if len(chosen) == 1:
        return str(chosen[0])
    if chosen:
        raise exceptions.CommandError(_several('instance', ref))
    raise exceptions.CommandError(
        trouble
        or f'there is no instance {ref}; openstack server list tells which '
        'there are, and another project\'s are given by UUID'
    )


def project(manager: Any, ref: str) -> str:
    """The id of a project; as it is where Keystone does not tell.

    :raises osc_lib.exceptions.CommandError: it is no name
    """
    _must_name(ref)
    try:
        keystone = manager.sdk_connection.identity
        # As with Nova: without a catalogue there is nothing to ask.
        if not hasattr(keystone, 'find_project'):
            return ref
        found = keystone.find_project(ref)
    except (sdk.HttpException, ks.ClientException):
        return ref
    return ref if found is None else str(found.id)


def recovery(manager: Any, ref: str) -> recoveries.Recovery:
    """A recovery, or the newest of a host or an instance.

    :raises osc_lib.exceptions.CommandError: there is none
    """
    _must_name(ref)
    client = manager.hass
    trouble = ''
    if command.is_uuid(ref):
        try:
            found: recoveries.Recovery = client.get_recovery(ref)
        except sdk.NotFoundException:
            pass
        else:
            return found
    newest = _newest(client, ref)
    if newest is None and not command.is_uuid(ref):
        named, trouble = _in_nova(manager, ref)
        newest = named and _newest(client, named)
    if not newest:
        raise exceptions.CommandError(
            f'there is no recovery {ref}, and none of a host or an instance '
            'of that name; openstack ha recovery list tells which there are'
            + (f' ({trouble})' if trouble else '')
        )
    found = client.get_recovery(newest)
    return found


def loss(manager: Any, ref: str) -> losses.Loss:
    """A loss, or the newest of an instance.

    :raises osc_lib.exceptions.CommandError: there is none
    """
    _must_name(ref)
    client: proxy.Proxy = manager.hass
    if command.is_uuid(ref):
        with contextlib.suppress(sdk.NotFoundException):
            return client.get_loss(ref)
    for newest in client.losses(instance=instance(manager, ref), limit=1):
        return newest
    raise exceptions.CommandError(
        f'there is no loss {ref}, and none of such an instance; openstack '
        'ha loss list tells which there are'
    )


def _newest(client: Any, subject: str) -> str | None:
    found = client.recoveries(subject=subject, limit=1)
    return next((str(one.uuid) for one in found), None)


def _in_nova(manager: Any, name: str) -> tuple[str | None, str]:
    """The uuid of the instance; without one, why Nova does not tell, if so.

    :raises osc_lib.exceptions.CommandError: there are several
    """
    try:
        compute = manager.sdk_connection.compute
        # What has no Nova in its catalogue has a proxy that can nothing.
        if not hasattr(compute, 'find_server'):
            return None, ''
        found = compute.find_server(name)
    except sdk.DuplicateResource:
        raise exceptions.CommandError(_several('instance', name)) from None
    except (sdk.SDKException, ks.ClientException) as error:
        return None, (
            f'Nova does not tell which instance is called {name}: '
            f'{_words(error)}; give the UUID'
        )
    return None if found is None else str(found.id), ''


def _words(error: Exception) -> str:
    if isinstance(error, sdk.HttpException):
        return errors.words(error)
    return str(error)


def _must_name(ref: str) -> None:
    if ref in proxy.NO_NAMES:
        raise exceptions.CommandError(proxy.no_name(ref))


def _several(what: str, name: str) -> str:
    return f'there is more than one {what} {name}: give the UUID'
