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

"""Agents that only beat: many of them, in one process.

Without --engine a listener is started in a process of its own, and its
share of a core is told at the end. With --engine and --keys (a JSON file
of host names and their keys) a real engine hears them.
"""

import argparse
import json
import multiprocessing
from multiprocessing import connection
import socket
import threading
import time

from hass.agent import identity
from hass import clock
from hass.diagnosis import quality
from hass.engine import listener


def parse():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--agents', type=int, default=1000)
    parser.add_argument('--networks', type=int, default=1)
    parser.add_argument('--beat-seconds', type=float, default=1.0)
    parser.add_argument('--seconds', type=float, default=20.0)
    parser.add_argument('--engine', help='address:port')
    parser.add_argument('--keys', help='JSON file: host to key')
    return parser.parse_args()


def make_agents(arguments):
    """One identity a host."""
    keys = {f'bench-{n}': f'key-of-{n:026d}' for n in range(arguments.agents)}
    if arguments.keys:
        with open(arguments.keys, encoding='utf-8') as file:
            keys = json.load(file)
    hands = clock.SystemClock()
    return keys, [
        identity.Identity(hands, host, f'boot-of-{host}', key.encode())
        for host, key in keys.items()
    ]


def listen(keys, told: connection.Connection):
    """Be an engine's ears until told to stop; tell what that cost."""
    known = {host: [key.encode()] for host, key in keys.items()}
    ears = listener.Listener(
        clock.SystemClock(),
        lambda host: known.get(host, ()),
        [('127.0.0.1', 0)],
        quality.Wish(),
    )
    ears.start()
    told.send(ears.addresses()[0])
    told.recv()
    began, spent = time.monotonic(), time.process_time()
    told.recv()
    share = (time.process_time() - spent) / (time.monotonic() - began)
    told.send(
        {
            'share_of_a_core': round(share, 4),
            'hosts_heard': sum(ears.heard(host) is not None for host in known),
            'refused': dict(ears.refusals()),
        }
    )
    ears.stop()


def beat(agents, engine, arguments):
    """Beat evenly over each interval; returns beats sent a second."""
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    networks = [f'network-{n}' for n in range(arguments.networks)]
    pause = arguments.beat_seconds / len(agents)
    began = due = time.monotonic()
    wait = threading.Event().wait
    sent = 0
    while due - began < arguments.seconds:
        for agent in agents:
            for network in networks:
                sender.sendto(agent.beat(network), engine)
                sent += 1
            due += pause
            if (early := due - time.monotonic()) > 0:
                wait(early)
    return sent / (time.monotonic() - began)


def main():
    arguments = parse()
    keys, agents = make_agents(arguments)
    if arguments.engine:
        address, _colon, port = arguments.engine.rpartition(':')
        rate = beat(agents, (address, int(port)), arguments)
        print(json.dumps({'beats_a_second': round(rate)}))
        return
    ours, theirs = multiprocessing.Pipe()
    child = multiprocessing.Process(target=listen, args=(keys, theirs))
    child.start()
    engine = ours.recv()
    ours.send('begin')
    rate = beat(agents, engine, arguments)
    ours.send('end')
    print(json.dumps({'beats_a_second': round(rate)} | ours.recv()))
    child.join()


if __name__ == '__main__':
    main()
