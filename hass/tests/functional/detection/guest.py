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

"""A guest of QEMU with a BMC, whose root is this machine's, read-only."""

import json
import pathlib
import shlex
import subprocess
import sys
import threading

from hass.tests.functional import ramdisk
from tools import packages

NEEDS = ('qemu-system-x86', 'busybox-static')
PROGRAM = 'hass.tests.functional.detection.in_guest'
ROOT = pathlib.Path(__file__).parents[4]
# In the order in which they need each other.
MODULES = (
    'virtio_ring',
    'virtio',
    'virtio_pci_modern_dev',
    'virtio_pci_legacy_dev',
    'virtio_pci',
    'netfs',
    'fscache',
    '9pnet',
    '9pnet_virtio',
    '9p',
    'ipmi_msghandler',
    'ipmi_devintf',
    'ipmi_si',
    'ipmi_watchdog',
)
INIT = """#!/busybox sh
b=/busybox
$b mount -t proc proc /proc
$b mount -t sysfs sys /sys
$b mount -t devtmpfs dev /dev
for module in {modules}; do
    options=
    [ $module = ipmi_watchdog ] && options='timeout=10 action=reset'
    $b insmod /$module.ko $options || echo "no module $module"
done
$b mount -t 9p -o trans=virtio,version=9p2000.L,ro,cache=loose,msize=262144 \\
    root /host
for folder in proc sys dev; do $b mount --move /$folder /host/$folder; done
# Nothing may cover the machine's /tmp: these files may be there.
export TMPDIR=/dev
cd /host
exec $b chroot /host /bin/sh -c {command}
"""


def initramfs(kernel: pathlib.Path) -> bytes:
    """Kernel modules and a program that runs ours on the machine's root."""
    command = (
        f'cd {shlex.quote(str(ROOT))}; export PYTHONDONTWRITEBYTECODE=1; '
        f'exec {shlex.quote(sys.executable)} -m {PROGRAM}'
    )
    init = INIT.format(modules=' '.join(MODULES), command=shlex.quote(command))
    files = {
        'init': (0o755, init.encode()),
        'busybox': (0o755, pathlib.Path('/bin/busybox').read_bytes()),
    }
    files |= ramdisk.modules(kernel, MODULES)
    return ramdisk.pack(('proc', 'sys', 'dev', 'host'), files)


class Guest:
    """Boots, and collects what the program in it prints.

    :param port: where QEMU finds the BMC, a extern_bmc.ExternBmc
    :ivar seen: the last finding of each detector
    :ivar console: every other line
    """

    def __init__(self, folder: pathlib.Path, port: int) -> None:
        packages.ensure(*NEEDS)
        kernel = packages.kernel()
        (folder / 'initramfs').write_bytes(initramfs(kernel))
        (vmlinuz,) = kernel.glob('boot/vmlinuz*')
        self.seen: dict[str, dict[str, str]] = {}
        self.console: list[str] = []
        self._process = subprocess.Popen(
            ['qemu-system-x86_64', '-M', 'pc,accel=tcg', '-m', '384']
            + ['-nodefaults', '-display', 'none', '-no-reboot']
            + ['-kernel', str(vmlinuz), '-initrd', str(folder / 'initramfs')]
            + ['-append', 'console=ttyS0 quiet panic=-1', '-serial', 'stdio']
            + ['-fsdev', 'local,id=root,path=/,security_model=none,'
               'readonly=on,multidevs=remap']
            + ['-device', 'virtio-9p-pci,fsdev=root,mount_tag=root']
            # QEMU 7.2 crashes if the socket is connected from the start.
            + ['-chardev', f'socket,id=bmc,host=127.0.0.1,port={port},'
               'reconnect=1']
            + ['-device', 'ipmi-bmc-extern,id=bmc0,chardev=bmc']
            + ['-device', 'isa-ipmi-kcs,bmc=bmc0'],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors='replace',
        )  # fmt: skip
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            try:
                told = json.loads(line)
                self.seen[told.pop('detector')] = told
            except (ValueError, AttributeError, KeyError):
                self.console.append(line)

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
        self._reader.join()
