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

"""Files of options that the documentation shows have options that exist."""

import re

from hass.tests import base
from hass.tests import documented

SAMPLE = documented.ROOT / 'etc/hass/hass.conf.sample'
OPTION = re.compile(r'([a-z_]+) *=')
LOGIN = frozenset(
    {
        *('auth_url', 'username', 'password', 'project_name'),
        *('user_domain_name', 'project_domain_name'),
    }
)
"""These come with the plug-in that auth_type names."""
ELSEWHERE = frozenset(
    {
        *('Install', 'Manager', 'Service', 'Unit'),
        *('entry_points', 'notifications', '[local|localrc]'),
        *('hass', 'hass-user'),
    }
)
"""Of other programs' files: systemd, setuptools, Nova, devstack, Kolla."""
OF_NOVA = frozenset(
    {
        ('DEFAULT', 'resume_guests_state_on_host_boot'),
        ('oslo_messaging_notifications', 'driver'),
    }
)


def sample():
    """Section to options, all of them commented out in the file."""
    found: dict[str, set[str]] = {}
    section = ''
    for line in SAMPLE.read_text().splitlines():
        if line.startswith('['):
            section = line.strip('[]')
        elif match := OPTION.match(line.lstrip('#')):
            found.setdefault(section, set()).add(match[1])
    return found


def shown():
    """Page, section and option of each line of such a block."""
    for page in documented.pages():
        for block in documented.blocks(page):
            if not block or not re.fullmatch(r'\[.*\]', block[0]):
                continue
            section = ''
            for line in block:
                if header := re.fullmatch(r'\[(.*)\]', line):
                    section = header[1]
                elif match := OPTION.match(line):
                    yield page, section, match[1]


class OptionsTest(base.TestCase):
    def test_every_option_exists(self):
        known = sample()
        self.assertIn('target_seconds', known['detection'])
        seen = 0
        for page, section, option in shown():
            if section in ELSEWHERE or (section, option) in OF_NOVA:
                continue
            if section in {'nova', 'keystone_authtoken'} and option in LOGIN:
                continue
            self.assertIn(
                option, known.get(section, ()), f'{page} [{section}]'
            )
            seen += 1
        self.assertGreater(seen, 20)
