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

"""Write what the dashboard ships and is made of other files.

The default policy comes from the services' own, for Horizon to read. The
catalogues get what is new to translate, and are compiled. Tests compare all
of them, so that none is forgotten.
"""

import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
from typing import Any

import yaml

from hass import policies

DASHBOARD = pathlib.Path(__file__).resolve().parents[1] / 'hass_dashboard'
POLICY = DASHBOARD / 'conf/default_policies/hass.yaml'
CATALOGUE = DASHBOARD / 'locale/zh_TW/LC_MESSAGES/django.po'
# Horizon 27 calls it zh-hant, those before zh-tw.
COMPILED = ('zh_TW', 'zh_Hant')
MARKS = ('_', 'gettext', 'gettext_lazy', 'ngettext:1,2', 'ngettext_lazy:1,2')
TRANS = re.compile(r'{%\s*trans\s+"([^"]+)"\s*%}')
BLOCK = re.compile(
    r'{%\s*blocktrans[^%]*%}(.*?){%\s*endblocktrans\s*%}', re.DOTALL
)
# A file that says the same is the same.
DATES = re.compile(r'^"(POT-Creation|PO-Revision)-Date: .*\n', re.MULTILINE)


def policy() -> str:
    """The rules with their defaults, as Horizon's own command dumps them."""
    rules: list[dict[str, Any]] = []
    for rule in policies.list_rules():
        operations = getattr(rule, 'operations', [])
        rules.append(
            {
                'name': rule.name,
                'check_str': rule.check_str,
                'description': rule.description,
                'operations': [dict(one) for one in operations],
                'scope_types': rule.scope_types,
            }
        )
    return yaml.safe_dump(rules)


def template() -> str:
    """What there is to translate, as a catalogue without translations.

    :raises subprocess.CalledProcessError: gettext says no
    """
    with tempfile.TemporaryDirectory() as folder:
        said = pathlib.Path(folder) / 'templates.py'
        said.write_text(_said_by_templates())
        modules = sorted(DASHBOARD.rglob('*.py'))
        marks = [f'--keyword={mark}' for mark in MARKS]
        found = subprocess.run(
            ['xgettext', '--language=Python', '--from-code=UTF-8']
            + ['--no-location', '--sort-output', '--output=-', *marks]
            + [str(one) for one in (*modules, said)],
            check=True,
            capture_output=True,
            text=True,
        )
        return found.stdout.replace('charset=CHARSET', 'charset=UTF-8')


def merged(known: str) -> str:
    """The catalogue with what is new, and without what is gone."""
    with tempfile.TemporaryDirectory() as folder:
        old = pathlib.Path(folder) / 'old.po'
        old.write_text(known)
        new = pathlib.Path(folder) / 'new.pot'
        new.write_text(template())
        found = _run(
            'msgmerge', '--no-fuzzy-matching', '--quiet', '--output=-',
            '--sort-output', str(old), str(new),
        )  # fmt: skip
        return DATES.sub('', found)


def compiled(catalogue: pathlib.Path) -> bytes:
    """What gettext reads at run time."""
    with tempfile.TemporaryDirectory() as folder:
        made = pathlib.Path(folder) / 'django.mo'
        _run('msgfmt', '--check', f'--output-file={made}', str(catalogue))
        return made.read_bytes()


def _said_by_templates() -> str:
    """As Python that says the same."""
    found = []
    for one in sorted(DASHBOARD.rglob('*.html')):
        text = one.read_text()
        found += TRANS.findall(text)
        found += [_message(block) for block in BLOCK.findall(text)]
    return ''.join(f'_({message!r})\n' for message in found)


def _message(block: str) -> str:
    """A trimmed block, as Django looks it up."""
    words = ' '.join(line.strip() for line in block.strip().splitlines())
    return re.sub(r'{{\s*(\w+)\s*}}', r'%(\1)s', words)


def _run(*command: str) -> str:
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return done.stdout


def main() -> int:
    POLICY.parent.mkdir(parents=True, exist_ok=True)
    POLICY.write_text(policy())
    if shutil.which('xgettext') is None:
        print('the catalogues want xgettext: apt-get install gettext')
        return 1
    CATALOGUE.write_text(merged(CATALOGUE.read_text()))
    for name in COMPILED:
        folder = DASHBOARD / 'locale' / name / 'LC_MESSAGES'
        folder.mkdir(parents=True, exist_ok=True)
        (folder / 'django.mo').write_bytes(compiled(CATALOGUE))
    return 0


if __name__ == '__main__':
    sys.exit(main())
