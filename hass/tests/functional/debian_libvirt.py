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

"""Debian's libvirt module, without what else is installed beside it."""

import glob
import os
import sys
import tempfile

from hass.tests import base
from tools import packages

FOLDER = '/usr/lib/python3/dist-packages'


def link(folder: str) -> str:
    """Put it into a folder of the search path; the folder.

    :raises packages.LeftOut: it is of another Python
    """
    packages.ensure('python3-libvirt')
    version = f'*cpython-3{sys.version_info.minor}-*'
    if not glob.glob(f'{FOLDER}/libvirtmod.{version}'):
        raise packages.LeftOut('the libvirt module is of another Python')
    for path in glob.glob(f'{FOLDER}/libvirt*'):
        os.symlink(path, os.path.join(folder, os.path.basename(path)))
    return folder


def borrow() -> None:
    """Let libvirt be imported, for the rest of this process.

    :raises packages.LeftOut: it is of another Python
    """
    if 'libvirt' in sys.modules:
        return
    with tempfile.TemporaryDirectory() as folder:
        sys.path.append(link(folder))
        try:
            for module in ('libvirt', 'libvirt_qemu'):
                __import__(module)
        finally:
            sys.path.remove(folder)


def need(test: base.TestCase) -> None:
    """Borrow it, or leave the test out, but not in CI."""
    try:
        borrow()
    except packages.LeftOut as why:
        if 'CI' in os.environ:
            raise
        sys.stderr.write(f'{test.id()}: {why}\n')
        test.skipTest(str(why))
