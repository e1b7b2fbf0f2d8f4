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

"""Sphinx: the documentation."""

import pathlib

import hass.cmd  # noqa: F401  (threads: oslo then loads no eventlet)

ROOT = str(pathlib.Path(__file__).parents[2])

project = 'HASS'
extensions = [
    'cliff.sphinxext',
    'openstackdocstheme',
    'oslo_config.sphinxconfiggen',
    'oslo_config.sphinxext',
    'oslo_policy.sphinxext',
    'oslo_policy.sphinxpolicygen',
]
exclude_patterns: list[str] = []
html_theme = 'openstackdocs'
openstackdocs_repo_name = 'openstack/hass'
openstackdocs_auto_name = False

config_generator_config_file = [
    (f'{ROOT}/etc/hass/hass-config-generator.conf', '_static/hass')
]
sample_config_basename = '_static/hass'
policy_generator_config_file = f'{ROOT}/etc/hass/hass-policy-generator.conf'
sample_policy_basename = '_static/hass'
