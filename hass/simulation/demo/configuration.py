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

"""Configuration files of many services in one process."""

import pathlib

from oslo_config import cfg

from hass import conf as options


def read(*files: pathlib.Path) -> cfg.ConfigOpts:
    """What a service reads, without its log: the process has one already.

    :raises oslo_config.cfg.Error: a value cannot be used
    """
    conf = cfg.ConfigOpts()
    options.register(conf)
    conf([], project='hass', default_config_files=[str(one) for one in files])
    return conf
