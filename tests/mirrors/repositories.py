"""Real repositories to be mirrored, made without anybody's settings."""

from __future__ import annotations

import os
import subprocess
from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import Path
from tarfile import TarFile
from tarfile import open as open_tar

ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "HOME": "/nonexistent",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.com",
    "GIT_AUTHOR_DATE": "1700000000 +0100",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.com",
    "GIT_COMMITTER_DATE": "1700000000 +0100",
    "GIT_ALLOW_PROTOCOL": "file",
}


def git(folder: Path, *words: str) -> str:
    """Run git in *folder* for its output."""
    done = subprocess.run(
        ["git", *words], cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def repository(folder: Path, **files: str) -> Path:
    """Make a repository with a first commit of *files*."""
    folder.mkdir(parents=True)
    git(folder, "init", "-q", "-b", "main")
    commit(folder, "first", **(files or {"README": "hello\n"}))
    return folder


def commit(folder: Path, message: str, **files: str) -> str:
    """Commit *files*, beside whatever else has changed, and return its id."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "--allow-empty", "-m", message)
    return git(folder, "rev-parse", "HEAD")


async def collected(pieces: AsyncIterator[bytes]) -> bytes:
    """Return all of *pieces*."""
    return b"".join([piece async for piece in pieces])


def opened(data: bytes) -> TarFile:
    """Open the archive that *data* is."""
    return open_tar(fileobj=BytesIO(data), mode="r:")


def contents(data: bytes) -> dict[str, bytes]:
    """Return what the files of an archive hold, by name."""
    with opened(data) as archive:
        files = (member for member in archive if member.isfile())
        return {
            member.name: found.read() for member in files if (found := archive.extractfile(member))
        }


def script(path: Path, text: str) -> Path:
    """Make an executable of a few lines of shell."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path
