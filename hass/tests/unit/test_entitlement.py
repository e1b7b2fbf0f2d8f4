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

"""Who is protected, and by whose word."""

import itertools

from hass.conf import protection
from hass import entitlement
from hass.entitlement import Protects
from hass.entitlement import Source
from hass import nova
from hass.tests import base
from hass.tests import fake_cloud

SERVICES = 'f' * 32
YES = ('1', 't', 'true', 'True', 'on', 'y', 'YES', ' yes ')
NO = ('0', 'f', 'false', 'False', 'off', 'n', 'NO')
NEITHER = ('', 'maybe', '2', 'da', 'true!')


def server(
    name='web',
    project_id='blue',
    image_backed=False,
    ephemeral_gb=0,
    **metadata,
):
    return nova.Server(
        uuid='u',
        name=name,
        project_id=project_id,
        host='compute-1',
        status='ACTIVE',
        vm_state='active',
        task_state=None,
        power_state=1,
        locked=False,
        locked_reason=None,
        image_backed=image_backed,
        ephemeral_gb=ephemeral_gb,
        launched=True,
        metadata=metadata,
    )


class EntitlementTest(base.TestCase):
    """With the options as they are by default, but for one project."""

    def setUp(self):
        super().setUp()
        conf = fake_cloud.make_conf(
            self.make_folder(),
            protection__service_projects=[SERVICES],
            protection__service_metadata_keys=['made_by'],
        )
        self.rule = protection.rule(conf)

    def of(self, one, protects, chosen=False, shared_storage=False):
        return self.rule.of(
            one, protects, chosen=chosen, shared_storage=shared_storage
        )

    def assert_decided(self, protected, source, word):
        self.assertEqual((protected, source), (word.protected, word.source))

    def every_server(self):
        """Names, projects, disks and tags in all their combinations."""
        for name, project, local, tag in itertools.product(
            ('web', 'amphora-1'),
            ('blue', SERVICES),
            (False, True),
            (None, 'true', 'false', 'maybe'),
        ):
            tags = {} if tag is None else {'HA_Enabled': tag}
            yield server(name, project, local, **tags)

    def test_what_was_chosen_is_protected_whatever_else_is_said(self):
        for one, protects in itertools.product(self.every_server(), Protects):
            word = self.of(one, protects, chosen=True)
            self.assert_decided(True, Source.INSTANCE, word)

    def test_a_cluster_of_the_chosen_protects_nobody_else(self):
        for one in self.every_server():
            word = self.of(one, Protects.CHOSEN)
            self.assert_decided(False, Source.CLUSTER, word)

    def test_an_instance_that_says_no_is_left_out_unless_chosen(self):
        for protects, value in itertools.product(Protects, NO):
            word = self.of(server(HA_Enabled=value), protects)
            self.assertFalse(word.protected)

    def test_whoever_is_protected_by_a_tag_is_so_where_all_are(self):
        for one in self.every_server():
            if self.of(one, Protects.TAGGED).protected:
                self.assertTrue(self.of(one, Protects.ALL).protected)

    def test_a_disk_that_would_be_lost_is_protected_only_when_chosen(self):
        for one, protects in itertools.product(self.every_server(), Protects):
            if one.image_backed:
                self.assertFalse(self.of(one, protects).protected)
        one = server(ephemeral_gb=200)
        self.assert_decided(False, Source.DISK, self.of(one, Protects.ALL))
        self.assertTrue(self.of(one, Protects.ALL, chosen=True).protected)

    def test_such_a_disk_on_shared_storage_changes_nothing(self):
        for one, protects in itertools.product(self.every_server(), Protects):
            self.assertEqual(
                self.of(one, protects, shared_storage=True).protected,
                self.of(
                    server(one.name, one.project_id, False, **one.metadata),
                    protects,
                ).protected,
            )

    def test_every_word_has_its_reason(self):
        for one, protects, chosen in itertools.product(
            self.every_server(), Protects, (False, True)
        ):
            self.assertTrue(self.of(one, protects, chosen).why)

    def test_a_tag_says_yes_as_it_does_to_masakari(self):
        for value in YES:
            word = self.of(server(HA_Enabled=value), Protects.TAGGED)
            self.assert_decided(True, Source.METADATA, word)

    def test_a_tag_that_says_neither_is_none(self):
        for value in NEITHER:
            one = server(HA_Enabled=value)
            tagged = self.of(one, Protects.TAGGED)
            self.assert_decided(False, Source.CLUSTER, tagged)
            self.assertIn('HA_Enabled is neither yes nor no', tagged.why)
            self.assert_decided(
                True, Source.CLUSTER, self.of(one, Protects.ALL)
            )

    def test_a_tag_has_exactly_the_name_of_the_option(self):
        word = self.of(server(ha_enabled='true'), Protects.TAGGED)
        self.assertFalse(word.protected)

    def test_instances_of_services_are_left_out_of_all(self):
        for one in (
            server('amphora-8f2e'),
            server('manila_service_instance_7'),
            server('k8s-abcdefghijkl-master-0'),
            server('k8s-abcdefghijkl-node-12'),
            server(project_id=SERVICES),
            server(made_by='us'),
        ):
            word = self.of(one, Protects.ALL)
            self.assert_decided(False, Source.SERVICE, word)

    def test_names_like_those_of_services_are_no_such(self):
        for name in ('amphora', 'my-amphora-1', 'db-node-1', 'k8s-master-0'):
            self.assertTrue(self.of(server(name), Protects.ALL).protected)

    def test_an_instance_of_a_service_that_asks_is_protected(self):
        one = server('amphora-1', HA_Enabled='yes')
        for protects in (Protects.TAGGED, Protects.ALL):
            self.assert_decided(True, Source.METADATA, self.of(one, protects))

    def test_the_key_is_an_option(self):
        rule = entitlement.Rule('Save-Me')
        one = server(**{'Save-Me': 'on'})
        word = rule.of(
            one, Protects.TAGGED, chosen=False, shared_storage=False
        )
        self.assertTrue(word.protected)
        self.assertIn('Save-Me=on', word.why)


class OptionsTest(base.TestCase):
    def assert_refused(self, name, value):
        conf = fake_cloud.make_conf(self.make_folder())
        self.assertRaises(
            ValueError, conf.set_override, name, value, 'protection'
        )

    def test_projects_are_named_by_their_ids(self):
        self.assert_refused('service_projects', ['service'])

    def test_a_key_is_one_that_nova_takes(self):
        self.assert_refused('metadata_key', '')
        self.assert_refused('metadata_key', 'a/b')
