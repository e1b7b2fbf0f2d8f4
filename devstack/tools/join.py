#!/usr/bin/env python3
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

"""Let a compute host join a cluster; write the key of its agent.

The cluster is made if there is none. A host that is in a cluster already
gets a new key. HASS_TOKEN and HASS_BMC_PASSWORD are read from the
environment. Ends with 1 and a sentence when it should be tried again.
"""

import argparse
import json
import os
import pathlib
import sys
import urllib.error
import urllib.request

SECONDS = 60
"""Adding a host waits for an engine that tries its fence."""


class Api:
    """hass-api, with an administrator's token."""

    def __init__(self, url, token):
        self._url = url.rstrip('/')
        self._token = token

    def has(self, path):
        try:
            self.ask('GET', path)
        except urllib.error.HTTPError as error:
            if error.code != 404:
                raise
            return False
        return True

    def ask(self, method, path, body=None):
        headers = {'X-Auth-Token': self._token}
        if body is not None:
            headers['Content-Type'] = 'application/json'
        request = urllib.request.Request(  # noqa: S310
            f'{self._url}{path}',
            None if body is None else json.dumps(body).encode(),
            headers,
            method=method,
        )
        answering = urllib.request.urlopen(  # noqa: S310
            request, timeout=SECONDS
        )
        with answering as answer:
            return json.load(answer)


def join(api, wanted, password):
    """The new key of the host's agent."""
    if not api.has(f'/v1/clusters/{wanted.cluster}'):
        cluster = {'name': wanted.cluster, 'mode': wanted.mode}
        api.ask('POST', '/v1/clusters', cluster)
    if api.has(f'/v1/hosts/{wanted.host}'):
        said = api.ask('POST', f'/v1/hosts/{wanted.host}/agent_key')
        return said['agent_key']
    host = {'name': wanted.host}
    if wanted.bmc_address:
        host['bmc'] = {
            'address': wanted.bmc_address,
            'port': wanted.bmc_port,
            'username': wanted.bmc_username,
            'password': password,
        }
    path = f'/v1/clusters/{wanted.cluster}/hosts'
    return api.ask('POST', path, host)['agent_key']


def save(path, key):
    """Readable by its owner only, as the agent wants it."""
    path.unlink(missing_ok=True)
    path.touch(0o600)
    path.write_text(f'{key}\n')


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--url', required=True)
    parser.add_argument('--cluster', required=True)
    parser.add_argument('--mode', required=True)
    parser.add_argument('--key-file', type=pathlib.Path, required=True)
    parser.add_argument('--bmc-address')
    parser.add_argument('--bmc-port', type=int)
    parser.add_argument('--bmc-username')
    parser.add_argument('host')
    wanted = parser.parse_args()
    api = Api(wanted.url, os.environ['HASS_TOKEN'])
    password = os.environ.get('HASS_BMC_PASSWORD', '')
    try:
        save(wanted.key_file, join(api, wanted, password))
    except urllib.error.HTTPError as error:
        sys.exit(f'{wanted.url}: {error.code} {error.read().decode()}')
    except OSError as error:
        sys.exit(f'{wanted.url}: {error}')


if __name__ == '__main__':
    main()
