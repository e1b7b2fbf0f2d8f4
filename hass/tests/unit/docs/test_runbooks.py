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

"""Each sentence with which HASS holds or pages has its runbook."""

import ast
import dataclasses
import datetime
import pathlib
import re

from hass.db import models
from hass.engine import alarms
from hass.recovery import host_failure
from hass.recovery import host_return
from hass.recovery import instance_failure
from hass.recovery import service_failure
from hass.tests import base
from hass.tests.unit.docs import sentences

ROOT = pathlib.Path(__file__).parents[4]
PAGE = ROOT / 'doc/source/admin/runbooks.rst'
PLAYED = ROOT / 'hass/tests/scenario/simulated'
WORKFLOWS = (
    host_failure.HostFailure,
    host_return.HostReturn,
    instance_failure.InstanceFailure,
    service_failure.ServiceFailure,
)
RUNBOOK = re.compile(
    r'^\.\. _([\w-]+):\n\n'
    r'(?:(?!\.\. _|:Reads:).*\n)*?'
    r':Reads:\n((?: .*\n|\n(?= ))+)(?::Held as: (\w+)\n)?',
    re.MULTILINE,
)
LITERAL = re.compile('``(.+?)``', re.DOTALL)
ROW = re.compile(r'^   \* - (\w+) (\w+)\n     - (\d+)\n', re.MULTILINE)


@dataclasses.dataclass(frozen=True)
class Runbook:
    """One of the page: the sentences that lead to it, and the kind."""

    anchor: str
    reads: tuple[str, ...]
    kind: str


def runbooks():
    return [
        Runbook(
            anchor,
            tuple(' '.join(one.split()) for one in LITERAL.findall(reads)),
            kind,
        )
        for anchor, reads, kind in RUNBOOK.findall(PAGE.read_text())
    ]


def doubts():
    """What diagnosis holds, with the kind of the hold."""
    module = 'diagnosis/diagnose'
    for _, call in sentences.calls(module, 'Doubt'):
        text = sentences.sentence(module, call.args[0])
        (passes,) = (one.value for one in call.keywords)
        kind = 'restraint' if ast.unparse(passes) == 'True' else 'safety'
        if sentences.has_words(text):
            yield text, kind
    for text in sentences.returned('diagnosis/isolation', 'decide'):
        yield text, 'restraint'


def unclear(module):
    """What is held when it stays unclear."""
    found = {
        sentences.sentence(module, call.args[1])
        for _, call in sentences.calls(module, '_unclear')
    }
    for _, call in sentences.calls('exception', '__init__'):
        text = sentences.sentence('exception', call.args[0])
        if text.startswith('Nova, '):
            found.add(text)
    if module == 'recovery/host_failure':
        found |= {
            sentences.sentence('diagnosis/diagnose', call.args[0])
            for _, call in sentences.calls('diagnosis/diagnose', 'Unclear')
        }
    return of_the_hold(found)


def of_the_hold(texts):
    """Sentences whose kind is said where they are handed on."""
    return [(one, '') for one in texts if sentences.has_words(one)]


def crowds():
    return of_the_hold(
        sentences.returned('diagnosis/restraint', 'too_many')
        | sentences.returned(
            'recovery/restraining', '_served', '_served_around'
        )
    )


def throngs():
    return of_the_hold(sentences.returned('recovery/throng', 'why'))


def modes():
    return of_the_hold(
        '…; ' + one
        for one in sentences.returned('recovery/service_failure', '_forbidden')
    )


def distrusted(where):
    """What a function of the proof says of a device that may lie."""
    return [
        sentences.sentence('recovery/proving', call.args[1])
        for function, call in sentences.calls('recovery/proving', 'Unproved')
        if function == where and ast.unparse(call.args[0]) == 'Lacks.TRUST'
    ]


def unbelieved():
    """Why a device is not asked to cut the power."""
    return of_the_hold(distrusted('_distrust'))


def belied():
    """Why a host that reads off is not taken for off."""
    signs = sentences.returned('recovery/proving', '_signs')
    return unbelieved() + of_the_hold(
        text.replace(sentences.ANY, sign)
        for text in distrusted('prove')
        for sign in signs
    )


def unfenceable():
    return of_the_hold('…; ' + one for one, _ in unbelieved())


def hindered():
    """What waits for a part of the control plane."""
    return of_the_hold(
        sentences.returned('recovery/control_plane', 'hindered')
    )


CARRIED = {
    ('recovery/control_plane', 'wait_for'): hindered,
    ('recovery/cutting', 'turn'): unbelieved,
    ('recovery/host', 'proof'): belied,
    ('recovery/host_failure', '_refusal'): unfenceable,
    ('recovery/host_failure', '_judge'): doubts,
    ('recovery/host_failure', '_unclear'): lambda: unclear(
        'recovery/host_failure'
    ),
    ('recovery/host_failure', '_count'): crowds,
    ('recovery/instance_failure', '_crowd'): throngs,
    ('recovery/instance_failure', 'count'): throngs,
    ('recovery/service_failure', '_condemn'): modes,
    ('recovery/service_failure', '_unclear'): lambda: unclear(
        'recovery/service_failure'
    ),
}
"""Where a hold only hands a sentence on, and who makes that, with the kind
where that is decided there."""


def holds():
    """Each hold of the source: where, the sentence, the kind."""
    for module in sentences.modules('recovery'):
        for function, call in sentences.calls(module, 'hold'):
            kind, why = call.args[:2]
            kind = ast.unparse(kind).rpartition('.')[2].lower()
            yield (module, function), sentences.sentence(module, why), kind


def of_evacuations():
    """Why single evacuations are held."""
    for module in sentences.modules('recovery'):
        for _, call in sentences.calls(module, 'settle'):
            if len(call.args) > 3 and 'HELD' in ast.unparse(call.args[2]):
                yield sentences.sentence(module, call.args[3])
    for _, call in sentences.calls('recovery/fates', 'Verdict'):
        fate, *why = call.args
        if why and ast.unparse(fate) == 'Fate.REFUSE':
            yield sentences.sentence('recovery/fates', why[0])
    yield from sentences.returned('disks', 'lost')
    yield from sentences.assigned('recovery/requesting', '_prepare', 'why')


def told():
    """All that may be read in a held recovery: the sentence, the kind."""
    found = set()
    for where, text, kind in holds():
        if sentences.has_words(text):
            found.add((text, kind))
        else:
            found |= {(one, own or kind) for one, own in CARRIED[where]()}
    found |= set(of_the_hold(of_evacuations()))
    found.add((sentences.constants('cmd/manage')['RESTORED'], 'safety'))
    return found


def pages():
    """What else is paged: dicts of a subject and a reason, and cries."""
    for module in sentences.modules('engine'):
        for _, node in sentences.functions(module):
            if isinstance(node, ast.Dict):
                keys = [getattr(key, 'value', '') for key in node.keys]
                if keys == ['subject', 'why']:
                    yield module, sentences.sentence(module, node.values[1])
        for _, call in sentences.calls(module, 'cry'):
            yield module, sentences.sentence(module, call.args[1])


class HeldTest(base.TestCase):
    def test_every_sentence_that_holds_has_a_runbook(self):
        reads = {one for book in runbooks() for one in book.reads}
        missing = {text for text, _ in told()} - reads
        self.assertEqual(set(), missing, f'write them into {PAGE}')

    def test_the_runbook_names_the_kind_of_the_hold(self):
        kinds = {one: book.kind for book in runbooks() for one in book.reads}
        for text, kind in told():
            self.assertEqual(kind, kinds[text], text)

    def test_a_hold_that_hands_a_sentence_on_says_whose(self):
        wordless = {
            where
            for where, text, _ in holds()
            if not sentences.has_words(text)
        }
        self.assertEqual(set(CARRIED), wordless)
        for where, source in CARRIED.items():
            self.assertNotEqual([], list(source()), where)

    def test_nothing_holds_but_by_hold(self):
        for module in sentences.modules('recovery'):
            for function, call in sentences.calls(module, 'Hop'):
                if ast.unparse(call.args[0]) == 'State.HELD':
                    self.assertEqual('hold', function, module)

    def test_what_simulated_hosts_were_held_with_leads_to_a_runbook(self):
        reads = [one for book in runbooks() for one in book.reads]
        said = set()
        for file in PLAYED.glob('*.expect'):
            said |= set(re.findall(r' held by [\w-]+: (.*)', file.read_text()))
        self.assertNotEqual(set(), said)
        for text in said:
            # What does not run there is named besides.
            why, _, _names = text.partition('; lost and paged: ')
            self.assertTrue(
                any(sentences.fits(one, why) for one in reads), why
            )


class PagesTest(base.TestCase):
    def test_every_page_has_a_runbook(self):
        reads = {one for book in runbooks() for one in book.reads}
        wordless = []
        for module, text in pages():
            if sentences.has_words(text):
                self.assertIn(text, reads, module)
            else:
                wordless.append(module)
        # These hand on what is looked at below.
        self.assertEqual(['engine/worries'], wordless)

    def test_so_have_instances_that_are_lost(self):
        with_them = alarms.alarm_of_losses(
            [_loss('web-1', 'it is paused'), _loss('web-2', 'it is paused')]
        )
        (book,) = (one for one in runbooks() if one.anchor == 'alarm-lost')
        begin, end = book.reads[0].strip('…').split(' do not: ')[0], 'do not'
        self.assertIn(f'{begin} {end}', with_them['why'])


def _loss(name, why):
    return models.Loss(
        uuid=f'uuid-of-{name}',
        instance_uuid=f'uuid-of-{name}',
        instance_name=name,
        host='compute-1',
        why=why,
        since=datetime.datetime(2030, 1, 1),
    )


class PageTest(base.TestCase):
    def test_every_runbook_can_be_linked_to(self):
        count = PAGE.read_text().count(':Reads:')
        self.assertEqual(count, len({one.anchor for one in runbooks()}))

    def test_no_runbook_waits_for_what_is_never_said(self):
        known = {text for text, _ in told()} | {text for _, text in pages()}
        for book in runbooks():
            if book.anchor != 'alarm-lost':
                self.assertEqual(set(), set(book.reads) - known, book.anchor)

    def test_every_deadline_is_in_the_table(self):
        self.assertEqual(
            {
                (story.name, str(state), span.total_seconds() / 60)
                for story in WORKFLOWS
                for state, span in story.deadlines.items()
            },
            {
                (story, state, float(minutes))
                for story, state, minutes in ROW.findall(PAGE.read_text())
            },
        )
