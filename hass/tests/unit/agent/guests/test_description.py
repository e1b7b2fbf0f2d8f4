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


from hass.agent.guests import description
from hass.tests import base

MAC, PORT = 'fa:16:3e:00:00:01', '3f5d0a1c-9b8e-4a53-8d68-d1f0c9b1d6f1'
NOVA = 'http://openstack.org/xmlns/libvirt/nova/1.1'


def nova(*ports):
    given = ''.join(
        f'<nova:port uuid="{uuid}">'
        + ''.join(
            f'<nova:ip type="fixed" address="{one}" ipVersion="4"/>'
            for one in addresses
        )
        + '</nova:port>'
        for uuid, *addresses in ports
    )
    return (
        f'<metadata><nova:instance xmlns:nova="{NOVA}"><nova:ports>{given}'
        '</nova:ports></nova:instance></metadata>'
    )


def interface(mac=MAC, device=f'tap{PORT[:11]}', port=''):
    parameters = (
        f'<virtualport><parameters interfaceid="{port}"/></virtualport>'
        if port
        else ''
    )
    return (
        f'<interface type="bridge"><mac address="{mac}"/>'
        f'<target dev="{device}"/>{parameters}</interface>'
    )


def domain(metadata, *devices):
    joined = ''.join(devices)
    return f'<domain>{metadata}<devices>{joined}</devices></domain>'


def line(state):
    return (
        '<channel type="unix"><target type="virtio" '
        f'name="org.qemu.guest_agent.0" {state}/></channel>'
    )


class DescriptionTest(base.TestCase):
    def ports(self, *args):
        found = description.read(domain(*args))
        assert found is not None
        return found.ports

    def test_a_port_is_known_by_the_name_of_its_device(self):
        found = self.ports(nova((PORT, '192.0.2.9')), interface())
        self.assertEqual(
            (description.Port(MAC, 'tap3f5d0a1c-9b', ('192.0.2.9',)),),
            found,
        )

    def test_a_port_is_known_by_what_open_vswitch_calls_it(self):
        found = self.ports(
            nova(('e' * 36, '192.0.2.8'), (PORT, '192.0.2.9', '2001:db8::9')),
            interface(device='vnet0', port=PORT),
            interface(device='vnet1'),
        )
        (port,) = found
        self.assertEqual(
            ('vnet0', ('192.0.2.9', '2001:db8::9')),
            (port.device, port.addresses),
        )

    def test_one_port_and_one_device_belong_together(self):
        found = self.ports(
            nova((PORT, '192.0.2.9')), interface(device='vnet0')
        )
        self.assertEqual('vnet0', found[0].device)

    def test_what_is_missing_or_broken_is_left_out(self):
        for metadata, devices in (
            (nova(), interface()),
            (nova((PORT,)), interface()),
            (nova((PORT, 'x', '')), interface()),
            (nova(('', '192.0.2.9')), interface()),
            (nova((PORT, '192.0.2.9')), ''),
            (nova((PORT, '192.0.2.9')), '<interface/>'),
            (nova((PORT, '192.0.2.9')), '<interface><mac/></interface>'),
        ):
            self.assertEqual((), self.ports(metadata, devices))

    def test_what_is_not_of_nova_is_nobody(self):
        for xml in ('', 'x', domain('', interface()), '<domain/>'):
            self.assertIsNone(description.read(xml))

    def test_far_too_many_ports_are_cut_off(self):
        many = [
            (f'{number:011}' + '-' * 25, '192.0.2.9') for number in range(99)
        ]
        devices = [interface(device=f'tap{uuid[:11]}') for uuid, _ in many]
        found = self.ports(nova(*many), *devices)
        self.assertEqual(description.MAX_PORTS, len(found))

    def test_the_line_of_the_agent(self):
        for xml, state in (
            ('', description.Line.NONE),
            (line(''), description.Line.CLOSED),
            (line('state="disconnected"'), description.Line.CLOSED),
            (line('state="connected"'), description.Line.OPEN),
        ):
            found = description.read(domain(nova(), xml))
            assert found is not None
            self.assertIs(state, found.agent)
