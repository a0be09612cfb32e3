"""What git needs to log in, on the disk only as long as it runs."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from steersman.core.errors import Refused
from steersman.mirrors import commands
from steersman.mirrors.addresses import Address
from steersman.mirrors.base import Credentials, Rules

_PREFIX = ".login-"
STALE = 3600.0
"""Seconds after which a folder was left by a server that was killed."""


@contextmanager
def opened(
    root: Path, address: Address, credentials: Credentials | None, rules: Rules
) -> Iterator[dict[str, str]]:
    """Give what is to be added to git's environment for it to log in at *address*."""
    try:
        _sweep(root)
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=root))
    except OSError as error:
        raise Refused(f"cannot write to {root}: {error.strerror}") from error
    try:
        askpass = folder / "askpass"
        _write(askpass, commands.ASKPASS, 0o700)
        key = folder / "key"
        has_key = credentials is not None and bool(credentials.key)
        if credentials and has_key:
            _write(key, credentials.key.replace("\r\n", "\n").rstrip("\n") + "\n", 0o600)
        known = rules.known_hosts or str(root / ".known_hosts")
        login = commands.Login(address, credentials, str(askpass), str(key) * has_key, known)
        yield commands.login_environment(login, rules)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _write(path: Path, text: str, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)


def _sweep(root: Path) -> None:
    for folder in root.glob(f"{_PREFIX}*"):
        with suppress(FileNotFoundError):
            if time.time() - folder.stat().st_mtime > STALE:
                shutil.rmtree(folder, ignore_errors=True)
