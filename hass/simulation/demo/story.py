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

"""What happens in the demo, in order, and never longer than it may."""

from collections.abc import Callable
import threading
from typing import TypeVar

from hass import clock as clock_
from hass import exception
from hass.simulation.demo import control
from hass.simulation.demo import news as news_
from hass.simulation.demo import operator
from hass.simulation.demo import screen as screen_
from hass.simulation.demo import world as world_

T = TypeVar('T')
LOOK_SECONDS = 0.15
CALM_SECONDS = 2.0
CLUSTER = 'demo'


class DemoFailed(exception.HassError):
    """Something did not happen in time."""

    def __init__(self, seconds: float, waited_for: str, now: str) -> None:
        super().__init__(
            f'{waited_for}: that did not happen within {seconds:.0f} s; on a '
            'busy machine try --timeout' + (now and f' ({now})')
        )
        self.seconds = seconds
        self.waited_for = waited_for


class Story:
    """The scenes; begin() and play() are called once, in this order.

    :param seconds: how long all of it may take
    :ivar news: what HASS told, from begin() on
    """

    def __init__(
        self,
        world: world_.World,
        hass: control.Control,
        screen: screen_.Screen,
        clock: clock_.Clock,
        seconds: float,
    ) -> None:
        self._world = world
        self._hass = hass
        self._screen = screen
        self._clock = clock
        self._seconds = seconds
        self._end = clock.monotonic() + seconds
        self._pause = threading.Event()
        self._client = operator.Operator(hass.url)
        self.news = news_.News(self._client, clock)

    def begin(self) -> None:
        """What operators and users do before anything fails."""
        hosts = len(self._world.machines)
        self._screen.say(
            f'a cloud: Nova and Keystone on {self._world.nova.auth_url}, '
            f'{hosts} compute hosts with BMCs that speak IPMI'
        )
        self._screen.say(
            f'HASS: the API on {self._hass.url}, {control.ENGINES} engines'
        )
        self._join()
        self._until(self._watched, 'the engines hear every agent')
        self._screen.say(f'{hosts} agents beat and have reported')
        for server in self._world.instances():
            self._client.post(
                '/v1/instances', {'uuid': server.uuid}, operator.MEMBER
            )
        self._screen.say(
            f'{len(self._world.instances())} instances protected by their user'
        )
        self._listen()

    def play(self) -> None:
        """One host loses its power; when it is back another one hangs."""
        first, second = world_.INSTANCES
        self._screen.scene(f'{first} loses its power')
        self.news.strike(first)
        self._world.machines[first].lose_power()
        self._until(self._returned(first), f'{first} is back in service')
        self._screen.scene(f'{second} hangs: its guests run on')
        self.news.strike(second)
        self._world.machines[second].hang()
        self._until(self._returned(second), f'{second} is back in service')
        self._screen.scene('all hosts are in service')

    def _join(self) -> None:
        """A cluster with its hosts in one call; keys go to the agents."""
        machines = self._world.machines
        body = {
            'name': CLUSTER,
            'mode': 'act',
            'shared_storage': True,
            'hosts': [
                {
                    'name': name,
                    'addresses': one.addresses,
                    'bmc': one.bmc_login,
                }
                for name, one in machines.items()
            ],
        }
        made = self._client.post('/v1/clusters', body)
        for host in made['hosts']:
            machines[host['name']].install_agent(
                host['agent_key'], self._hass.engines
            )
        doubtful = {
            host['name']
            for host in made['hosts']
            if host['fence']['state'] != 'working'
        }
        self._until(lambda: self._fences_work(doubtful), 'all fences work')
        self._screen.say(
            f'cluster {CLUSTER} made over the API; each host was given its '
            'agent key, its fence was tried and works'
        )

    def _fences_work(self, doubtful: set[str]) -> bool:
        """Try again those that were not tried in time, as at first."""
        for name in list(doubtful):
            tried = self._client.post(f'/v1/hosts/{name}/fence_test')
            if tried['fence']['state'] == 'working':
                doubtful.discard(name)
        return not doubtful

    def _watched(self) -> bool:
        hosts = self._client.get('/v1/hosts')['hosts']
        services = self._client.get('/v1/services')['services']
        return (
            len(services) == control.ENGINES
            and not any(one['deaf'] or one['silent'] for one in services)
            and all(host['reported_at'] for host in hosts)
        )

    def _listen(self) -> None:
        """Quiet for a moment: nothing is suspected."""
        calm = self._clock.monotonic() + CALM_SECONDS
        self._until(
            lambda: self._clock.monotonic() > calm, 'a calm moment passes'
        )

    def _returned(self, host: str) -> Callable[[], bool]:
        return lambda: self.news.seconds(host, 'returned') is not None

    def _until(self, condition: Callable[[], T], why: str) -> T:
        """Look, show, and pause, again and again.

        :raises DemoFailed: the demo may take no longer
        """
        while True:
            for line in self.news.read():
                self._screen.line(line)
            self._screen.draw(self._world, self.news)
            answer = condition()
            if answer:
                return answer
            if self._clock.monotonic() > self._end:
                raise DemoFailed(
                    self._seconds, why, '; '.join(self.news.now())
                )
            self._pause.wait(LOOK_SECONDS)
