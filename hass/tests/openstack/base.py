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

"""What the tests on the real cloud share: how they wait and judge."""

from collections.abc import Callable
import dataclasses
import threading
from typing import Any

from testtools import content

from hass import clock
from hass.tests import base
from hass.tests.openstack import lab
from hass_oracle import checker
from hass_oracle import ledger
from tools.minicloud.lab import number


class OpenStackTest(base.TestCase):
    """A test that breaks the cloud and looks on while HASS mends it.

    Each begins when every host is in service, and fails if an instance
    ever ran twice or a host was not proved off before an evacuation.
    """

    seconds = 600
    # Who asks the cloud takes its processor.
    pause_seconds = 0.5
    kind: type[lab.Cloud] = lab.Cloud
    cloud: lab.Cloud

    def setUp(self) -> None:
        super().setUp()
        self.cloud = lab.cloud(self.kind)
        self.lab = self.cloud.lab
        self.cloud.mend()
        self.addOnException(self._leave_repaired)
        self.begin_anew()
        self.addOnException(self._tell_timeline)

    def begin_anew(self) -> None:
        """What was before is no part of the story."""
        self.wait_for_rest()
        self.began = ledger.boottime()
        self.paged = len(self.cloud.alarms())
        self.since = clock.SystemClock().now()

    def _leave_repaired(self, exc_info: object) -> None:
        """The next test shall not suffer from this one's failure."""
        self.addCleanup(self.cloud.repair)

    def _tell_timeline(self, exc_info: object) -> None:
        told = self.cloud.timeline(self.since)
        self.addDetail('timeline', content.text_content(told))
        breaches = '\n'.join(str(one) for one in self.breaches())
        self.addDetail('oracle', content.text_content(breaches))
        paged = '\n'.join(str(one) for one in self.alarms())
        self.addDetail('alarms', content.text_content(paged))

    # Waiting.

    def wait_for_rest(self) -> None:
        """Every host in service, every instance ACTIVE, no open story."""
        why = ''

        def rest() -> bool:
            nonlocal why
            why = self.cloud.unrest()
            return not why

        try:
            self.wait_for(rest, why='rest')
        except self.failureException:
            self.fail(f'no rest: {why}')

    def stories(self, host: str | None = None) -> list[lab.Story]:
        """The recoveries of this test, the oldest first."""
        return self.cloud.stories(self.since, host)

    def wait_for_story(
        self,
        host: str,
        *states: str,
        workflow: str = 'host_failure',
        every: float | None = None,
        patient: bool = False,
        claimed: bool = False,
    ) -> lab.Story:
        """Wait until a recovery of the host is in one of these states.

        A story that ended otherwise fails at once, and so does one that is
        held, unless we are patient. A claimed one has an engine at work.
        """
        wrong = lab.ENDED if patient else {'held', *lab.ENDED}

        def found() -> lab.Story | None:
            told = [s for s in self.stories(host) if s.workflow == workflow]
            if not told:
                return None
            newest = told[-1]
            working = newest.engine or newest.state in lab.ENDED
            if newest.state in states and (working or not claimed):
                return newest
            if newest.state in wrong:
                self.fail(f'{host} is {newest.state}: {newest.why}')
            return None

        story = self.wait_for(
            found,
            every=every,
            why=f'{workflow} of {host} to be {" or ".join(states)}',
        )
        assert story is not None
        return dataclasses.replace(
            story, history=self.cloud.story(story.uuid).history
        )

    def wait_for_engine_at_work(
        self, host: str, *states: str, workflow: str = 'host_failure'
    ) -> tuple[lab.Story, int]:
        """The story, and the number of the engine that has claimed it.

        The number is 0 when the story has ended.
        """
        story = self.wait_for_story(
            host, *states, workflow=workflow, every=0.005, claimed=True
        )
        return story, number(story.engine) if story.engine else 0

    def wait_for_return(self, host: str) -> lab.Story:
        """Wait until the host is back in service."""
        return self.wait_for_story(host, 'returned', workflow='host_return')

    def let_pass(
        self, seconds: float, always: Callable[[], bool], why: str
    ) -> None:
        """For so long a fault lasts, or something must not happen."""
        hands = clock.SystemClock()
        end = hands.monotonic() + seconds
        pause = threading.Event()
        while hands.monotonic() < end:
            self.assertTrue(always(), why)
            pause.wait(self.pause_seconds)

    def nothing_happens(self, seconds: float) -> None:
        """Nobody is even suspected for so long."""
        self.let_pass(
            seconds, lambda: not self.stories(), 'somebody was suspected'
        )

    def wait_for_alarm(self, host: str, *words: str) -> None:
        """Wait until a human was paged about a host, in these words."""
        self.wait_for(
            lambda: any(
                one['subject'] == host
                and all(word in one['why'] for word in words)
                for one in self.alarms()
            ),
            why=f'an alarm about {host} that says {" … ".join(words)}',
        )

    def alarms(self) -> list[dict[str, Any]]:
        """What was paged since the test began."""
        return self.cloud.alarms()[self.paged :]

    # Judging.

    def reason(self, story: lab.Story) -> str:
        """Why the host was condemned."""
        return next(
            line.why for line in story.history if line.after == 'fencing'
        )

    def assert_recovered(self, *hosts: str) -> None:
        """All instances ran once and run; the hosts are back in service."""
        for host in hosts:
            self.wait_for_story(host, 'finished')
        for host in hosts:
            self.wait_for_return(host)
        self.wait_for_rest()
        self.assert_oracle()

    def assert_oracle(self) -> None:
        """What the ledger proves, whatever HASS says."""
        self.assertEqual([], self.breaches())
        result = self.verdict()
        self.assertEqual([], result.lost)
        self.assertEqual([], result.not_on)

    def breaches(self) -> list[checker.Breach]:
        """What must never happen, and has since the test began."""
        result = self.verdict()
        return [
            one
            for one in result.started_twice
            + result.evacuated_unfenced
            + result.impossible
            if one.at >= self.began
        ]

    def expected(self) -> set[str]:
        """The instances that the ledger must show to run."""
        return {server.uuid for server in self.cloud.servers()}

    def verdict(self) -> checker.Result:
        return checker.check(
            ledger.read(self.lab.ledger),
            expect=self.expected(),
            expect_on=self.cloud.hosts,
        )

    def events(self, kind: ledger.Kind, host: str) -> list[ledger.Event]:
        """What the ledger tells of a host since the test began."""
        return [
            event
            for event in ledger.read(self.lab.ledger)
            if event.at >= self.began
            and event.event is kind
            and event.host == host
        ]

    def report(self, host: str) -> None:
        """Let a monitor allege that the host failed."""
        body = {
            'source': 'monitor',
            'host': host,
            'layer': 'power',
            'generated_at': f'{self.since.isoformat()}Z',
        }
        self.cloud.hass('POST', '/v1/notifications', body)

    def assert_nothing_happened(self) -> None:
        """Nobody was suspected, nobody fenced, and all is well."""
        self.wait_for_rest()
        self.assertEqual([], self.stories())
        self.assert_not_fenced(*self.cloud.hosts)
        self.assert_oracle()

    def assert_not_fenced(self, *hosts: str) -> None:
        for host in hosts:
            self.assertEqual([], self.events(ledger.Kind.OFF, host))
            self.assertEqual([], self.events(ledger.Kind.EVACUATE, host))

    def assert_moved_once(self, servers: list[lab.Server]) -> None:
        """Nova has made one evacuation of each, and no second one."""
        moves = self.cloud.moves(self.since.replace(microsecond=0))
        self.assertEqual(
            sorted(server.uuid for server in servers),
            sorted(move.instance for move in moves),
        )
