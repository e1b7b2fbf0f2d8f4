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
"""The image of the real guests.

A kernel, an initial RAM disk and an empty disk of 1 MiB. The guest counts
its boots and says who it is on its console::

    GUEST-UP boot=2 id=0d5c… address=198.18.1.207

Its disk, in sectors of 512 bytes, is what an oracle reads:

===== ==================================================================
0     the number of boots
1     ``ID TICK``: the boot that runs, once a second
2     ``ID``: another boot that wrote there in between, if ever one did
16 …  ``ID`` of each boot, the first one in 17
===== ==================================================================

Runs on the Python of HASS, whose tests have the kernel already.
"""

import pathlib

from hass.tests.functional.agent import tiny_guest
from hass.tests.functional import ramdisk
from tools import packages

DISK_BYTES = 1 << 20
WATCHDOG_SECONDS = 5
INIT = f"""#!/bin/busybox sh
export PATH=/bin
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
for module in {' '.join(tiny_guest.MODULES)}; do
    insmod /$module.ko || echo "no module $module"
done
id=$(cut -d- -f1 /proc/sys/kernel/random/boot_id)
get() {{ dd if=/dev/vda bs=512 count=1 iflag=direct status=none skip=$1 |
    tr -d '\\0'; }}
put() {{ echo "$2 " | dd of=/dev/vda bs=512 count=1 oflag=direct \\
    conv=sync,notrunc,fsync status=none seek=$1; }}
boot=$(($(get 0) + 1))
put 0 $boot
put $((16 + boot)) $id
put 1 "$id 0"
ip link set lo up
net=$(sed 's/.*net=\\([0-9.]*\\).*/\\1/' /proc/cmdline)
address=none
if [ -e /sys/class/net/eth0 ]; then
    address=$net.$((0x$(cut -d: -f6 /sys/class/net/eth0/address)))
    ip addr add $address/24 dev eth0
    ip link set eth0 up
fi
if [ -e /dev/watchdog ]; then
    watchdog -F -t 1 -T {WATCHDOG_SECONDS} /dev/watchdog &
    echo $! >/run/feeder
fi
mkdir -p /dev/virtio-ports
for port in /sys/class/virtio-ports/*; do
    [ -r $port/name ] &&
        ln -s ../${{port##*/}} /dev/virtio-ports/$(cat $port/name)
done
port=/dev/virtio-ports/org.qemu.guest_agent.0
[ -e $port ] && qemu-ga -m virtio-serial -p $port -t /run -f /run/ga.pid &
echo "$boot $id $address" >/run/self
echo "GUEST-UP boot=$boot id=$id address=$address"
tick=0
while :; do
    writer=$(get 1 | cut -d' ' -f1)
    if [ "$writer" != $id ]; then
        echo "GUEST-TWICE id=$id other=$writer"
        put 2 "$writer"
    fi
    tick=$((tick + 1))
    put 1 "$id $tick"
    sleep 1
done &
while :; do sleep 1000; done
"""
ACT = """#!/bin/sh
export PATH=/bin
case $1 in
    self) cat /run/self ;;
    starve) kill -STOP $(cat /run/feeder) ;;
    hang) kill -STOP -1 ;;
    panic) echo c >/proc/sysrq-trigger ;;
    poweroff) poweroff -f ;;
    reboot) reboot -f ;;
esac
"""


def initramfs() -> bytes:
    """Shell, modules, guest agent and the two scripts."""
    files = {
        'init': (0o755, INIT.encode()),
        'bin/act': (0o755, ACT.encode()),
        'bin/qemu-ga': (0o755, pathlib.Path(tiny_guest.AGENT).read_bytes()),
    }
    shell = pathlib.Path('/bin/busybox').read_bytes()
    files['bin/busybox'] = (0o755, shell)
    files |= ramdisk.modules(packages.kernel(), tiny_guest.MODULES)
    files |= ramdisk.libraries(tiny_guest.AGENT)
    return ramdisk.pack(('dev', 'proc', 'sys', 'run'), files)


def build(folder: pathlib.Path) -> None:
    """Write vmlinux, initramfs and disk."""
    packages.ensure(*tiny_guest.NEEDS)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / 'vmlinux').write_bytes(tiny_guest.kernel())
    (folder / 'initramfs').write_bytes(initramfs())
    (folder / 'disk').write_bytes(bytes(DISK_BYTES))
