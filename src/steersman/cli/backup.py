"""`steer backup` and `steer restore`: all of a server's data in one file, while it runs.

The rows are taken first, by SQLite's own way of copying a database in use. What they name is
among the blobs then, since no blob is deleted within a day of being named last.
"""

from __future__ import annotations

import os
import sqlite3
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from steersman.cli.server_opening import data_folder
from steersman.core.errors import Refused, UserError

DATABASE = "steersman.db"
KEPT = ("keys", "blobs")
# Unfinished puts of the blob store: they belong to nobody yet.
UNFINISHED = "~parts"


def _data(function: Callable[..., Any]) -> Callable[..., Any]:
    decorated: Callable[..., Any] = click.option(
        "--data",
        type=click.Path(path_type=Path, file_okay=False),
        envvar="STEERSMAN_DATA",
        help="the server's folder [default: ~/.local/share/steersman]",
    )(function)
    return decorated


@click.command("backup")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@_data
def command(file: Path, data: Path | None) -> None:
    """Write database, keys and blobs to FILE, which is as secret as they are.

    The server may run meanwhile. Rows in PostgreSQL are for pg_dump, blobs in S3 for its own tools.
    """
    folder = data_folder(data)
    if not folder.is_dir():
        raise UserError(f"there is no folder {folder}", hint="name the server's by --data")
    if file.exists():
        raise UserError(f"{file} exists already", hint="name another file")
    fresh = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as target:
            rows = _write(folder, target)
            os.fsync(target.fileno())
        os.link(fresh, file)
    except OSError as error:
        raise Refused(f"cannot write {file}: {error.strerror or error}") from error
    finally:
        fresh.unlink(missing_ok=True)
    size = file.stat().st_size
    click.echo(f"wrote {file}, {size} bytes" + ("" if rows else "; the rows are not in it"))
    if not rows:
        click.echo("the database is not SQLite in this folder: keep it by pg_dump", err=True)


def _write(folder: Path, target: object) -> bool:
    """Write the archive; return whether the rows are in it."""
    with tarfile.open(fileobj=target, mode="w|") as archive:  # type: ignore[call-overload]
        rows = (folder / DATABASE).exists()
        if rows:
            with tempfile.TemporaryDirectory(dir=folder) as scratch:
                copy = Path(scratch) / DATABASE
                _copy(folder / DATABASE, copy)
                archive.add(copy, DATABASE)
        for name in KEPT:
            if (folder / name).is_dir():
                archive.add(folder / name, name, filter=_finished)
    return rows


def _finished(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    unfinished = UNFINISHED in member.name.split("/")
    return None if unfinished or not (member.isreg() or member.isdir()) else member


def _copy(source: Path, target: Path) -> None:
    """Copy a database that others use."""
    uri = f"{source.absolute().as_uri()}?mode=ro"
    before = sqlite3.connect(uri, uri=True, timeout=30)
    after = sqlite3.connect(target)
    try:
        before.backup(after)
    except sqlite3.Error as error:
        raise Refused(f"cannot copy {source}: {error}") from error
    finally:
        before.close()
        after.close()


@click.command("restore")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@_data
def restore(file: Path, data: Path | None) -> None:
    """Bring back what FILE holds into a folder that is empty or does not exist."""
    folder = data_folder(data)
    if folder.exists() and any(folder.iterdir()):
        raise UserError(f"{folder} is not empty", hint="name another folder by --data")
    os.umask(0o077)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with tarfile.open(file, mode="r|*") as archive:
            for member in archive:
                _check(member)
                archive.extract(member, folder, filter="data")
    except (tarfile.TarError, EOFError) as error:
        raise UserError(f"{file} is no backup: {error}") from error
    except OSError as error:
        raise Refused(f"cannot write {folder}: {error.strerror or error}") from error
    for path in (folder / DATABASE, *(folder / "keys").rglob("*")):
        if path.exists():
            path.chmod(0o700 if path.is_dir() else 0o600)
    click.echo(f"restored {folder}; start it by `steer up --data {folder}`")


def _check(member: tarfile.TarInfo) -> None:
    top = member.name.partition("/")[0]
    if top not in (DATABASE, *KEPT) or not (member.isreg() or member.isdir()):
        raise UserError(f"this is no backup of ours: it holds {member.name[:80]!r}")
