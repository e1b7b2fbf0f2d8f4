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

"""A BMC for each host: OpenIPMI's simulator, in a namespace of its own.

They outlive their hosts. Power is read from the host's folder and changed
by ``chassis.py``.
"""

import pathlib
import signal

from tools.minicloud.lab import address
from tools.minicloud.lab import BMC_USER
from tools.minicloud.lab import Lab
from tools.minicloud.lab import LabError
from tools.minicloud.lab import secret
from tools.minicloud.lab import system_uuid
from tools.minicloud.lab import write
from tools.minicloud import processes

_LAN = """\
name "{host}"
set_working_mc 0x20
 startlan 1
  addr {address} 623
  priv_limit admin
  allowed_auths_callback none md2 md5 straight
  allowed_auths_user none md2 md5 straight
  allowed_auths_operator none md2 md5 straight
  allowed_auths_admin none md2 md5 straight
  guid {guid}
 endlan
 chassis_control "{folder}/chassis.sh"
 user 1 true "" "" user 10 none md2 md5 straight
 user 2 true "{user}" "{password}" admin 10 none md2 md5 straight
"""
_EMULATION = """\
mc_setbmc 0x20
mc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02
sel_enable 0x20 1000 0x0a
{sensors}mc_enable 0x20
"""
_SENSOR = """\
sensor_add 0x20 0 {number} {kind:#04x} 0x01 poll 500 file "{file}"
sensor_set_threshold 0x20 0 {number} settable 111000 {limits} 0 0 0
sensor_set_hysteresis 0x20 0 {number} settable 2 2
sensor_set_event_support 0x20 0 {number} enable scanning per-state {events}
main_sdr_add 0x20 {record}
"""
# Going over any of the three upper thresholds is an event.
_EVENTS = ' '.join(['000101010000000'] * 4)
# Name, IPMI sensor type, unit, reading, upper thresholds (non-critical,
# critical, non-recoverable).
CPU_TEMP = 'CPU Temp'
COOL = 45
_SENSORS = (
    (CPU_TEMP, 0x01, 1, COOL, (85, 95, 100)),
    ('Inlet Temp', 0x01, 1, 24, (40, 45, 50)),
)
# Reading the power happens often: no Python for that.
_CHASSIS = """\
#!/bin/sh
# chassis_control of ipmi_sim: get power | set power 0|1 | set reset 1 …
if [ "$1 $2" = "get power" ]; then
    if [ -e {host}/lie ]; then echo power:0
    elif [ -e {host}/on ]; then echo power:1
    else echo power:0
    fi
    exit 0
fi
export MINICLOUD_DIR={root}
exec python3 -SE {program} {name} "$@" >>{root}/log/chassis.out 2>&1
"""


def start(lab: Lab, host: str) -> None:
    """Start the BMC of a host, and wait until it answers."""
    folder = lab.run / 'bmc' / host
    (folder / 'state' / host).mkdir(parents=True, exist_ok=True)
    password = secret(lab, 'bmc')
    lan = _LAN.format(
        host=host,
        address=address(host, 'bmc'),
        # As a server's firmware encodes it (SMBIOS 3, section 7.2.1).
        guid=system_uuid(lab, host).bytes_le.hex(),
        folder=folder,
        user=BMC_USER,
        password=password,
    )
    write(folder / 'lan.conf', lan, 0o600)
    write(folder / 'emulation', _emulation(folder))
    chassis = _CHASSIS.format(
        host=lab.host(host),
        root=lab.root,
        name=host,
        program=pathlib.Path(__file__).with_name('chassis.py'),
    )
    write(folder / 'chassis.sh', chassis)
    (folder / 'chassis.sh').chmod(0o755)
    argv: list[processes.Argument] = ['ipmi_sim', '-n']
    argv += ['-c', folder / 'lan.conf', '-f', folder / 'emulation']
    argv += ['-s', folder / 'state']
    processes.start(lab, 'bmc', f'bmc-{host}', argv)


def await_answer(lab: Lab, host: str) -> None:
    """Wait until the BMC answers.

    :raises LabError: it does not
    """

    def answers() -> bool:
        said = ipmitool(lab, host, 'chassis', 'power', 'status', check=False)
        return 'Chassis Power is' in said

    if not processes.until(answers, processes.START_SECONDS):
        raise LabError(f'the BMC of {host} does not answer')


def kill(lab: Lab, host: str) -> None:
    if pid := processes.pid_of(lab, f'bmc-{host}'):
        processes.send([pid], signal.SIGKILL)


def ipmitool(lab: Lab, host: str, *command: str, check: bool = True) -> str:
    """Speak to a host's BMC as some operator would."""
    # -E takes the password from the environment, not from argv.
    argv = ['ipmitool', '-I', 'lanplus', '-C', '3', '-R', '2', '-N', '2']
    argv += ['-H', address(host, 'bmc'), '-U', BMC_USER, '-E', *command]
    return processes.run(
        processes.inside('bmc', argv),
        env={'IPMI_PASSWORD': secret(lab, 'bmc')},
        check=check,
    )


def sensor_file(lab: Lab, host: str, name: str = CPU_TEMP) -> pathlib.Path:
    """Write a number into this file, and the sensor reads it."""
    return lab.run / 'bmc' / host / name.replace(' ', '-')


def _emulation(folder: pathlib.Path) -> str:
    sensors = ''
    for number, (name, kind, unit, value, limits) in enumerate(_SENSORS, 1):
        file = folder / name.replace(' ', '-')
        write(file, f'{value}\n')
        record = _full_record(number, name, kind, unit, limits)
        sensors += _SENSOR.format(
            number=number,
            kind=kind,
            file=file,
            limits=' '.join(str(limit) for limit in reversed(limits)),
            events=_EVENTS,
            record=' '.join(f'{byte:#04x}' for byte in record),
        )
    return _EMULATION.format(sensors=sensors)


def _full_record(
    number: int, name: str, kind: int, unit: int, limits: tuple[int, int, int]
) -> bytes:
    """A full sensor record (IPMI 2.0, section 43.1), readings as is."""
    warning, critical, dead = limits
    masks = bytes.fromhex('807a' * 2 + '3838')
    body = bytes([0x20, 0, number, 3, 1, 0x7F, 0x68, kind, 0x01]) + masks
    body += bytes([0, unit, 0, 0, 1, 0, 0, 0, 0, 0, 0])
    body += bytes([warning // 2, warning, 0, 255, 0])
    body += bytes([dead, critical, warning, 0, 0, 0, 2, 2, 0, 0, 0])
    body += bytes([0xC0 | len(name)]) + name.encode()
    return bytes([0, 0, 0x51, 1, len(body)]) + body
