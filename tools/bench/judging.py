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


"""CPU that judging one host takes, beside its probes: no lab is needed.

``python -m tools.bench.judging`` prints the figures.
"""

from collections.abc import Callable
import datetime
import json
import time

from hass.diagnosis import accrual
from hass.diagnosis import diagnose
from hass.diagnosis import estimates
from hass.diagnosis import explain
from hass.diagnosis import layers
from hass.diagnosis import search
from hass import faults

TIMES = 500
NOW = datetime.datetime(2026, 1, 31)
NETWORKS = ('management', 'storage', 'tenant')
LAYERS = (
    faults.Layer.POWER,
    faults.Layer.HARDWARE,
    faults.Layer.OS,
    faults.Layer.NETWORK,
)


def _seen() -> list[faults.Observation]:
    looks = [
        (layer, f'{layer}_ipmi', '')
        for layer in LAYERS
        if layer is not faults.Layer.NETWORK
    ] + [(faults.Layer.NETWORK, 'network_icmp', net) for net in NETWORKS]
    return [
        faults.Observation(
            'compute-1', layer, name, faults.Verdict.HEALTHY, NOW, network
        )
        for layer, name, network in looks
    ]


def _search(number: int) -> None:
    """A whole search, with estimates that no cache has seen."""
    times = estimates.ProbeTimes().updated(
        faults.Layer.OS, 3.0 + number / 1000
    )
    problem = estimates.Estimates(times).problem(
        LAYERS, LAYERS, faults.Layer.NETWORK, None
    )
    verdicts: dict[faults.Layer, faults.Verdict] = {}
    for layer in LAYERS[:-1]:
        search.next_step(problem, verdicts, ())
        verdicts[layer] = faults.Verdict.HEALTHY
    search.next_step(problem, verdicts, ())


def _decide(_number: int) -> None:
    diagnose.diagnose(
        diagnose.Evidence(
            host='compute-1',
            suspected_at=NOW,
            heard=False,
            voices=dict.fromkeys(('b', 'c'), diagnose.Voice.SILENT),
            power=diagnose.Power.ON,
            networks=dict.fromkeys(NETWORKS, faults.Verdict.FAILED),
            compute_down=True,
        )
    )


def _explain(_number: int) -> None:
    explain.explain(
        explain.Situation(
            'compute-1',
            'rack-1',
            'act',
            'engine-1',
            silence=dict.fromkeys(NETWORKS, 4.0),
            suspicion=accrual.Suspicion.HIGH,
            known=layers.standings(_seen(), NOW),
        )
    )


def _strategy(number: int) -> None:
    times = estimates.ProbeTimes().updated(
        faults.Layer.OS, 5.0 + number / 1000
    )
    for limit in (1, None):
        search.strategy(
            estimates.Estimates(times).problem(
                LAYERS, LAYERS, faults.Layer.NETWORK, limit
            )
        )


def milliseconds() -> dict[str, float]:
    """CPU milliseconds a host, of each part."""
    parts: dict[str, Callable[[int], None]] = {
        'search': _search,
        'decide': _decide,
        'explain': _explain,
        'strategy': _strategy,
    }
    found = {name: _measure(part) for name, part in parts.items()}
    # A strategy is only shown.
    whole = found['search'] + found['decide'] + found['explain']
    return found | {'diagnosis of a host': round(whole, 4)}


def _measure(part: Callable[[int], None]) -> float:
    part(-1)
    began = time.process_time()
    for number in range(TIMES):
        part(number)
    return round((time.process_time() - began) / TIMES * 1000, 4)


if __name__ == '__main__':
    print(json.dumps(milliseconds(), indent=2))
