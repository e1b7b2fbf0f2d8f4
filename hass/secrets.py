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

"""What the database holds encrypted: BMC passwords and agent keys.

The keys are Fernet's (AES-128-CBC and HMAC-SHA256), one a line, the newest
first. The first one encrypts, every one decrypts.
"""

from collections.abc import Sequence
import logging
import os
import pathlib
import stat
import tempfile

from cryptography import fernet

from hass import exception

LOG = logging.getLogger(__name__)

OPTION = '[secrets] keyring_file'


class Keyring:
    """The keys of a file; a changed file is read again.

    :raises hass.exception.ConfigError: the file cannot be used
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = pathlib.Path(path)
        self._seen = _look(self._path)
        self._fernet = _fernet(read(self._path))

    def __len__(self) -> int:
        return len(read(self._path))

    def encrypt(self, text: str) -> str:
        """With the newest key; the result is ASCII."""
        return self._newest().encrypt(text.encode()).decode()

    def decrypt(self, secret: str, what: str) -> str:
        """The text again.

        :param what: what to call it in the error
        :raises hass.exception.SecretUnreadable: no key opens it
        """
        try:
            return self._newest().decrypt(secret.encode()).decode()
        except (fernet.InvalidToken, UnicodeError):
            raise exception.SecretUnreadable(what) from None

    def renew(self, secret: str, what: str) -> str:
        """The same secret, encrypted with the newest key.

        :raises hass.exception.SecretUnreadable: no key opens it
        """
        return self.encrypt(self.decrypt(secret, what))

    def _newest(self) -> fernet.MultiFernet:
        try:
            seen = _look(self._path)
            if seen != self._seen:
                self._seen = seen
                self._fernet = _fernet(read(self._path))
        except exception.ConfigError as error:
            # Half a copy of a new one must not stop what works.
            LOG.error('%s; the keys read before stay in use', error)
        return self._fernet


def create(path: str | os.PathLike[str]) -> None:
    """Make a keyring with one key.

    :raises hass.exception.ConfigError: there is one, or it cannot be written
    """
    if os.path.lexists(path):
        raise exception.ConfigError(
            OPTION, f'{path} exists: rotate it, or secrets are lost'
        )
    _write(pathlib.Path(path), [fernet.Fernet.generate_key()])


def rotate(path: str | os.PathLike[str]) -> int:
    """Put a new key before the others; returns how many there are now.

    :raises hass.exception.ConfigError: the file cannot be used
    """
    file = pathlib.Path(path)
    keys = [fernet.Fernet.generate_key(), *read(file)]
    _write(file, keys, file.stat())
    return len(keys)


def read(path: pathlib.Path) -> list[bytes]:
    """The keys of a file, the newest first.

    :raises hass.exception.ConfigError: it cannot be used; no key is told
    """
    _check(path)
    try:
        keys = path.read_bytes().split()
    except OSError as error:
        raise _refused(path, f'cannot be read: {error.strerror}') from None
    for number, key in enumerate(keys, 1):
        try:
            fernet.Fernet(key)
        except ValueError:
            raise _refused(path, f'line {number} is not a key') from None
    if not keys:
        raise _refused(path, 'holds no key')
    return keys


def _fernet(keys: Sequence[bytes]) -> fernet.MultiFernet:
    return fernet.MultiFernet([fernet.Fernet(key) for key in keys])


def _look(path: pathlib.Path) -> tuple[int, int, int]:
    try:
        found = path.stat()
    except FileNotFoundError:
        raise _refused(
            path, 'does not exist: run hass-manage keyring create'
        ) from None
    except OSError as error:
        raise _refused(path, f'cannot be read: {error.strerror}') from None
    return found.st_ino, found.st_mtime_ns, found.st_size


def _check(path: pathlib.Path) -> None:
    _look(path)
    found = path.stat()
    mode = stat.S_IMODE(found.st_mode)
    if mode != 0o600:
        raise _refused(path, f'has mode {mode:04o}, wanted is 0600')
    # Root manages and checks the keyring of the service's user.
    if os.geteuid() != 0 and found.st_uid not in (0, os.geteuid()):
        raise _refused(
            path,
            f'belongs to uid {found.st_uid}, wanted is root or the user of '
            f'the service (uid {os.geteuid()})',
        )


def _write(
    path: pathlib.Path,
    keys: Sequence[bytes],
    owner: os.stat_result | None = None,
) -> None:
    """At once: a reader finds the old file or the whole new one."""
    try:
        number, name = tempfile.mkstemp(dir=path.parent, prefix='.keyring-')
        with open(number, 'wb') as file:
            file.write(b''.join(key + b'\n' for key in keys))
            os.fsync(file.fileno())
        if owner is not None:
            os.chown(name, owner.st_uid, owner.st_gid)
        os.replace(name, path)
    except OSError as error:
        raise _refused(path, f'cannot be written: {error.strerror}') from None


def _refused(path: pathlib.Path, reason: str) -> exception.ConfigError:
    return exception.ConfigError(OPTION, f'{path} {reason}')
