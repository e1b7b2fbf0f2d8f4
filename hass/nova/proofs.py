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

"""Where a guest may run, and what proves that it does not run there."""

from collections.abc import Iterable, Mapping

from hass import exception
from hass.fencing import absence
from hass.fencing import base as fencing
from hass.nova import records

# How old a proof may be when the evacuation goes out, in seconds.
PROOF_SECONDS = fencing.PROOF_SECONDS
ABSENCE_SECONDS = 15.0  # agents report every 10 s

# Stands for the host that Nova's scheduler has yet to choose. Nobody can
# prove it, so nothing is sent before Nova has named it or given up.
UNKNOWN_HOST = '(not yet known)'


Proof = fencing.FencedHost | absence.DomainAbsent


def must_prove(
    server: records.Server, migrations: Iterable[records.Migration]
) -> frozenset[str]:
    """Every host where the guest of this server may be running.

    A guest is on the host that Nova names, unless a move is on its way
    or went wrong; so the answer is Nova's host together with what each
    migration of this server adds:

    - an unfinished one of any type: both ends. Without a destination it
      adds UNKNOWN_HOST: the scheduler may be choosing at this moment.
    - an evacuation that ended, however it ended: its destination, if
      that ever claimed resources (``destination_node``). The claim is
      made before anything is spawned, so without a claim nothing was.
      Nova's records do not tell a failure before the spawn from one
      after it, nor a late success from a failure.
    - any other move that failed: its destination likewise; a guest that
      migrates may have switched before the error.

    A host is let off again by a later move away from it that succeeded:
    nova-compute of that host has then destroyed or handed over its
    guest (for an evacuation only 'completed' says so).

    :param migrations: all of the server's, in any order, those of other
        servers are left out
    """
    own = sorted(
        (one for one in migrations if one.instance_uuid == server.uuid),
        key=lambda one: (one.created_at, one.id),
    )
    hosts: set[str] = set()
    for move in own:
        if move.status in records.SUCCEEDED and move.source:
            hosts.discard(move.source)
        hosts |= _added(move)
    # An unfinished move is let off by nothing.
    for move in own:
        if move.live:
            hosts |= _added(move)
    if server.host:
        hosts.add(server.host)
    return frozenset(hosts)


def _added(move: records.Migration) -> set[str]:
    if move.live:
        return {move.source or '', move.destination or UNKNOWN_HOST} - {''}
    claimed = move.destination if move.destination_node else None
    guest_may_be_there = move.failed or move.type == 'evacuation'
    return {claimed} if claimed and guest_may_be_there else set()


def check(
    server: records.Server,
    needed: Iterable[str],
    proofs: Mapping[str, Proof],
    now: float,
) -> None:
    """See that each host has a fresh proof.

    :param now: CLOCK_BOOTTIME in seconds
    :raises ProofMissing: one is missing, too old, or of something else
    """
    for host in sorted(set(needed)):
        if flaw := _flaw(server, host, proofs.get(host), now):
            raise exception.ProofMissing(server.uuid, host, flaw)


def _flaw(
    server: records.Server, host: str, proof: Proof | None, now: float
) -> str:
    if proof is None:
        return 'and nothing proves the contrary'
    if proof.host != host:
        return f'and the proof is one of {proof.host}'
    limit = PROOF_SECONDS
    if isinstance(proof, absence.DomainAbsent):
        limit = ABSENCE_SECONDS
        if proof.instance != server.uuid:
            return f'and the proof is one of {proof.instance}'
    age = now - proof.read_at
    if age < 0:
        return 'and the proof comes from another clock'
    if age > limit:
        return f'and the proof is {age:.1f} s old'
    return ''
