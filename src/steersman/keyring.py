"""Secrets at rest: sealed with AES-256-GCM, under a key of their project.

What is sealed is bound to its project and name, so that a row copied elsewhere opens nothing. It
says which key it needs: the newest key seals, older ones still open, and what they sealed can be
rotated. Only the server imports this.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from steersman.core.errors import Refused, UserError

VERSION = 1
KEY_BYTES = 32
_NONCE_BYTES = 12
_TAG_BYTES = 16
_MOST_BYTES = 64 * 1024
_DERIVED_FOR = b"steersman secrets of the project "
_KEY_ID = re.compile(r"[A-Za-z0-9._-]{1,32}")
_READ = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
_FORM = "each line of a keyring is `id:key`, the key being 32 bytes in base64, the newest first"


class Key(NamedTuple):
    """One key with its name; the key itself does not show when it is printed."""

    id: str
    secret: bytes

    def __repr__(self) -> str:
        return f"Key({self.id!r}, ...)"


class Keyring:
    """Seals with the first of *keys* and opens with any of them."""

    def __init__(self, keys: Sequence[Key]) -> None:
        _check(keys)
        self._newest = keys[0]
        self._keys = {key.id: key.secret for key in keys}

    def seal(self, project: str, name: str, value: bytes) -> bytes:
        """Seal *value*; the same value is sealed differently each time."""
        identity = self._newest.id.encode()
        nonce = os.urandom(_NONCE_BYTES)
        cipher = _cipher(self._newest.secret, project)
        header = bytes((VERSION, len(identity))) + identity
        return header + nonce + cipher.encrypt(nonce, value, _bound_to(project, name))

    def open(self, project: str, name: str, sealed: bytes) -> bytes:
        """Return what was sealed for this *project* and *name*; refuse anything else."""
        identity, rest = _parts(name, sealed)
        secret = self._keys.get(identity)
        if secret is None:
            raise Refused(
                f"the secret {name} was sealed with the key {identity!r}, which is not in the"
                " keyring",
                hint="put that key back into the keyring, or set the secret anew",
            )
        nonce, text = rest[:_NONCE_BYTES], rest[_NONCE_BYTES:]
        try:
            return _cipher(secret, project).decrypt(nonce, text, _bound_to(project, name))
        except InvalidTag:
            raise Refused(
                f"the secret {name} cannot be opened: it was sealed for another project or name,"
                f" with another key called {identity!r}, or it was changed since",
                hint="set the secret anew",
            ) from None

    def needs_rotation(self, sealed: bytes) -> bool:
        """Tell whether *sealed* was sealed with another key than the newest."""
        return _parts("that is to be rotated", sealed)[0] != self._newest.id

    def rotate(self, project: str, name: str, sealed: bytes) -> bytes:
        """Seal with the newest key what an older one sealed; the very same bytes if none did."""
        if not self.needs_rotation(sealed):
            return sealed
        return self.seal(project, name, self.open(project, name, sealed))


def new_key() -> Key:
    """Make a key with a name of its own."""
    return Key(os.urandom(4).hex(), os.urandom(KEY_BYTES))


def written(keys: Sequence[Key]) -> str:
    """Write *keys* as `parse` reads them."""
    return "".join(f"{key.id}:{base64.b64encode(key.secret).decode()}\n" for key in keys)


def parse(text: str, place: str) -> Keyring:
    """Read a keyring out of *text*; *place* says where that is from: a file or a variable.

    Blank lines and those that begin with `#` mean nothing.
    """
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1)]
    keys = [
        _key(f"{place}, line {number}", line)
        for number, line in lines
        if line and not line.startswith("#")
    ]
    try:
        return Keyring(keys)
    except UserError as error:
        raise UserError(f"{place}: {error}", hint=error.hint) from None


def read(path: Path) -> Keyring:
    """Read the keyring in the file *path*, which nobody but its owner may be able to read."""
    try:
        descriptor = os.open(path, _READ)
        try:
            _check_mode(path, os.fstat(descriptor).st_mode)
            content = os.read(descriptor, _MOST_BYTES)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise _unreadable(path, error) from error
    return parse(content.decode("utf-8", "replace"), str(path))


def create(path: Path) -> Keyring:
    """Write a keyring with one new key to *path*, where nothing may be yet."""
    key = new_key()
    try:
        descriptor = os.open(path, _CREATE, 0o600)
    except FileExistsError:
        raise UserError(
            f"there is already a keyring at {path}",
            hint="keep it: secrets that were sealed with it open with nothing else",
        ) from None
    except OSError as error:
        raise _unwritable(path, error) from error
    try:
        _write(descriptor, path, written([key]))
    except OSError as error:
        # Half a keyring would stand in the way of the next try.
        path.unlink(missing_ok=True)
        raise _unwritable(path, error) from error
    return Keyring([key])


def _write(descriptor: int, path: Path, text: str) -> None:
    """Write what must outlive a power cut: secrets will be sealed with it at once."""
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(descriptor)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _check(keys: Sequence[Key]) -> None:
    if not keys:
        raise UserError("there is no key in the keyring", hint=_FORM)
    for key in keys:
        if not _KEY_ID.fullmatch(key.id) or len(key.secret) != KEY_BYTES:
            raise UserError(f"the key {key.id[:40]!r} is no key of ours", hint=_FORM)
    ids = [key.id for key in keys]
    if twice := next((each for each in ids if ids.count(each) > 1), None):
        raise UserError(f"two keys are called {twice!r}", hint="each key has a name of its own")


def _check_mode(path: Path, mode: int) -> None:
    if not stat.S_ISREG(mode):
        raise UserError(f"the keyring {path} is not a file")
    if mode & 0o077:
        raise UserError(
            f"others than its owner may use the keyring {path} (mode {stat.S_IMODE(mode):04o})",
            hint=f"run `chmod 600 {path}`; if it could have been read, add a new key and rotate",
        )


def _key(place: str, line: str) -> Key:
    """Read one line. It is never quoted: it may be a key, badly written."""
    identity, colon, text = line.partition(":")
    try:
        secret = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        secret = b""
    if not colon or not _KEY_ID.fullmatch(identity) or len(secret) != KEY_BYTES:
        raise UserError(f"{place}: this is no key", hint=_FORM)
    return Key(identity, secret)


def _unreadable(path: Path, error: OSError) -> UserError:
    message = f"cannot read the keyring {path}: {error.strerror}"
    return UserError(message, hint="without it no secret can be opened; restore it from a backup")


def _unwritable(path: Path, error: OSError) -> Refused:
    return Refused(f"cannot write the keyring {path}: {error.strerror}")


def _cipher(secret: bytes, project: str) -> AESGCM:
    """Return the cipher of one project, so that no key seals more than one project's secrets."""
    info = _DERIVED_FOR + project.encode()
    return AESGCM(HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=info).derive(secret))


def _bound_to(project: str, name: str) -> bytes:
    if "\0" in project:
        raise ValueError("a project's id has no NUL in it")
    return project.encode() + b"\0" + name.encode()


def _parts(name: str, sealed: bytes) -> tuple[str, bytes]:
    """Take *sealed* apart: the key's id, and nonce with ciphertext."""
    if len(sealed) < 2 or sealed[0] != VERSION:
        raise _foreign(name)
    end = 2 + sealed[1]
    identity, rest = sealed[2:end].decode("ascii", "replace"), sealed[end:]
    if not _KEY_ID.fullmatch(identity) or len(rest) < _NONCE_BYTES + _TAG_BYTES:
        raise _foreign(name)
    return identity, rest


def _foreign(name: str) -> Refused:
    return Refused(
        f"the secret {name} is not in a form that this version can open",
        hint="set the secret anew, or run the newer version that sealed it",
    )
