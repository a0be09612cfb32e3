"""The registry of steps: published once, never changed, found by version or range."""

from __future__ import annotations

import asyncio
import tempfile
from typing import IO, Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from steersman.core import versions
from steersman.core.errors import Conflict, NotFound, UserError
from steersman.core.permissions import Action, Role
from steersman.server import access, auditing, downloads, step_uploads, views
from steersman.server.access import Caller, Parts, Who
from steersman.server.answers import MOST, answer, from_cursor, page
from steersman.server.downloads import Download
from steersman.server.paths import StepPart, Wanted
from steersman.server.platform import Platform
from steersman.server.step_uploads import Checked
from steersman.store import published
from steersman.store.base import Row, Transaction

router = APIRouter(tags=["steps"])
LONGEST_SUMMARY = 1000


def _see(who: Caller) -> None:
    """Let everybody who is somebody here look, whose token is for looking."""
    access.require(who, Action.SEE, Role.VIEWER)


def _shown(row: Row) -> dict[str, Any]:
    return {
        "owner": row["owner"],
        "name": row["name"],
        "version": row["version"],
        "summary": row["summary"],
        "size": row["size"],
        "sha256": row["sha256"],
        "by": row["author"],
        "created": views.time(row["created"]),
    }


@router.get("/steps")
async def list_steps(
    request: Request,
    parts: Parts,
    who: Who,
    q: Annotated[str, Query(pattern="^[^\\x00]{0,100}$")] = "",
    limit: Annotated[int, Query(ge=1, le=MOST)] = 50,
    cursor: str | None = None,
) -> Response:
    """List published steps with their newest versions; `q` looks in names and summaries."""
    _see(who)
    after = from_cursor(cursor)
    if after is not None and not (isinstance(after, str) and after.isascii() and "\0" not in after):
        raise UserError("the cursor is none of ours", hint="use `next` of the last answer")
    rows, found = await parts.store.read(lambda tx: published.page(tx, q, after, limit))
    items = [_newest(each) for each in found]
    return page(request, rows, items, limit, "path")


def _newest(rows: list[Row]) -> dict[str, Any]:
    """Show a step by the version that `*` would take."""
    texts = [row["version"] for row in rows]
    taken = versions.newest(texts, "*") or texts[0]
    newest = next(row for row in rows if row["version"] == taken)
    return {**_shown(newest), "versions": len(rows)}


@router.get("/steps/{owner}/{name}")
async def show_step(
    request: Request, owner: StepPart, name: StepPart, parts: Parts, who: Who
) -> Response:
    """Show a published step with all its versions, the newest first."""
    _see(who)
    rows = await parts.store.read(lambda tx: published.versions_of(tx, owner, name))
    if not rows:
        raise NotFound(f"no step {owner}/{name} is published here")
    return answer(request, {**_newest(rows), "versions": [_shown(row) for row in rows]})


@router.get("/steps/{owner}/{name}/{version}/archive")
async def get_step(
    request: Request, owner: StepPart, name: StepPart, version: Wanted, parts: Parts, who: Who
) -> Response:
    """Return the files of a step as a tar: of a version, or of the newest one in a range."""
    _see(who)
    row = await parts.store.read(lambda tx: published.find(tx, owner, name, version))
    if row is None:
        raise NotFound(f"no step {owner}/{name} {version} is published here")
    file = f"{owner}-{name}-{row['version']}.tar"
    found = Download(row["blob"], row["size"], row["sha256"], file)
    return await downloads.send(request, parts.blobs, found, {"X-Step-Version": row["version"]})


@router.put("/steps/{owner}/{name}/{version}", status_code=201)
async def publish(
    request: Request, owner: StepPart, name: StepPart, version: StepPart, parts: Parts, who: Who
) -> Response:
    """Publish a step: the body is a tar or tar.gz of its folder, at most 100 MB.

    A version stays as it is for ever: the same bytes again are 200, others 409.
    """
    role = await parts.store.read(lambda tx: published.best_role(tx, who.user, who.project))
    access.require(who, Action.STEP_PUBLISH, role)
    if versions.parse(version) is None:
        raise UserError(f"{version!r} is no version", hint="number it as 1.2.3, or 1.2.3-rc.1")
    # A file is closed at once, and has no name anybody could open.
    with tempfile.TemporaryFile() as file:
        await step_uploads.receive(request.stream(), file)
        checked = await asyncio.to_thread(step_uploads.check, file, name, version)
        row = {"owner": owner, "name": name, "version": version, "author": who.name}
        known = await parts.store.read(lambda tx: published.exactly(tx, owner, name, version))
        if known is None:
            known = await _keep(parts, row, checked, file)
    if known is not None and known["sha256"] != checked.sha256:
        raise Conflict(
            f"the step {owner}/{name} {version} is published already, with other files",
            hint="give it a new version",
        )
    body = {"owner": owner, "name": name, "version": version, "sha256": checked.sha256}
    return answer(request, body, 201 if known is None else 200)


async def _keep(
    parts: Platform, row: dict[str, Any], checked: Checked, file: IO[bytes]
) -> Row | None:
    """Keep the archive; return the row of somebody who was faster."""
    identity = parts.clock.new_id()
    stored = await parts.blobs.put(f"steps/{identity}", step_uploads.plain_pieces(file))
    # Texts from YAML may hold what is no character.
    summary = checked.manifest.summary[:LONGEST_SUMMARY].encode("utf-8", "replace").decode()
    made = {"id": identity, "summary": summary, "blob": stored.key, "size": stored.size}

    def add(tx: Transaction) -> Row | None:
        known = published.add(tx, {**row, **made, "sha256": stored.sha256})
        if known is None:
            subject = f"{row['owner']}/{row['name']}@{row['version']}"
            auditing.note(tx, row["author"], "step-publish", subject, {"sha256": stored.sha256})
        return known

    return await parts.store.write(add)
