"""Shells in boxes that are held: opened, typed into, watched and closed by one person.

What a shell prints is not masked, see `server/shells.py`.
"""

from __future__ import annotations

import base64
import json
import logging
from typing import Annotated, Any, NotRequired

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field, with_config
from typing_extensions import TypedDict

from steersman import wire
from steersman.core.attempts import State
from steersman.core.errors import Conflict, NotFound, SteersmanError, UserError
from steersman.core.permissions import Action
from steersman.server import access, auditing, shells, views
from steersman.server.access import Caller, Parts, Who
from steersman.server.answers import answer
from steersman.server.api.runs import attempt
from steersman.server.checked import STRICT
from steersman.server.paths import Identity
from steersman.server.platform import Platform
from steersman.server.shells import Asked, How, Shell
from steersman.server.streaming import Streamed
from steersman.store import listing
from steersman.store.base import Row

router = APIRouter(tags=["shells"])
MOST_TYPED = 64 * 1024
Characters = Annotated[int, Field(ge=1, le=1000)]
log = logging.getLogger("steersman.server")


@with_config(STRICT)
class TerminalSize(TypedDict):
    """The size of the terminal of whoever asks, in characters."""

    columns: NotRequired[Characters]
    rows: NotRequired[Characters]


@router.post("/attempts/{identity}/shell", status_code=201)
async def open_shell(
    request: Request, identity: Identity, body: TerminalSize, parts: Parts, who: Who
) -> Response:
    """Open a shell in the box of a failed job that is held; its secrets are not masked in there.

    409 says in words why there is none to be had.
    """
    row = await attempt(parts, who, identity, Action.SHELL)
    run = await parts.store.read(lambda tx: listing.run(tx, views.viewer(who), row["run_id"]))
    if run is None:
        raise NotFound(f"there is no attempt {identity}")
    name = f"{run['project']}/{run['number']}"
    _refuse(parts, row, run, name)
    asked = Asked(
        user=who.user,
        name=who.name,
        attempt=identity,
        project=row["project_id"],
        run=name,
        job=row["job"],
        columns=body.get("columns", 80),
        rows=body.get("rows", 24),
    )

    async def over(shell: Shell, seconds: float) -> None:
        await _note(parts, shell, "shell-close", seconds)

    shell = parts.shells.open(parts.clock.new_id(), asked, over)
    await _note(parts, shell, "shell-open")
    return answer(request, {"id": shell.id}, 201)


def _refuse(parts: Platform, row: Row, run: Row, name: str) -> None:
    """Raise `Conflict` unless the box of the attempt is held, and empty."""
    job, state = row["job"], State(row["state"])
    if state.is_final:
        again = f"`steer retry {name} {job} --hold 10` holds it should it fail again"
        raise Conflict(f"the job {job} has ended, and its box is gone", hint=again)
    if not (run["cause"] or {}).get("hold"):
        again = f"`steer trigger {run['project']} --hold 10` asks for it beforehand"
        raise Conflict(f"nobody asked for the box of {job} to be held", hint=again)
    if not parts.shells.is_held(row["id"]):
        hint = "its log says when; with several servers, ask the one that its runner asks"
        raise Conflict(f"the box of {job} is not held: it is once the job has failed", hint=hint)
    if inside := parts.shells.inside(row["id"]):
        raise Conflict(f"{inside} has a shell in the box of {job} already", hint="one at a time")


async def _note(parts: Platform, shell: Shell, action: str, seconds: float | None = None) -> None:
    asked = shell.asked
    detail: dict[str, Any] = {"job": asked.job, "attempt": asked.attempt, "shell": shell.id}
    if seconds is not None:
        detail |= {"seconds": round(seconds, 1), "how": shell.how}
    try:
        await parts.store.write(lambda tx: auditing.note(tx, asked.name, action, asked.run, detail))
    except SteersmanError as error:
        log.error("audit_lost: %s of %s in %s: %s", action, asked.name, asked.run, error)


async def _shell(parts: Platform, who: Caller, identity: str) -> Shell:
    """Return the shell *who* opened, as long as they may have one."""
    shell = parts.shells.find(identity)
    if shell is None or shell.asked.user != who.user:
        raise NotFound(f"there is no shell {identity}", hint="it is over, or on another server")
    await access.project(parts, who, shell.asked.project, Action.SHELL)
    return shell


@router.get("/shells/{identity}")
async def show_shell(request: Request, identity: Identity, parts: Parts, who: Who) -> Response:
    """Tell whether a shell is over, and how it ended: `ended`, `closed` or `lost`."""
    shell = await _shell(parts, who, identity)
    return answer(request, {"id": shell.id, "how": shell.how, "message": shell.message})


@router.get("/shells/{identity}/output")
async def output(request: Request, identity: Identity, parts: Parts, who: Who) -> Response:
    """Return what the shell prints, as it comes; NUL bytes only keep the connection.

    Whoever stops reading ends the shell.
    """
    shell = await _shell(parts, who, identity)
    if shell.person_here:
        raise Conflict("this shell is read already")
    shell.person_here = True
    pieces = shells.flow(shell, shell.output, request, lost="whoever opened it went away")
    return Streamed(pieces, media_type="application/octet-stream", headers=shells.AS_IT_COMES)


@router.put("/shells/{identity}/input", status_code=204)
async def type_in(
    request: Request,
    identity: Identity,
    parts: Parts,
    who: Who,
    seq: Annotated[int, Query(ge=0, le=2**53)] = 0,
) -> None:
    """Type the body into the shell. Pieces are numbered from 0: sent again, one counts once."""
    shell = await _shell(parts, who, identity)
    data = await request.body()
    if len(data) > MOST_TYPED:
        raise UserError(f"at most {MOST_TYPED} bytes can be typed at once")
    await shell.type(seq, _line({"data": base64.b64encode(data).decode()}))


@router.put("/shells/{identity}/resize", status_code=204)
async def resize(identity: Identity, body: TerminalSize, parts: Parts, who: Who) -> None:
    """Tell the shell how large the terminal is now."""
    shell = await _shell(parts, who, identity)
    await shell.input.put(_line({"size": [body.get("columns", 80), body.get("rows", 24)]}))


@router.delete("/shells/{identity}", status_code=204)
async def close_shell(identity: Identity, parts: Parts, who: Who) -> None:
    """End the shell; the box is held for the rest of its time."""
    shell = await _shell(parts, who, identity)
    await shell.close(How.CLOSED)


def _line(typed: wire.Typed) -> bytes:
    return json.dumps(typed).encode() + b"\n"
