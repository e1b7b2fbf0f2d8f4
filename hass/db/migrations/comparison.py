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

"""What is no difference between a model and its table."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql


def differs(
    context: Any, inspected: Any, column: Any, found: Any, wanted: Any
) -> bool | None:
    """For alembic's compare_type; None leaves it to alembic.

    MariaDB keeps JSON as LONGTEXT.
    """
    if isinstance(wanted, sa.JSON) and isinstance(found, mysql.LONGTEXT):
        return False
    return None
