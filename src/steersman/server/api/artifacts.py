"""Artifacts: what attempts left, taken away whole, file by file, or all of a run at once.

What is in them is never believed: it goes out as a file to keep, never as a page of this server.
"""

from __future__ import annotations

import tarfile
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from pydantic import with_config
from sqlalchemy import delete, or_, select, update
from typing_extensions import TypedDict

from steersman.blobs.base import Blobs, Missing
from steersman.core.errors import Conflict, NotFound, Unavailable, UserError
from steersman.core.permissions import Action
from steersman.server import access, archives, auditing, downloads, problems, views
from steersman.server.access import Caller, Parts, Who
from steersman.server.answers import answer
from steersman.server.api.runs import run_of
from steersman.server.checked import STRICT
from steersman.server.closing import closed
from steersman.server.downloads import TAR, Download
from steersman.server.paths import Identity, RunName
from steersman.server.platform import Platform
from steersman.server.streaming import Streamed
from steersman.store.base import Row, Transaction
from steersman.store.tables import artifacts, attempts, runs
from steersman.trees.base import Damaged

router = APIRouter(tags=["artifacts"])
MOST_FILES = 10_000
LONGEST = 100 * 365 * 86400.0
LONGEST_NAME = 150


@with_config(STRICT)
class Expiry(TypedDict):
    """When an artifact goes: in so many seconds, or as the project keeps such things."""

    expires_in: float | None


async def _artifact(parts: Platform, who: Caller, identity: str, action: Action) -> Row:
    where = (artifacts.c.id == identity, views.viewer(who).sees(artifacts.c.project_id))
    row = await parts.store.read(lambda tx: tx.one(select(artifacts).where(*where)))
    if row is None:
        raise NotFound(f"there is no artifact {identity}")
    await access.project(parts, who, row["project_id"], action)
    return row


def _expired(parts: Platform, row: Row) -> Response | None:
    """Return the answer for an artifact that is over, though nobody may have removed it yet."""
    if row["expires"] is None or parts.clock.now() < row["expires"]:
        return None
    detail = f"the artifact {row['name']} expired at {views.time(row['expires'])}"
    return problems.problem(410, "expired", detail, hint="retry the job that makes it")


@router.get("/artifacts/{identity}")
async def get_artifact(request: Request, identity: Identity, parts: Parts, who: Who) -> Response:
    """Return an artifact, a tar. `Range` works on one range, the ETag is its SHA-256."""
    row = await _artifact(parts, who, identity, Action.ARTIFACT_GET)
    if over := _expired(parts, row):
        return over
    found = Download(row["blob"], row["size"], row["sha256"], f"{row['name']}.tar")
    return await downloads.send(request, parts.blobs, found)


@router.get("/artifacts/{identity}/files")
async def list_files(request: Request, identity: Identity, parts: Parts, who: Who) -> Response:
    """List what is in an artifact, the first 10,000 members."""
    row = await _artifact(parts, who, identity, Action.ARTIFACT_GET)
    if over := _expired(parts, row):
        return over
    try:
        found = await archives.listed(parts.blobs.get(row["blob"]), MOST_FILES)
    except (Damaged, Missing) as error:
        raise _damaged(row, error) from error
    items = [
        {
            "name": archives.shown(member.name),
            "kind": archives.kind(member),
            "size": member.size,
            "mode": member.mode & 0o7777,
        }
        for member in found.members
    ]
    return answer(request, {"items": items, "truncated": found.truncated, "next": None})


def _damaged(row: Row, error: Exception) -> Conflict:
    what = f"nothing can be taken out of the artifact {row['name']}: {error}"
    return Conflict(what, hint="take it away as a whole, or retry the job that makes it")


@router.get("/artifacts/{identity}/files/{path:path}")
async def get_file(identity: Identity, path: str, parts: Parts, who: Who) -> Response:
    """Return one regular file of an artifact; links are not followed."""
    row = await _artifact(parts, who, identity, Action.ARTIFACT_GET)
    if over := _expired(parts, row):
        return over
    try:
        found = await archives.extract(parts.blobs.get(row["blob"]), path)
    except (Damaged, Missing) as error:
        raise _damaged(row, error) from error
    if found is None:
        raise NotFound(f"the artifact {row['name']} has no file {path[:200]}")
    size, pieces = found
    headers = {
        "Content-Length": str(size),
        "Content-Disposition": downloads.attachment(path.rpartition("/")[2]),
        **downloads.HARMLESS,
    }
    return Streamed(pieces, media_type="application/octet-stream", headers=headers)


@router.get("/runs/{identity:path}/artifacts.tar")
async def get_all(identity: RunName, parts: Parts, who: Who) -> Response:
    """Return all artifacts of a run as a tar of tars, in folders named by job and attempt."""
    run = await run_of(parts, who, identity, Action.ARTIFACT_GET)
    now = parts.clock.now()
    query = (
        select(artifacts, attempts.c.number.label("attempt"))
        .join_from(artifacts, attempts, artifacts.c.attempt_id == attempts.c.id)
        .where(artifacts.c.run_id == run["id"])
        .where(or_(artifacts.c.expires.is_(None), artifacts.c.expires > now))
        .order_by(artifacts.c.id)
    )
    rows = await parts.store.read(lambda tx: tx.all(query))
    if not rows:
        raise NotFound(f"the run {run['number']} of {run['project']} has no artifacts")
    name = downloads.attachment(f"{run['project']}-{run['number']}-artifacts.tar")
    headers = {"Content-Disposition": name, **downloads.HARMLESS}
    return Streamed(_joined(parts.blobs, rows), media_type=TAR, headers=headers)


async def _joined(blobs: Blobs, rows: list[Row]) -> AsyncIterator[bytes]:
    for row in rows:
        info = tarfile.TarInfo(_member_name(row))
        info.size, info.mtime = row["size"], int(row["created"])
        yield info.tobuf(tarfile.PAX_FORMAT)
        sent = 0
        async with closed(blobs.get(row["blob"], 0, row["size"])) as pieces:
            async for piece in pieces:
                sent += len(piece)
                yield piece
        if sent != row["size"]:
            # It is too late to say so but by an end that is none.
            raise Unavailable(f"the blob {row['blob']} is shorter than it was")
        yield bytes(-sent % tarfile.BLOCKSIZE)
    yield bytes(2 * tarfile.BLOCKSIZE)


def _member_name(row: Row) -> str:
    """Name an artifact where it cannot lead elsewhere, nor be too long for a file system."""
    name, job = quote(row["name"], safe=" "), quote(row["job"], safe="")
    if len(name) > LONGEST_NAME:
        name = row["id"]
    return f"{job[:LONGEST_NAME]}-{row['attempt']}/{row['kind']}-{name}.tar"


@router.patch("/artifacts/{identity}")
async def change_artifact(
    request: Request, identity: Identity, body: Expiry, parts: Parts, who: Who
) -> Response:
    """Say how long an artifact is kept from now on."""
    row = await _artifact(parts, who, identity, Action.ARTIFACT_DELETE)
    if over := _expired(parts, row):
        return over
    seconds = body["expires_in"]
    if seconds is not None and not 0 <= seconds <= LONGEST:
        raise UserError("expires_in: say how many seconds from now, at most a hundred years")
    which = artifacts.c.id == row["id"]

    def change(tx: Transaction) -> Row | None:
        expires = None if seconds is None else tx.now + seconds
        tx.execute(update(artifacts).where(which).values(expires=expires))
        _note(tx, who, "artifact-expire", row, seconds)
        return tx.one(select(artifacts).where(which))

    found = await parts.store.write(change)
    if found is None:
        raise NotFound(f"there is no artifact {identity}")
    return answer(request, views.artifact(found))


@router.delete("/artifacts/{identity}", status_code=204)
async def remove_artifact(identity: Identity, parts: Parts, who: Who) -> Response:
    """Remove an artifact; one a run may still need stays until that has ended."""
    row = await _artifact(parts, who, identity, Action.ARTIFACT_DELETE)

    def remove(tx: Transaction) -> None:
        _refuse_needed(tx, row)
        tx.execute(delete(artifacts).where(artifacts.c.id == row["id"]))
        _note(tx, who, "artifact-remove", row)

    await parts.store.write(remove)
    return Response(status_code=204)


def _refuse_needed(tx: Transaction, row: Row) -> None:
    """Keep an output as long as a later job of its run may begin with it."""
    ended = tx.value(select(runs.c.ended).where(runs.c.id == row["run_id"]))
    if row["kind"] == "output" and ended is None:
        raise Conflict("the run has not ended and may need this", hint="wait, or cancel the run")


def _note(tx: Transaction, who: Caller, action: str, row: Row, detail: Any = None) -> None:
    auditing.note(tx, who.name, action, f"{row['run_id']}/{row['job']}/{row['name']}", detail)
