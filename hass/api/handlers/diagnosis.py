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


"""What is known of a host, why HASS does what it does, and how it looks.

/v1/hosts/{host}/layers, /v1/hosts/{host}/explain and
/v1/clusters/{cluster}/strategy
"""

from collections.abc import Sequence
import datetime
from typing import Any

import falcon

from hass.api import engines
from hass.api.front import admit
from hass.api import moments
from hass.api import parts as api_parts
from hass.db import clusters
from hass.db import hosts
from hass.db import instance_observations
from hass.db import models
from hass.db import moments as db_moments
from hass.db import observations
from hass.db import recoveries
from hass.db import services
from hass.diagnosis import estimates
from hass.diagnosis import layers
from hass.diagnosis import search
from hass.diagnosis import trees
from hass import faults
from hass.policies import clusters as cluster_rules
from hass.policies import hosts as host_rules

STALE_SECONDS = 90.0
"""An engine says three times in this time that its explanation holds."""


def view_of_observation(
    seen: faults.Observation, now: datetime.datetime
) -> dict[str, Any]:
    return {
        'layer': seen.layer,
        'verdict': seen.verdict,
        'seen_at': moments.shown(seen.seen_at),
        'age_seconds': round(layers.age_seconds(seen, now), 1),
        'stale': not layers.fresh(seen, now),
        'detector': seen.detector,
        'seen_by': seen.seen_by,
        'certainty': seen.certainty,
        'network': seen.network,
        'detail': seen.detail,
    }


def view_of_standing(
    one: layers.Standing, now: datetime.datetime
) -> dict[str, Any]:
    by = one.by
    return {
        'layer': one.aspect,
        'state': one.state,
        'age_seconds': by and round(layers.age_seconds(by, now), 1),
        'detector': by and by.detector,
        'seen_by': by and by.seen_by,
        'certainty': by and by.certainty,
        'network': by and by.network,
        'detail': one.why or (by and by.detail) or '',
        'conflict': one.conflict,
    }


def view_of_instances(
    counted: dict[faults.Layer, dict[faults.Verdict, int]],
) -> dict[str, dict[str, int]]:
    """How many instances are seen so, by each layer above the host's."""
    above = (
        faults.Layer.INSTANCE,
        faults.Layer.GUEST_OS,
        faults.Layer.GUEST_NETWORK,
    )
    return {
        layer: {
            verdict: counted.get(layer, {}).get(verdict, 0)
            for verdict in faults.Verdict
        }
        for layer in above
    }


def view_of_tree(tree: trees.Tree) -> dict[str, Any]:
    """Nested: a probe with what follows, or the layers found."""
    if isinstance(tree, trees.Leaf):
        return {'found': list(tree.candidates)}
    return {
        'probe': tree.layer,
        'failed': view_of_tree(tree.failed),
        'healthy': view_of_tree(tree.healthy),
    }


def view_of_search(strategy: search.Strategy) -> dict[str, Any]:
    return {
        'expected_seconds': round(strategy.expected_seconds, 3),
        'worst_seconds': round(strategy.worst_seconds, 3),
        'seconds': {
            layer: round(seconds, 3) for layer, seconds in strategy.seconds
        },
    }


class Diagnosis:
    """Shows; the engines wrote it."""

    def __init__(self, parts: api_parts.Parts) -> None:
        self._parts = parts

    def on_get_layers(
        self, req: falcon.Request, resp: falcon.Response, host: str
    ) -> None:
        admit(req, host_rules.SHOW_LAYERS)
        with self._parts.database.reader() as session:
            row = hosts.get(session, host)
            seen = observations.of_host(session, row.name)
            counted = instance_observations.counts(session, row.name)
            now = db_moments.read_now(session)
        found = layers.standings(seen, now)
        resp.media = {
            'host': row.name,
            'layers': [
                view_of_standing(one, now)
                for one in found
                if isinstance(one.aspect, faults.Layer)
            ],
            'side_paths': [
                view_of_standing(one, now)
                for one in found
                if isinstance(one.aspect, faults.SidePath)
            ],
            'observations': [view_of_observation(one, now) for one in seen],
            'degraded': row.degraded or [],
            'instances': view_of_instances(counted),
        }

    def on_get_explain(
        self, req: falcon.Request, resp: falcon.Response, host: str
    ) -> None:
        admit(req, host_rules.EXPLAIN)
        with self._parts.database.reader() as session:
            row = hosts.get(session, host)
            now = db_moments.read_now(session)
        at = row.explained_at
        resp.media = {
            'host': row.name,
            'explanation': row.explanation,
            'explained_at': moments.shown(at),
            'stale': at is None or (now - at).total_seconds() > STALE_SECONDS,
        }

    def on_get_strategy(
        self, req: falcon.Request, resp: falcon.Response, cluster: str
    ) -> None:
        admit(req, cluster_rules.SHOW_STRATEGY)
        with self._parts.database.reader() as session:
            row = clusters.get(session, cluster)
            alive = services.alive(session, engines.ALIVE_SECONDS)
            counted = recoveries.faults_counted(session)
        looking = max(
            (one for one in alive if one.estimates and one.detectors),
            key=lambda one: one.turn_at,
            default=None,
        )
        protected = [one for one in faults.Layer if one in row.layers]
        resp.media = {
            'cluster': row.name,
            'engine': looking and looking.name,
            **_strategy(looking, protected, counted),
        }


def _strategy(
    engine: models.Service | None,
    protected: Sequence[faults.Layer],
    counted: dict[faults.Layer, int],
) -> dict[str, Any]:
    """How the lowest failed layer would be looked for now.

    :param engine: whose detectors and probe times count; priors without one
    """
    written = (engine and engine.estimates) or {}
    known = estimates.Estimates(
        estimates.Estimates.from_dict(written).times,
        estimates.FaultCounts(counted),
    )
    working = _detectors(engine)
    trigger = protected[-1]
    serial = search.strategy(known.problem(protected, working, trigger, 1))
    concurrent = search.strategy(
        known.problem(protected, working, trigger, None)
    )
    numbers = known.to_dict()
    return {
        'trigger': trigger,
        'tree': view_of_tree(serial.tree),
        'tree_text': str(serial.tree),
        'serial': view_of_search(serial),
        'concurrent': view_of_search(concurrent),
        'indistinguishable': [list(it) for it in serial.indistinguishable],
        'layers': [
            {'layer': one, 'detectors': working.get(one, [])} | numbers[one]
            for one in protected
        ],
    }


def _detectors(
    engine: models.Service | None,
) -> dict[faults.Layer, list[str]]:
    """Names of the detectors that work now, by layer."""
    found: dict[faults.Layer, list[str]] = {}
    for name, one in sorted(((engine and engine.detectors) or {}).items()):
        if one['layer'] in list(faults.Layer) and not one['why']:
            found.setdefault(faults.Layer(one['layer']), []).append(name)
    return found
