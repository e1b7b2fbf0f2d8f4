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

"""What the tables have in common."""

from typing import Any

from horizon import tables


class Table(tables.DataTable):
    """Rows that are what the client returns."""

    def get_object_id(self, datum: Any) -> str:
        return str(datum.uuid)


class DictTable(tables.DataTable):
    """Rows that are answers as they came.

    :cvar key: the field that tells one from the other
    :cvar shown: the field that people know it by
    """

    key: str
    shown: str

    def get_object_id(self, datum: Any) -> str:
        return str(datum[self.key])

    def get_object_display(self, datum: Any) -> str:
        return str(datum[self.shown])
