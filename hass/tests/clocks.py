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

"""A clock whose hands a test turns."""

import datetime


class HandClock:
    """Stands still until it is turned; both times run together."""

    def __init__(self):
        self.wall = datetime.datetime(2030, 1, 1)
        self.boottime = 1000.0

    def now(self):
        return self.wall

    def monotonic(self):
        return self.boottime

    def turn(self, seconds):
        self.wall += datetime.timedelta(seconds=seconds)
        self.boottime += seconds

    def set_wall(self, seconds):
        """The wall clock jumps, time itself goes on."""
        self.wall += datetime.timedelta(seconds=seconds)
