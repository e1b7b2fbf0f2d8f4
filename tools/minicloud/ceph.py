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

"""A Ceph cluster of one monitor and one OSD, for volumes.

Nothing of it is in the kernel: QEMU and Cinder reach it through librbd. It
listens on the storage network of the controller; the data are in the OSD's
memory and last as long as the lab.
"""

import base64
import pathlib
import uuid

from tools.minicloud.lab import address
from tools.minicloud.lab import Lab
from tools.minicloud.lab import PORTS
from tools.minicloud.lab import write
from tools.minicloud import processes

POOL = 'volumes'
# Room for some tens of volumes of which little is written.
_BYTES = 2 << 30
_CONFIG = """\
[global]
fsid = {fsid}
mon_host = v1:{address}:{port}
public_addr = {address}
ms_bind_msgr2 = false
# Nobody else reaches this network.
auth_cluster_required = none
auth_service_required = none
auth_client_required = none
log_to_stderr = true
log_file =
mon_cluster_log_to_file = false
admin_socket =
# One OSD holds the only copy.
mon_allow_pool_size_one = true
osd_pool_default_size = 1
osd_pool_default_pg_autoscale_mode = off
osd_crush_chooseleaf_type = 0
[mon]
mon_data = {data}/mon
[mgr]
mgr_data = {data}/mgr
# It tells Cinder how much room there is; its modules would be of no use.
mgr_module_path = {data}/none
mgr_initial_modules =
[osd]
osd_data = {data}/osd
osd_objectstore = memstore
memstore_device_bytes = {bytes}
# With these a starting OSD orders things of the monitor, now and then before
# it knows the cluster's fsid: "wrong fsid", and it ends.
osd_class_update_on_start = false
osd_crush_update_on_start = false
"""


def config(lab: Lab) -> pathlib.Path:
    """What its clients read as well."""
    return lab.etc / 'ceph.conf'


def bindings(lab: Lab) -> pathlib.Path:
    """The folder of Ceph's modules for Python, and nothing else."""
    return lab.root / 'ceph-bindings'


def up(lab: Lab) -> None:
    """Make an empty cluster with a pool.

    :raises LabError: it does not come up
    """
    fsid, osd = str(uuid.uuid4()), str(uuid.uuid4())
    data = lab.data / 'ceph'
    for name in ('mon', 'mgr', 'osd', 'none'):
        (data / name).mkdir(parents=True)
    where = address('controller', 'storage')
    text = _CONFIG.format(
        fsid=fsid,
        address=where,
        port=PORTS['ceph'],
        bytes=_BYTES,
        data=data,
    )
    write(config(lab), text)
    monmap = str(data / 'monmap')
    mon = ['--add', 'a', f'{where}:{PORTS["ceph"]}']
    processes.run(['monmaptool', '--create', '--fsid', fsid, *mon, monmap])
    run(lab, 'ceph-mon', '--id', 'a', '--mkfs', '--monmap', monmap)
    _start(lab, 'ceph-mon', 'a')
    processes.await_port(lab, 'controller', where, PORTS['ceph'], 'ceph-mon')
    _start(lab, 'ceph-mgr', 'a')
    number = run(lab, 'ceph', 'osd', 'new', osd).strip()
    run(lab, 'ceph-osd', '--id', number, '--mkfs', '--osd-uuid', osd)
    place = [f'osd.{number}', '1', 'root=default']
    run(lab, 'ceph', 'osd', 'crush', 'add', *place)
    _start(lab, 'ceph-osd', number)
    run(lab, 'ceph', 'osd', 'pool', 'create', POOL, '8')
    run(lab, 'rbd', 'pool', 'init', POOL)


def run(lab: Lab, program: str, *arguments: str) -> str:
    """Run a program of Ceph to its end, on the controller.

    :raises LabError: it failed
    """
    argv = [program, '--conf', str(config(lab)), *arguments]
    return processes.run(processes.inside('controller', argv))


def _start(lab: Lab, program: str, name: str) -> None:
    argv = [program, '--conf', str(config(lab)), '--id', name, '-f']
    processes.start(lab, 'controller', program, argv)


def read(lab: Lab, image: str, count: int) -> bytes:
    """The first bytes of an image, as others would find them now."""
    script = pathlib.Path(__file__).with_name('sdk') / 'volume.py'
    argv = [lab.venv / 'bin/python', script, config(lab)]
    said = processes.run(
        processes.inside('controller', [*argv, POOL, image, str(count)]),
        env={'PYTHONPATH': str(bindings(lab))},
    )
    return base64.b64decode(said)
