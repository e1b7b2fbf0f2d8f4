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

"""Calls one path of hass-api as fast as it answers, from a few processes.

api_load.py PATH SECONDS PROCESSES, the token on stdin. Prints JSON: rps
and p99_ms. Runs in the namespace of the controller.
"""

import http.client
import json
import multiprocessing
import statistics
import sys
import time

ADDRESS = ('192.0.2.1', 15868)


def call_all_the_time(path, token, seconds, told):
    """One client on one connection; tells what each call took."""
    connection = http.client.HTTPConnection(*ADDRESS)
    took = []
    end = time.perf_counter() + seconds
    while (began := time.perf_counter()) < end:
        connection.request('GET', path, headers={'X-Auth-Token': token})
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            raise SystemExit(f'{path}: {answer.status}')
        took.append(time.perf_counter() - began)
    told.put(took)


def main():
    path, seconds, clients = sys.argv[1], float(sys.argv[2]), int(sys.argv[3])
    token = sys.stdin.read()
    told: multiprocessing.Queue[list[float]] = multiprocessing.Queue()
    for _ in range(clients):
        multiprocessing.Process(
            target=call_all_the_time,
            args=(path, token, seconds, told),
            daemon=True,
        ).start()
    took = [one for _ in range(clients) for one in told.get(timeout=120)]
    figures = {
        'rps': round(len(took) / seconds, 1),
        'p99_ms': round(statistics.quantiles(took, n=100)[98] * 1000, 1),
    }
    print(json.dumps(figures))


if __name__ == '__main__':
    main()
