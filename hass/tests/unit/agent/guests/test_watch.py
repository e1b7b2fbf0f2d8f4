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


from hass.agent.guests import hypervisor
from hass.agent.guests import watch
from hass.agent.instances import teller
from hass.faults import Incident
from hass.tests import base
from hass.tests import clocks
from hass.tests.unit.agent.guests import test_description as xml

RUNNING, PAUSED, SHUTOFF = (1, 1), (3, 1), (5, 1)
MIGRATING, CRASHED, IO_ERROR = (3, 2), (5, 3), (3, 5)


class Host:
    """libvirt, the guests and their network, as a test wants them."""

    def __init__(self):
        self.found = {}
        self.xml = {}
        self.away = False
        self.agents = {}
        self.answering_ = set()
        self.pinged = []
        self.broken = ''
        self.meanwhile = lambda: None
        self.while_listing = lambda: None

    def start(self, uuid, state=RUNNING, number=1, ports=True):
        self.found[uuid] = hypervisor.Domain(number, *state)
        port = (xml.PORT, '192.0.2.9')
        self.xml[uuid] = xml.domain(
            xml.nova(*([port] if ports else [])),
            xml.interface(),
            xml.line('state="connected"'),
        )
        self.agents[uuid] = hypervisor.Reply.ANSWERED, ''
        self.answering_.add(uuid)

    def silence(self, *names):
        self.answering_.difference_update(names)
        for uuid in names:
            self.agents[uuid] = hypervisor.Reply.SILENT, 'silent for 5 s'

    def domains(self):
        found = dict(self.found)
        self.while_listing()
        return None if self.away else found

    def domain(self, uuid):
        return None if self.away else self.found.get(uuid)

    def describe(self, uuid):
        return None if self.away else self.xml.get(uuid)

    def ping_agent(self, uuid):
        self.meanwhile()
        return self.agents[uuid]

    def answering(self, guests, pinged):
        if self.broken:
            raise OSError(self.broken)
        self.pinged.append(sorted(pinged))
        return {
            uuid: '192.0.2.9 answers'
            for uuid in guests
            if uuid in self.answering_
        }


class WatchTest(base.TestCase):
    def setUp(self):
        super().setUp()
        self.clock = clocks.HandClock()
        self.host = Host()
        self.told = []
        self.watch = self.make_watch()

    def make_watch(self, *looks):
        return watch.Watch(
            self.host,
            self.host,
            self.clock,
            looks or (watch.AGENT, watch.NETWORK),
            self.told.append,
            wait_seconds=0,
        )

    def look(self, times=1):
        """All that there is to look at, as often as it is due."""
        for _each in range(times):
            self.watch.list()
            self.watch.ask_networks()
            self.ask_agents(len(self.host.found))
            self.clock.turn(watch.AGENT_SECONDS)

    def ask_agents(self, times=1):
        self.watch.line_up()
        for _each in range(times):
            self.watch.ask_agents()

    def verdicts(self, uuid='a'):
        _marks, looks = self.watch.sights.news(1000, [uuid])
        return {each.detector: str(each.verdict) for each in looks}

    def detail(self, detector, uuid='a'):
        _marks, looks = self.watch.sights.news(1000, [uuid])
        return {each.detector: each.detail for each in looks}[detector]

    def incidents(self):
        return sorted((each.instance, each.incident) for each in self.told)

    def test_an_instance_that_is_well(self):
        self.host.start('a')
        self.look()
        self.assertEqual(
            {
                'instance_libvirt': 'healthy',
                'guest_os_qga': 'healthy',
                'guest_network': 'healthy',
            },
            self.verdicts(),
        )
        self.assertEqual([], self.told)

    def test_what_has_just_been_started_is_unknown_inside(self):
        self.host.start('a')
        self.watch.list()
        self.assertEqual(
            {
                'instance_libvirt': 'healthy',
                'guest_os_qga': 'unknown',
                'guest_network': 'unknown',
            },
            self.verdicts(),
        )

    def test_silence_is_told_once_and_the_next_one_again(self):
        both = [('a', 'agent_silent'), ('a', 'network_lost')]
        self.host.start('a')
        for times in (1, 2):
            self.host.start('a')
            self.look(7)
            self.host.silence('a')
            self.look(30)
            self.assertEqual(sorted(both * times), self.incidents())
        self.assertEqual('failed', self.verdicts()['guest_network'])
        self.assertEqual('failed', self.verdicts()['guest_os_qga'])

    def test_it_is_told_when_the_silence_began(self):
        self.host.start('a')
        self.look(2)
        began = self.clock.monotonic()
        self.host.silence('a')
        self.look(5)
        self.assertEqual({began}, {each.at for each in self.told})

    def test_who_never_answered_is_unknown_and_nothing_is_told(self):
        self.host.start('a')
        self.host.silence('a')
        self.look(50)
        self.assertEqual('unknown', self.verdicts()['guest_network'])
        self.assertEqual('unknown', self.verdicts()['guest_os_qga'])
        self.assertEqual([], self.told)

    def test_one_that_was_started_anew_is_unknown_until_it_answers(self):
        self.host.start('a')
        self.look(2)
        self.host.start('a', number=2)
        self.host.silence('a')
        self.look(9)
        self.assertEqual('unknown', self.verdicts()['guest_network'])
        self.assertEqual([], self.told)

    def test_one_that_boots_again_is_unknown_until_it_answers(self):
        self.host.start('a')
        for incident in (Incident.REBOOTED, Incident.WATCHDOG_RESET):
            self.look(2)
            event = teller.Event('1', 'a', incident, 0.0, '')
            self.watch.befell(event)
            self.assertEqual('unknown', self.verdicts()['guest_network'])
            self.assertIn(incident, self.detail('guest_network'))
        self.host.silence('a')
        self.look(9)
        self.assertEqual([], self.told)

    def befall(self, incident, uuid='a'):
        now = self.clock.monotonic()
        self.watch.befell(teller.Event('1', uuid, incident, now, ''))

    def news(self):
        """What is news since this was asked last."""
        marks, looks = self.watch.sights.news(1000, ['a', 'b'])
        self.watch.sights.told(marks)
        return {each.detector: str(each.verdict) for each in looks}

    def test_after_an_event_all_is_looked_at_at_once_and_told(self):
        self.host.start('a')
        self.look(2)
        self.news()
        self.watch.list()
        self.assertEqual({}, self.news())
        self.befall(Incident.WATCHDOG_NONE)
        self.look()
        well = {
            'instance_libvirt': 'healthy',
            'guest_os_qga': 'healthy',
            'guest_network': 'healthy',
        }
        self.assertEqual(well, self.news())
        self.look()
        self.assertEqual({}, self.news())

    def test_who_does_not_answer_after_an_event_is_unknown_at_once(self):
        self.host.start('a')
        self.look(2)
        self.news()
        self.host.silence('a')
        self.befall(Incident.WATCHDOG_NONE)
        self.look()
        self.assertEqual(
            {
                'instance_libvirt': 'healthy',
                'guest_os_qga': 'unknown',
                'guest_network': 'unknown',
            },
            self.news(),
        )
        self.assertEqual([], self.told)

    def test_an_event_while_its_agent_is_asked_asks_it_again(self):
        self.host.start('a')
        self.look(2)
        asked = []

        def befall():
            asked.append('a')
            if len(asked) == 1:
                self.befall(Incident.WATCHDOG_NONE)

        self.host.meanwhile = befall
        self.clock.turn(10)
        for _each in range(2):
            self.watch.list()
            self.ask_agents()
        self.assertEqual(['a', 'a'], asked)

    def test_a_look_that_began_before_it_was_killed_is_of_the_past(self):
        self.host.start('a')
        self.look(2)
        self.news()

        def kill():
            self.clock.turn(1)
            self.host.found['a'] = hypervisor.Domain(None, *SHUTOFF)
            self.befall(Incident.KILLED)
            self.host.while_listing = lambda: None

        self.host.while_listing = kill
        self.watch.list()
        self.assertEqual({}, self.news())
        self.watch.list()
        self.assertEqual('unknown', self.news()['instance_libvirt'])

    def test_events_of_other_instances_change_nothing(self):
        self.host.start('a')
        self.look()
        self.befall(Incident.REBOOTED, 'b')
        self.assertEqual('healthy', self.verdicts()['guest_network'])

    def test_one_that_was_started_anew_between_two_listings_is_news(self):
        self.host.start('a')
        self.look()
        self.news()
        self.host.start('a', number=2)
        self.look()
        self.assertEqual('healthy', self.news()['instance_libvirt'])

    def test_an_answer_from_before_it_was_started_anew_does_not_count(self):
        self.host.start('a')
        self.look()

        def start_anew():
            self.host.start('a', number=2)
            self.clock.turn(10)
            self.watch.list()

        self.host.meanwhile = start_anew
        self.clock.turn(10)
        self.watch.list()
        self.ask_agents()
        self.assertEqual('unknown', self.verdicts()['guest_os_qga'])

    def test_what_was_stopped_since_it_was_listed_is_not_told(self):
        for number, state in enumerate((PAUSED, SHUTOFF)):
            self.host.start('a', number=number)
            self.look(2)
            self.host.silence('a')
            for _each in range(2):
                self.watch.ask_networks()
            self.host.found['a'] = hypervisor.Domain(number, *state)
            self.watch.ask_networks()
            self.assertEqual('unknown', self.verdicts()['guest_network'])
        self.assertEqual([], self.told)

    def test_a_port_that_was_taken_away_is_not_told(self):
        self.host.start('a')
        self.look(2)
        self.host.start('a', ports=False)
        self.host.silence('a')
        self.clock.turn(1)
        for _each in range(3):
            self.watch.ask_networks()
        self.assertEqual([], self.told)

    def test_nothing_is_told_while_libvirt_does_not_answer(self):
        self.host.start('a')
        self.look(2)
        self.host.away = True
        self.host.silence('a')
        for _each in range(5):
            self.watch.ask_networks()
        self.assertEqual([], self.told)
        self.host.away = False
        self.watch.ask_networks()
        self.assertEqual([('a', 'network_lost')], self.incidents())

    def test_many_at_once_are_the_hosts_own_path(self):
        for uuid in 'abc':
            self.host.start(uuid)
        self.look(2)
        self.host.silence('a', 'b', 'c')
        self.look(5)
        self.assertEqual([], self.told)
        self.assertEqual('unknown', self.verdicts()['guest_network'])
        self.assertIn('at once', self.detail('guest_network'))

    def test_an_agent_that_closed_its_line_is_unknown(self):
        self.host.start('a')
        self.look(2)
        self.host.agents['a'] = hypervisor.Reply.NONE, 'not connected'
        self.look(9)
        self.assertEqual('unknown', self.verdicts()['guest_os_qga'])
        self.assertEqual('not connected', self.detail('guest_os_qga'))
        self.assertEqual([], self.told)

    def test_an_agent_that_cannot_be_asked_is_asked_again(self):
        self.host.start('a')
        del self.host.agents['a']
        self.watch.list()
        self.assertRaises(KeyError, self.ask_agents)
        self.assertEqual('unknown', self.verdicts()['guest_os_qga'])
        self.host.start('a')
        self.clock.turn(watch.AGENT_SECONDS)
        self.look()
        self.assertEqual('healthy', self.verdicts()['guest_os_qga'])

    def test_conditions_of_domains(self):
        for state, verdict in (
            (RUNNING, 'healthy'),
            (PAUSED, 'unknown'),
            (SHUTOFF, 'unknown'),
            ((5, 0), 'unknown'),
            ((7, 1), 'unknown'),
            (CRASHED, 'failed'),
            (IO_ERROR, 'failed'),
        ):
            self.host.start('a', state)
            self.look()
            self.assertEqual(verdict, self.verdicts()['instance_libvirt'])

    def test_one_that_is_paused_and_goes_on_is_given_time(self):
        self.host.start('a')
        self.look(2)
        self.host.found['a'] = hypervisor.Domain(1, *PAUSED)
        self.look(9)
        self.assertEqual('unknown', self.verdicts()['guest_network'])
        self.host.found['a'] = hypervisor.Domain(1, *RUNNING)
        self.look()
        self.assertEqual('healthy', self.verdicts()['guest_network'])

    def test_of_one_that_arrives_the_other_host_tells(self):
        self.host.start('a', MIGRATING)
        self.look()
        self.assertEqual({}, self.verdicts())

    def test_what_is_gone_is_forgotten(self):
        self.host.start('a')
        self.look()
        del self.host.found['a']
        self.look()
        self.assertEqual({}, self.verdicts())

    def test_what_is_not_of_nova_is_left_alone(self):
        self.host.start('a')
        self.host.xml['a'] = '<domain/>'
        self.look(9)
        self.assertEqual({}, self.verdicts())
        self.assertEqual([[]], self.host.pinged[:1])

    def test_one_that_cannot_be_described_is_seen_later(self):
        self.host.start('a')
        described = self.host.xml.pop('a')
        self.look()
        self.assertEqual({}, self.verdicts())
        self.host.xml['a'] = described
        self.look()
        self.assertEqual('healthy', self.verdicts()['guest_network'])

    def test_without_an_address_there_is_nothing_to_ask(self):
        self.host.start('a', ports=False)
        self.look(9)
        self.assertEqual(watch.NO_ADDRESS, self.detail('guest_network'))

    def test_without_a_line_there_is_no_agent_to_ask(self):
        self.host.start('a')
        self.host.xml['a'] = xml.domain(xml.nova(), '')
        del self.host.agents['a']
        self.watch.list()
        self.assertEqual(watch.NO_AGENT, self.detail('guest_os_qga'))

    def test_what_is_not_wanted_is_not_looked_at(self):
        self.watch = self.make_watch(watch.NETWORK)
        self.host.start('a')
        self.watch.list()
        self.watch.ask_networks()
        self.assertEqual(
            {'instance_libvirt', 'guest_network'}, set(self.verdicts())
        )

    def test_who_never_answered_is_pinged_now_and_then(self):
        for uuid in 'ab':
            self.host.start(uuid)
        self.host.silence('b')
        self.watch.list()
        for _each in range(10):
            self.watch.ask_networks()
            self.clock.turn(2)
        self.assertEqual(10, sum('a' in each for each in self.host.pinged))
        self.assertEqual(2, sum('b' in each for each in self.host.pinged))

    def test_a_look_that_could_not_be_taken_is_trouble_and_no_miss(self):
        self.host.start('a')
        self.look(2)
        self.host.broken = 'no sockets'
        self.look(9)
        self.assertEqual('no sockets', self.watch.trouble)
        self.assertEqual('healthy', self.verdicts()['guest_network'])
        self.host.broken = ''
        self.look()
        self.assertEqual('', self.watch.trouble)
        self.assertEqual([], self.told)
