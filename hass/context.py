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

"""Who asks, and what the policy allows them."""

from collections.abc import Mapping
from typing import Any

from oslo_context import context
from oslo_policy import policy

from hass import exception


class RequestContext(context.RequestContext):
    """The caller of one API request."""

    def __init__(self, *, enforcer: policy.Enforcer, **fields: Any) -> None:
        super().__init__(**fields)
        self._enforcer = enforcer

    def may(self, rule: str, target: Mapping[str, Any] | None = None) -> bool:
        """Whether the policy allows the rule on the target.

        Without a target the caller's own project is meant.
        """
        if target is None:
            target = {'project_id': self.project_id}
        return bool(self._enforcer.authorize(rule, dict(target), self))

    def can(self, rule: str, target: Mapping[str, Any] | None = None) -> None:
        """Insist that the policy allows it.

        :raises hass.exception.Forbidden: it does not
        """
        if not self.may(rule, target):
            raise exception.Forbidden(rule)
