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


from hass.agent.instances import metadata
from hass.tests import base

NOVA = (
    '<domain><metadata><nova:instance xmlns:nova='
    '"http://openstack.org/xmlns/libvirt/nova/1.1"/></metadata></domain>'
)
SYSINFO = (
    '<domain><sysinfo type="smbios"><system>'
    '<entry name="product">OpenStack Nova</entry></system></sysinfo></domain>'
)
OTHERS = (
    '',
    'no XML',
    '<domain/>',
    '<domain><metadata/></domain>',
    '<domain><metadata><x:nova xmlns:x="urn:x"/></metadata></domain>',
    '<domain><sysinfo><system><entry/></system></sysinfo></domain>',
    NOVA.replace('<domain>', '<domain>' + ' ' * metadata.MAX_CHARACTERS),
)


class MetadataTest(base.TestCase):
    def test_nova_signs_what_it_makes(self):
        self.assertTrue(metadata.is_of_nova(NOVA))
        self.assertTrue(metadata.is_of_nova(SYSINFO))

    def test_what_is_missing_or_broken_is_not_of_nova(self):
        for xml in OTHERS:
            self.assertFalse(metadata.is_of_nova(xml), xml[:60])
