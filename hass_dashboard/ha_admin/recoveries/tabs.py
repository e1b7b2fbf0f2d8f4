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

"""One recovery: its story, and what was known when it began."""

import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _
from horizon import tabs

from hass_dashboard.ha_admin.recoveries import tables
from hass_dashboard.ha_admin.recoveries import timeline
from hass_dashboard import words
from hassclient import clock

STATES = dict(words.STATES)
COLOURS = {True: 'success', False: 'danger', None: 'info'}
STATUSES = dict(words.STATE_STATUSES)


class StoryTab(tabs.Tab):
    """It is asked for again and again while the recovery is open."""

    name = _('Timeline')
    slug = 'story'
    template_name = 'hass_dashboard/story.html'

    def get_context_data(self, request: Any) -> dict[str, Any]:
        found = self.tab_group.kwargs['found']
        table = tables.EvacuationsTable(request, data=found.evacuations)
        live = f'{request.path}?{self.tab_group.param_name}={self.get_id()}'
        return {
            'found': found,
            'live_url': '' if found.ended_at else live,
            'state': STATES.get(found.state, found.state),
            'held': found.state == words.HELD,
            'looked_at': found.looked_at and words.moment(found.looked_at),
            'steps': [_drawn(step) for step in timeline.steps(*_line(found))],
            'evacuations': table,
        }


class EvidenceTab(tabs.TableTab):
    name = _('Evidence')
    slug = 'evidence'
    table_classes = (tables.EvidenceTable,)
    template_name = 'horizon/common/_detail_table.html'

    def get_evidence_data(self) -> list[Any]:
        found = self.tab_group.kwargs['found']
        return list(found.fault.get('evidence', []))


class FactsTab(tabs.Tab):
    name = _('Overview')
    slug = 'facts'
    template_name = 'hass_dashboard/facts.html'

    def get_context_data(self, request: Any) -> dict[str, Any]:
        found = self.tab_group.kwargs['found']
        kinds = dict(words.WORKFLOWS)
        return {
            'facts': [
                (_('ID'), found.uuid),
                (
                    _('Kind'),
                    kinds.get(found.workflow, words.plain(found.workflow)),
                ),
                (_('Host or instance'), found.subject),
                (_('Cluster'), found.cluster),
                (_('Layer'), words.layers(_layer(found.fault))),
                (_('Opened'), words.moment(found.opened_at)),
                (_('Deadline'), words.moment(found.deadline_at)),
                (_('Ended'), words.moment(found.ended_at)),
                (_('Acknowledged'), words.moment(found.acknowledged_at)),
                (_('Engine'), found.claimed_by),
            ]
        }


class RecoveryTabs(tabs.TabGroup):
    slug = 'recovery'
    tabs = (StoryTab, EvidenceTab, FactsTab)
    sticky = True


def _layer(fault: dict[str, Any]) -> list[str]:
    return [fault['layer']] if fault.get('layer') else []


def _line(found: Any) -> tuple[list[Any], datetime.datetime]:
    if found.ended_at:
        return found.history, datetime.datetime.fromisoformat(found.ended_at)
    return found.history, clock.Clock().now()


def _drawn(step: timeline.Step) -> dict[str, Any]:
    """What the page says; numbers as CSS reads them in any language."""
    return {
        'state': STATES.get(step.state, step.state),
        'colour': COLOURS[STATUSES.get(step.state)],
        'at': words.moment(step.at),
        'since': f'+{step.since:.1f}',
        'lasted': f'{step.lasted:.1f}',
        'left': f'{step.left:.2f}',
        'width': f'{step.width:.2f}',
        'why': step.why,
        'engine': step.engine,
    }
