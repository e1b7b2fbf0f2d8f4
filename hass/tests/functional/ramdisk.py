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

"""Initial RAM disks: cpio archives in the new ASCII format."""

from collections.abc import Iterable, Mapping
import gzip
import pathlib
import re
import subprocess

Files = dict[str, tuple[int, bytes]]
"""Mode and content by name."""


def modules(kernel: pathlib.Path, names: Iterable[str]) -> Files:
    """Modules of an unpacked kernel, all in the root folder."""
    found: Files = {}
    for name in names:
        (file,) = kernel.rglob(f'{name}.ko')
        found[file.name] = (0o644, file.read_bytes())
    return found


def libraries(program: str) -> Files:
    """What a program is linked with, each in its place."""
    said = subprocess.run(
        ['ldd', program], check=True, capture_output=True, text=True
    ).stdout
    return {
        path.lstrip('/'): (0o755, pathlib.Path(path).read_bytes())
        for path in re.findall(r'(?<!\S)/\S+', said)
    }


def pack(
    folders: Iterable[str], files: Mapping[str, tuple[int, bytes]]
) -> bytes:
    """A compressed archive.

    :param folders: beside those that the files are in
    """
    wanted = {*folders}
    for name in files:
        wanted |= {str(each) for each in pathlib.Path(name).parents}
    # Parents come first.
    parts = [_entry(name, 0o040755) for name in sorted(wanted - {'.'})]
    parts += [
        _entry(name, 0o100000 | mode, data)
        for name, (mode, data) in files.items()
    ]
    return gzip.compress(b''.join(parts) + _entry('TRAILER!!!', 0), 1)


def _entry(name: str, mode: int, data: bytes = b'') -> bytes:
    fields = [0, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0]
    head = b'070701' + b''.join(b'%08X' % one for one in fields)
    head += name.encode() + b'\0'
    return head + bytes(-len(head) % 4) + data + bytes(-len(data) % 4)
