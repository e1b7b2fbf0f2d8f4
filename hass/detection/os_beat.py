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


"""The operating system, in band: its agent beats, so something runs there."""

from collections.abc import Sequence
import math

from hass.detection import base
from hass import exception
from hass import faults

Verdict = faults.Verdict


class OsBeat(base.Detector):
    """Tells of the beats that this engine hears anyway.

    Silence raises suspicions and proves nothing: no search for the failed
    layer asks this again.
    """

    layer = faults.Layer.OS
    searched = False
    seconds = 1.0

    def __init__(self, tools: base.Tools) -> None:
        super().__init__(tools)
        if tools.silence is None:
            raise exception.ConfigError('[engine] listen', 'nobody listens')
        self._silence = tools.silence

    def probe(self, subject: base.Subject) -> Sequence[base.Finding]:
        heard = self._silence(subject.host)
        if heard is None:
            return [
                base.Finding(
                    Verdict.UNKNOWN,
                    'no beat is expected, or this engine may not judge',
                )
            ]
        seconds, too_long = heard
        if not (math.isfinite(seconds) and seconds >= 0):
            return [base.Finding(Verdict.UNKNOWN, f'silent for {seconds} s')]
        if not too_long:
            return [
                base.Finding(
                    Verdict.HEALTHY, f'its agent beat {seconds:.1f} s ago'
                )
            ]
        return [
            base.Finding(
                Verdict.FAILED,
                f'its agent is silent for {seconds:.1f} s',
                certainty=faults.Certainty.INFERRED,
            )
        ]
