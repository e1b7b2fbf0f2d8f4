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

"""A kernel and a shell that do one thing after they booted."""

import dataclasses
import functools
import lzma
import pathlib

from hass.tests.functional import ramdisk
from tools import packages

NEEDS = ('qemu-system-x86', 'busybox-static', 'qemu-guest-agent')
AGENT = '/usr/sbin/qemu-ga'
# In the order in which they need each other.
MODULES = (
    'virtio_ring',
    'virtio',
    'virtio_pci_modern_dev',
    'virtio_pci_legacy_dev',
    'virtio_pci',
    'virtio_console',
    'virtio_blk',
    'failover',
    'net_failover',
    'virtio_net',
    'watchdog',
    'i6300esb',
    'pvpanic',
    'pvpanic-mmio',
)
INIT = """#!/busybox sh
b=/busybox
$b mount -t proc proc /proc
$b mount -t sysfs sys /sys
$b mount -t devtmpfs dev /dev
for module in {modules}; do
    options=
    [ $module = i6300esb ] && options=heartbeat=2
    $b insmod /$module.ko $options || echo "no module $module"
done
said() {{ $b sed -n "s/.*$1=\\([^ ]*\\).*/\\1/p" /proc/cmdline; }}
address=$(said address)
[ -n "$address" ] && $b ip address add $address/24 dev eth0
[ -n "$address" ] && $b ip link set eth0 up
agent=/dev/$($b ls /sys/class/virtio-ports | $b head -n 1)
if [ -x {agent} ]; then
    $b mkdir -p /var/run
    {agent} -d -m virtio-serial -p $agent
elif [ -c $agent ]; then
    exec 3<>$agent
fi
echo UP
case $(said deed) in
    panic) echo c >/proc/sysrq-trigger ;;
    poweroff) $b poweroff -f ;;
    reboot) $b reboot -f ;;
    hang) echo >/dev/watchdog ;;
    write) $b dd if=/dev/zero of=/dev/vda bs=64k count=64 conv=fsync ;;
    leave) exec 3>&- ;;
    babble) while echo nonsense >&3; do $b sleep 0.1; done ;;
    flood) $b yes >&3 ;;
esac
while :; do $b sleep 1000; done
"""
XML = """<domain type='qemu'>
<name>{name}</name>
<uuid>{uuid}</uuid>
<metadata>{metadata}</metadata>
<memory unit='MiB'>112</memory>
<vcpu>1</vcpu>
<os>
  <type arch='x86_64' machine='pc'>hvm</type>
  <kernel>{folder}/vmlinux</kernel>
  <initrd>{folder}/{initrd}</initrd>
  <cmdline>console=ttyS0 quiet nokaslr mitigations=off {cmdline}</cmdline>
</os>
<features><acpi/></features>
<cpu mode='custom' match='exact'><model>qemu64</model></cpu>
<on_poweroff>destroy</on_poweroff>
<on_reboot>restart</on_reboot>
<on_crash>destroy</on_crash>
<devices>
  <emulator>/usr/bin/qemu-system-x86_64</emulator>
  {disk}
  {interface}
  <controller type='usb' model='none'/>
  <serial type='file'>
    <source path='{folder}/{name}.log'/><target port='0'/>
  </serial>
  <channel type='unix'>
    <target type='virtio' name='org.qemu.guest_agent.0'/>
  </channel>
  <memballoon model='none'/>
  <panic model='isa'/>
  <watchdog model='i6300esb' action='{action}'/>
</devices>
</domain>"""
DISK = """<disk type='file' device='disk'>
<driver name='qemu' type='raw' error_policy='stop'/>
<source file='{}'/><target dev='vda' bus='virtio'/>
</disk>"""
INTERFACE = """<interface type='ethernet'>
<mac address='{mac}'/>
<target dev='{device}' managed='no'/>
<model type='virtio'/>
</interface>"""
XMLNS = "xmlns:nova='http://openstack.org/xmlns/libvirt/nova/1.1'"
NOVA = f'<nova:instance {XMLNS}/>'
PORT = f"""<nova:instance {XMLNS}><nova:ports><nova:port uuid='{{port}}'>
<nova:ip type='fixed' address='{{address}}' ipVersion='4'/>
</nova:port></nova:ports></nova:instance>"""


@dataclasses.dataclass(frozen=True, slots=True)
class Wire:
    """The network of a guest; the device is there before."""

    port: str
    mac: str
    address: str

    @property
    def device(self) -> str:
        return f'tap{self.port[:11]}'


@functools.cache
def kernel() -> bytes:
    """The kernel, unpacked: it boots in half the time."""
    (vmlinuz,) = packages.kernel().glob('boot/vmlinuz*')
    data = vmlinuz.read_bytes()
    start = data.index(b'\xfd7zXZ\x00')
    return lzma.LZMADecompressor().decompress(data[start:])


def prepare(folder: pathlib.Path) -> None:
    """Put what all guests boot into the folder.

    :raises packages.LeftOut: it cannot be had
    """
    packages.ensure(*NEEDS)
    init = INIT.format(modules=' '.join(MODULES), agent=AGENT)
    files = {
        'init': (0o755, init.encode()),
        'busybox': (0o755, pathlib.Path('/bin/busybox').read_bytes()),
    }
    files |= ramdisk.modules(packages.kernel(), MODULES)
    archive = ramdisk.pack(('proc', 'sys', 'dev'), files)
    (folder / 'initramfs').write_bytes(archive)
    (folder / 'initramfs-agent').write_bytes(archive + _agent())
    (folder / 'vmlinux').write_bytes(kernel())


def _agent() -> bytes:
    """QEMU's guest agent, and all that it is linked with."""
    agent = {AGENT[1:]: (0o755, pathlib.Path(AGENT).read_bytes())}
    return ramdisk.pack((), agent | ramdisk.libraries(AGENT))


def describe(
    folder: pathlib.Path,
    name: str,
    uuid: str,
    deed: str = 'none',
    action: str = 'none',
    disk: pathlib.Path | None = None,
    metadata: str = NOVA,
    wire: Wire | None = None,
    agent: bool = False,
) -> str:
    """The domain's XML.

    :param deed: see INIT
    :param action: of its watchdog
    :param agent: whether QEMU's guest agent runs in it
    """
    words = [f'deed={deed}', f'address={wire.address}' if wire else '']
    return XML.format(
        folder=folder,
        name=name,
        uuid=uuid,
        cmdline=' '.join(words),
        initrd='initramfs-agent' if agent else 'initramfs',
        action=action,
        disk=DISK.format(disk) if disk else '',
        interface=_filled(INTERFACE, wire),
        metadata=_filled(PORT, wire) or metadata,
    )


def _filled(template: str, wire: Wire | None) -> str:
    if wire is None:
        return ''
    return template.format(
        port=wire.port,
        mac=wire.mac,
        device=wire.device,
        address=wire.address,
    )
