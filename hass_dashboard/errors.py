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

"""What the API says no to, in its own words.

Horizon's own tables of exceptions name these: a plug-in file is read before
Horizon's exceptions can be imported, so nothing of Horizon stands here.
"""


class Refused(Exception):
    """The API, or the way to it, says no; the sentence says why."""


class Missing(Refused):
    """There is no such thing, or none that this user may see."""


class LoggedOut(Exception):
    """The token is no longer good."""
