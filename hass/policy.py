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

"""The enforcer: rules live in code, a policy file may override them."""

from collections.abc import Sequence

from oslo_config import cfg
from oslo_policy import opts
from oslo_policy import policy

from hass import policies


def make_enforcer(conf: cfg.ConfigOpts) -> policy.Enforcer:
    """An enforcer that knows every rule of ours.

    :param conf: where [oslo_policy] is looked up
    """
    opts.set_defaults(conf, policy_file='policy.yaml')
    enforcer = policy.Enforcer(conf)
    enforcer.register_defaults(policies.list_rules())
    return enforcer


def get_enforcer(argv: Sequence[str] = ()) -> policy.Enforcer:
    """For oslopolicy-policy-generator and its kin.

    They read their own command line; only configuration files count here.
    """
    conf = cfg.ConfigOpts()
    conf(list(argv), project='hass')
    return make_enforcer(conf)
