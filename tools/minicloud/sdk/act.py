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
"""Have a guest do something, through its agent: act.py URI UUID WORD.

Prints the moment right before the guest was asked, in seconds since the
epoch, and what the guest said. WORD is one of ACT in tools/minicloud/image.py.
"""

import base64
import json
import sys
import time

import libvirt
import libvirt_qemu

LIMIT_SECONDS = 60
# One that is about to die may not answer any more.
FATAL_SECONDS = 10
FATAL = ('hang', 'panic', 'poweroff', 'reboot')

uri, uuid, word = sys.argv[1:]
domain = libvirt.open(uri).lookupByUUIDString(uuid)


def ask(verb, seconds=LIMIT_SECONDS, **arguments):
    """One command of QEMU's guest agent."""
    command = json.dumps({'execute': verb, 'arguments': arguments})
    said = libvirt_qemu.qemuAgentCommand(domain, command, seconds, 0)
    return json.loads(said)['return']


def outcome(process):
    """What it printed, once it has ended."""
    deadline = time.monotonic() + LIMIT_SECONDS
    while not (found := ask('guest-exec-status', pid=process))['exited']:
        if time.monotonic() > deadline:
            sys.exit(f'{word} does not end')
        time.sleep(0.1)
    return base64.b64decode(found.get('out-data', '')).decode()


ask('guest-ping')
moment = time.time()
said = ''
try:
    process = ask(
        'guest-exec',
        FATAL_SECONDS if word in FATAL else LIMIT_SECONDS,
        path='/bin/act',
        arg=[word],
        **{'capture-output': True},
    )
except libvirt.libvirtError as error:
    # It may be dead before it could say that it has begun to die.
    gone = error.get_error_code() == libvirt.VIR_ERR_AGENT_UNRESPONSIVE
    if not gone or word not in FATAL:
        raise
else:
    if word not in FATAL:
        said = outcome(process['pid'])
print(moment, said.strip())
