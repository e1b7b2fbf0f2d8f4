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

"""Volumes for a lab with real guests: Cinder, with Ceph behind it."""

from collections.abc import Callable

from tools.minicloud import ceph
from tools.minicloud import install
from tools.minicloud.lab import Lab
from tools.minicloud.lab import LabError
from tools.minicloud import openstack
from tools.minicloud import processes

Say = Callable[[str], None]

_DAEMONS = ('cinder-scheduler', 'cinder-volume')


def are_up(lab: Lab) -> bool:
    return (lab.run / 'volumes-up').exists()


def up(lab: Lab, say: Say) -> None:
    """Let guests have volumes; nothing happens when they can.

    :raises LabError: the hosts run no real guests, or it does not come up
    """
    if are_up(lab):
        return
    if not lab.guests:
        raise LabError('volumes need real guests: up --volumes')
    install.volumes(lab, say)
    ceph.up(lab)
    say('Ceph')
    for name in _DAEMONS:
        argv = [lab.venv / 'bin' / name]
        processes.start(
            lab,
            'controller',
            name,
            [*argv, '--config-file', lab.etc / 'cinder/cinder.conf'],
            {'PYTHONPATH': str(ceph.bindings(lab))},
        )
    openstack.script(lab, 'volumes', *_DAEMONS)
    say('Cinder')
    (lab.run / 'volumes-up').touch()
