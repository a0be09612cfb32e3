"""What a runner says and asks: only for its own attempt, and only while that lives.

The token says which attempt it is. Once the attempt has ended, or another took its place, the
runner is told to stop; only its completion record is still acknowledged, so that it may leave.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, Response

from steersman import wire
from steersman.core.attempts import Attempt, Hearing, State
from steersman.core.errors import Conflict, NotFound, UserError
from steersman.core.reports import (
    Errored,
    Failed,
    Heartbeat,
    Reason,
    Record,
    Started,
    Stopped,
    Succeeded,
    known_reason,
)
from steersman.server import (
    delivering,
    holds,
    moving,
    orders,
    problems,
    recording,
    renewing,
    shells,
    taking,
)
from steersman.server.access import AttemptId, Parts
from steersman.server.paths import Identity
from steersman.server.platform import Platform
from steersman.server.queue import Heard
from steersman.server.shells import How, Shell
from steersman.server.streaming import Streamed
from steersman.store import attempts as attempt_rows
from steersman.store import steps as step_rows
from steersman.store.base import Asked, Row, Transaction

router = APIRouter(prefix="/runner/v1", tags=["runner"])
LONGEST_WAIT = 20.0


class Fenced(Conflict):
    """The attempt is over for this runner: it must stop."""


async def _open(parts: Platform, attempt: str, runner: str | None = None) -> Row:
    """Return the row of an attempt that is open, and has no other runner."""
    return await parts.store.read(lambda tx: _opened(tx, attempt, runner))


def _opened(tx: Transaction, attempt: str, runner: str | None = None) -> Row:
    return _checked(attempt_rows.load(tx, attempt), runner)


def _checked(row: Row | None, runner: str | None) -> Row:
    if row is None or State(row["state"]).is_final or State(row["state"]) is State.QUEUED:
        raise Fenced("the attempt is over", hint="stop")
    if runner is not None and row["runner"] not in (None, runner):
        raise Fenced("another runner has this attempt", hint="stop")
    return row


@router.post("/started")
async def started(body: wire.RunnerStarted, parts: Parts, attempt: AttemptId) -> wire.JobSpec:
    """Let a runner begin: the first one that says so is the attempt's only one."""
    runner = body["runner"]
    up = partial(Started, node=body.get("node", "")[: renewing.NAME])

    def begin(tx: Transaction) -> tuple[Attempt, delivering.Order]:
        heard = _hear(tx, parts, attempt, runner, up, delivering.beside(attempt))
        return heard.attempt, delivering.order(tx, attempt, heard.stored)

    item, what = await parts.store.write(begin)
    spec = delivering.spec(parts, what)
    spec["orders"] = orders.of(item)
    spec["tree"] = delivering.tree(what.found.file, what.found.run["file"])
    return spec


def _hear(
    tx: Transaction,
    parts: Platform,
    attempt: str,
    runner: str,
    kind: Callable[[int, str], Started | Heartbeat],
    beside: Iterable[Asked] = (),
) -> Heard:
    """Take in what the only runner of an open attempt says, and return what that was."""

    def tell(row: Row) -> Started | Heartbeat:
        return kind(_checked(row, runner)["number"], runner[:100])

    try:
        heard = parts.queue.hear_of(tx, attempt, tell, light=kind is Heartbeat, beside=beside)
    except NotFound:
        raise Fenced("the attempt is over", hint="stop") from None
    if heard.hearing is Hearing.FENCED:
        raise Fenced("the attempt is over", hint="stop")
    return heard


@router.post("/heartbeat")
async def heartbeat(body: wire.Heartbeat, parts: Parts, attempt: AttemptId) -> wire.Orders:
    """Note that the runner lives, and tell it to end as soon as somebody asks for that."""
    woken = asyncio.Event()
    stop = parts.store.waking.listen(moving.attempt_topic(attempt), woken.set)
    try:
        runner = body["runner"]
        heard = await parts.store.write(lambda tx: _hear(tx, parts, attempt, runner, Heartbeat))
        item = heard.attempt
        wait = body.get("wait", 0.0)
        # NaN is no wait, and never more than 0.
        if wait > 0 and not orders.pressing(item, body.get("notes")):
            try:
                async with asyncio.timeout(min(wait, LONGEST_WAIT)):
                    await woken.wait()
            except TimeoutError:
                return orders.of(item)
            row = await _open(parts, attempt, body["runner"])
            return orders.of(attempt_rows.attempt(row))
        return orders.of(item)
    finally:
        stop()


@router.put("/log")
async def log(
    request: Request,
    parts: Parts,
    attempt: AttemptId,
    offset: int,
    at: Annotated[float, Query(ge=0, le=recording.LATEST)] = 0.0,
) -> Response:
    """Keep a piece of the log. 409 says that something before it is missing, and how much is kept.

    The body is the bytes as they are, at most one MiB.
    """
    if offset < 0:
        raise UserError("offset: count from 0")
    data = await _body(request, 4 * wire.PIECE)
    if offset + len(data) > parts.settings.log_limit:
        raise UserError(f"the log is longer than {parts.settings.log_limit} bytes")
    kept = await parts.logs.append(attempt, offset, data, at or parts.clock.now())
    if kept.gap or (data and kept.size < offset + len(data)):
        await _open(parts, attempt)
        return problems.problem(409, "does not follow", "bytes are missing", size=kept.size)
    return JSONResponse({"size": kept.size})


async def _body(request: Request, limit: int) -> bytes:
    pieces, size = [], 0
    async for piece in request.stream():
        size += len(piece)
        if size > limit:
            raise UserError(f"the body is longer than {limit} bytes")
        pieces.append(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


@router.post("/steps")
async def steps(body: wire.Steps, parts: Parts, attempt: AttemptId) -> dict[str, bool]:
    """Note how steps stand."""
    row = await _open(parts, attempt, body["runner"])
    recording.check_steps(body["steps"])
    await parts.store.write(lambda tx: step_rows.keep(tx, row, body["steps"]))
    return {"kept": True}


@router.get("/source")
async def source(parts: Parts, attempt: AttemptId) -> Response:
    """Return the source as a tar."""
    await _open(parts, attempt)
    return Streamed(await delivering.source(parts, attempt), media_type="application/x-tar")


@router.get("/cache")
async def read_cache(parts: Parts, attempt: AttemptId) -> Response:
    """Return the cache as it was put, from the own branch or else the default one; 204 without."""
    await _open(parts, attempt)
    found = await delivering.cache(parts, attempt)
    if found is None:
        return Response(status_code=204)
    return Streamed(parts.blobs.get(found), media_type="application/octet-stream")


@router.put("/cache")
async def write_cache(request: Request, parts: Parts, attempt: AttemptId) -> dict[str, int]:
    """Keep the cache for later attempts of the same branch."""
    await _open(parts, attempt)
    return {"size": await taking.keep_cache(parts, attempt, request.stream())}


@router.put("/artifacts/{kind}/{name:path}")
async def artifact(
    request: Request,
    parts: Parts,
    attempt: AttemptId,
    kind: str,
    name: str,
    files: Annotated[int, Query(ge=0, le=2**53)] = 0,
) -> dict[str, int | str]:
    """Keep an archive the attempt made: its `output`, or the `report` of a step."""
    row = await _open(parts, attempt)
    return await taking.keep_artifact(parts, row, kind, name, request.stream(), files=files)


@router.put("/tests")
async def tests(request: Request, parts: Parts, attempt: AttemptId) -> dict[str, bool]:
    """Keep the results of tests, read from JUnit files by the runner."""
    row = await _open(parts, attempt)
    await taking.keep_tests(parts, row, await _body(request, parts.settings.body_limit))
    return {"kept": True}


@router.get("/steps/{owner}/{name}")
async def step(
    parts: Parts, attempt: AttemptId, owner: str, name: str, version: str = "*"
) -> Response:
    """Return the archive of a step of this server's registry."""
    await _open(parts, attempt)
    return await delivering.step(parts, owner, name, version)


@router.post("/shell")
async def shell(body: wire.Holding, parts: Parts, attempt: AttemptId) -> wire.WantedShell:
    """Note that the box is held, and wait for somebody who wants a shell in it."""
    row = await _open(parts, attempt, body["runner"])
    await parts.store.write(lambda tx: holds.lengthen(tx, row))
    wait = body.get("wait", 0.0)
    # NaN is no wait.
    found = await parts.shells.wanted(attempt, min(wait, LONGEST_WAIT) if wait > 0 else 0.0)
    if found is None:
        return {"shell": None, "columns": 0, "rows": 0}
    return {"shell": found.id, "columns": found.asked.columns, "rows": found.asked.rows}


async def _shell(parts: Platform, attempt: str, identity: str) -> Shell:
    await _open(parts, attempt)
    found = parts.shells.of_runner(identity, attempt)
    if found is None:
        raise Conflict(f"there is no shell {identity} any more")
    return found


@router.get("/shells/{identity}/input")
async def typed(request: Request, parts: Parts, attempt: AttemptId, identity: Identity) -> Response:
    """Return what is typed into a shell, as it comes: lines as of `wire.Typed`."""
    found = await _shell(parts, attempt, identity)
    pieces = shells.flow(found, found.input, request, lost="its runner went away", keep=b"\n")
    return Streamed(pieces, media_type="application/x-ndjson", headers=shells.AS_IT_COMES)


@router.put("/shells/{identity}/output", status_code=204)
async def printed(
    request: Request, parts: Parts, attempt: AttemptId, identity: Identity, error: str = ""
) -> None:
    """Take what a shell prints, as it comes, to its end; or why there is none."""
    found = await _shell(parts, attempt, identity)
    if error:
        await found.close(How.LOST, error[:500])
    await shells.print_all(found, request)


@router.post("/record")
async def record(body: wire.Record, parts: Parts, attempt: AttemptId) -> dict[str, str]:
    """Take the completion record, and the last of steps and log; 409 where the log has a gap."""
    rest = recording.rest(body, parts)

    def keep(tx: Transaction) -> Hearing:
        def tell(row: Row) -> Record:
            recording.keep(tx, row, rest)
            return _event(body, row["number"])

        try:
            return parts.queue.hear_of(tx, attempt, tell, light=False).hearing
        except NotFound:
            return Hearing.FENCED

    return {"hearing": await parts.store.write(keep)}


def _event(body: wire.Record, number: int) -> Record:
    runner, message = body["runner"], body.get("message", "")[:4000]
    reason = body.get("reason", "")
    match body["state"]:
        case "succeeded":
            return Succeeded(number, runner, message)
        case "failed":
            return Failed(number, runner, known_reason(reason, Reason.STEP_FAILED), message)
        case "errored":
            return Errored(number, runner, known_reason(reason), message)
        case "stopped":
            return Stopped(number, runner, message)
    raise UserError(f"{body['state'][:40]!r} is no end of an attempt")
