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

"""Up and down of the whole lab."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
import shutil
import time

from tools.minicloud import backends
from tools.minicloud import bmcs
from tools.minicloud import configs
from tools.minicloud import fabric
from tools.minicloud import hosts
from tools.minicloud import install
from tools.minicloud.lab import keep_shape
from tools.minicloud.lab import Lab
from tools.minicloud.lab import NETWORKS
from tools.minicloud import libvirtd
from tools.minicloud import openstack
from tools.minicloud import processes

Say = Callable[[str], None]


def progress() -> Say:
    """A function that prints what is done and the seconds so far."""
    began = time.monotonic()

    def say(text: str) -> None:
        print(f'[{time.monotonic() - began:5.1f} s] {text}', flush=True)

    return say


def up(lab: Lab, say: Say) -> None:
    """Bring the cloud up, from whatever is there.

    A lab that did not come up is taken down again.
    """
    down(lab)
    install.install(lab, say)
    try:
        _up(lab, say)
    except BaseException:
        say('that failed: taking it down')
        down(lab)
        raise


def _up(lab: Lab, say: Say) -> None:
    shutil.rmtree(lab.log, ignore_errors=True)
    lab.run.mkdir(parents=True)
    keep_shape(lab)
    configs.write_all(lab)
    if lab.guests:
        libvirtd.build_storage(lab)
    fabric.up(lab)
    install.unpack(lab)
    say('namespaces, networks, data')
    with ThreadPoolExecutor(1) as pool:
        ready = pool.submit(backends.start, lab)
        for host in lab.hosts:
            hosts.prepare(lab, host)
            bmcs.start(lab, host)
        ready.result()
    say('MariaDB, RabbitMQ, memcached')
    for name in openstack.APIS:
        openstack.start_api(lab, name)
    openstack.start_rpc_services(lab)
    openstack.await_apis(lab)
    say('Keystone, Placement, Glance, Neutron, Nova')
    openstack.script(lab, 'resources')
    if lab.guests:
        prefix = NETWORKS['guests']
        openstack.script(lab, 'guests', str(lab.image), prefix)
    for host in lab.hosts:
        bmcs.await_answer(lab, host)
        hosts.power_on(lab, host)
    say(f'{lab.size} hosts are on')
    openstack.script(lab, 'servers', 'await-hosts', *lab.hosts)
    say('all compute services are up')
    (lab.run / 'up').touch()


def down(lab: Lab, purge: bool = False) -> None:
    """Take everything down and leave nothing running or mounted.

    The installation stays, and the logs; with purge nothing does.
    """
    (lab.run / 'up').unlink(missing_ok=True)
    for host in lab.hosts:
        # No BMC may boot a host behind our back.
        bmcs.kill(lab, host)
    fabric.down()
    for folder in (lab.run, lab.data, lab.etc):
        shutil.rmtree(folder, ignore_errors=True)
    if purge:
        shutil.rmtree(lab.root, ignore_errors=True)


def status(lab: Lab) -> dict[str, object]:
    """What runs and what does not, for people and programs."""
    daemons = {}
    if lab.run.exists():
        for path in sorted(lab.run.glob('*.pid')):
            daemons[path.stem] = processes.pid_of(lab, path.stem) is not None
    return {
        'folder': str(lab.root),
        'installed': install.pristine(lab).exists(),
        'up': lab.is_up(),
        'namespaces': fabric.ours(),
        'daemons': daemons,
        'hosts': {
            host: {
                'on': hosts.is_on(lab, host),
                'processes': len(processes.members(host)),
            }
            for host in lab.hosts
            if lab.is_up()
        },
    }
