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

"""Nova's notifications are read with the types that they must have."""

from hass import exception
from hass.nova import notices
from hass.tests import base
from hass.tests import nova_notices as samples


class NoticeTest(base.TestCase):
    def read(self, payload, event='instance.power_off.end'):
        return notices.Notice.read(event, payload)

    def test_what_happened_to_an_instance_is_read(self):
        self.assertEqual(
            notices.Notice(
                'instance.power_off.end', samples.UUID, 'vm', 'compute-1'
            ),
            self.read(samples.payload()),
        )

    def test_an_update_is_read_as_any_other(self):
        notice = self.read(samples.update('old', name='new', host=None))
        self.assertEqual(('new', None), (notice.name, notice.host))

    def test_only_the_end_of_a_deletion_is_the_end(self):
        for event, ends in (
            ('instance.delete.end', True),
            ('instance.delete.start', False),
            ('instance.soft_delete.end', False),
        ):
            notice = self.read(samples.payload(), event)
            self.assertIs(ends, notice.tells_of_the_end)

    def test_what_nova_does_not_send_is_refused_by_name(self):
        unversioned = {'instance_id': samples.UUID, 'host': 'compute-1'}
        for payload, name in (
            (None, 'no object'),
            (['uuid'], 'no object'),
            (unversioned, "'nova_object.data'"),
            ({'nova_object.data': 'text'}, 'no object'),
            ({'nova_object.data': {}}, "'uuid'"),
            (samples.payload(uuid='../servers'), 'no UUID'),
            (samples.payload(uuid=5), "'uuid'"),
            (samples.payload(host=['compute-1']), "'host'"),
        ):
            error = self.assertRaises(exception.NovaFailed, self.read, payload)
            self.assertIn('notification instance.power_off.end', str(error))
            self.assertIn(name, str(error))
