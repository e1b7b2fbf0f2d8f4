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

"""The personas: Keystone's default roles, each in a project of its own.

Keystone implies the lesser roles: admin, manager, member, reader.
"""

from oslo_policy import policy

ADMIN = 'rule:admin_api'
MANAGER = 'rule:project_manager_or_admin'
MEMBER = 'rule:project_member_or_admin'
READER = 'rule:project_reader_or_admin'
SERVICE = 'rule:service_or_admin'

_OWN = 'project_id:%(project_id)s'


def list_rules() -> list[policy.RuleDefault]:
    return [
        policy.RuleDefault(
            'admin_api',
            'role:admin',
            description='Operators of the cloud.',
        ),
        policy.RuleDefault(
            'service_or_admin',
            f'role:service or {ADMIN}',
            description='Other services and monitors, and operators.',
        ),
        policy.RuleDefault(
            'project_manager_or_admin',
            f'(role:manager and {_OWN}) or {ADMIN}',
            description='Managers of the project that owns the resource.',
        ),
        policy.RuleDefault(
            'project_member_or_admin',
            f'(role:member and {_OWN}) or {ADMIN}',
            description='Members of the project that owns the resource.',
        ),
        policy.RuleDefault(
            'project_reader_or_admin',
            f'(role:reader and {_OWN}) or {ADMIN}',
            description='Readers of the project that owns the resource.',
        ),
    ]


def rule(
    name: str, check: str, description: str, *operations: tuple[str, str]
) -> policy.DocumentedRuleDefault:
    """One rule of one resource.

    :param operations: (method, path) of what it guards
    """
    return policy.DocumentedRuleDefault(
        name=name,
        check_str=check,
        description=description,
        scope_types=['project'],
        operations=[
            {'method': method, 'path': path} for method, path in operations
        ],
    )
