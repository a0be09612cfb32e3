"""The queue and the workers that empty it."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from sqlalchemy import Delete, Update, delete, insert, update

from steersman.core import tokens
from steersman.core.errors import NotFound, UserError
from steersman.core.permissions import Action
from steersman.server import access, auditing, moving, views
from steersman.server.access import Parts, Who
from steersman.server.answers import answer
from steersman.server.platform import Platform
from steersman.store import queueing
from steersman.store.base import Transaction
from steersman.store.tables import tokens as token_table
from steersman.store.tables import workers

router = APIRouter(tags=["queue"])


@router.get("/queue")
async def show_queue(request: Request, parts: Parts, who: Who) -> Response:
    """List the attempts that wait, those that are next first."""
    access.require(who, Action.QUEUE_MANAGE)
    found = await parts.store.scan(queueing.waiting)
    items = [
        views.attempt(row)
        | {"project": row["project"], "run": row["run_number"], "job": row["job"]}
        | {"pool": row["pool"], "blocked": row["blocked"]}
        for row in found
    ]
    return answer(request, {"items": items, "next": None})


@router.get("/workers")
async def list_workers(request: Request, parts: Parts, who: Who) -> Response:
    """List the workers with what they hold and when they were heard."""
    access.require(who, Action.WORKER_MANAGE)
    found = await parts.store.scan(queueing.all_workers)
    items = [
        {
            "name": row["name"],
            "pools": row["pools"],
            "capabilities": row["capabilities"],
            "slots": row["slots"],
            "held": row["held"],
            "paused": row["paused"],
            "seen": views.time(row["seen"]),
            "version": row["version"],
        }
        for row in found
    ]
    return answer(request, {"items": items, "next": None})


@router.post("/workers/{name}/pause")
async def pause(request: Request, name: str, parts: Parts, who: Who) -> Response:
    """Let a worker take nothing more; what it holds goes on."""
    return await _set_paused(request, name, parts, who, paused=True)


@router.post("/workers/{name}/resume")
async def resume(request: Request, name: str, parts: Parts, who: Who) -> Response:
    """Let a worker take work again."""
    return await _set_paused(request, name, parts, who, paused=False)


async def _set_paused(
    request: Request, name: str, parts: Platform, who: access.Caller, *, paused: bool
) -> Response:
    access.require(who, Action.WORKER_MANAGE)

    def change(tx: Transaction) -> None:
        statement = update(workers).where(workers.c.name == name).values(paused=paused)
        _expect_one(tx, statement, name)
        auditing.note(tx, who.name, "worker-pause" if paused else "worker-resume", name)
        tx.wake(moving.QUEUE)

    await parts.store.write(change)
    return answer(request, {"paused": paused})


def _expect_one(tx: Transaction, statement: Update | Delete, name: str) -> None:
    """Change a worker; what did not happen is not noted either."""
    if tx.execute(statement).rowcount != 1:
        raise NotFound(f"there is no worker {name[:100]}")


@router.delete("/workers/{name}", status_code=204)
async def forget(name: str, parts: Parts, who: Who) -> Response:
    """Forget a worker that does not come back; others adopt what it holds."""
    access.require(who, Action.WORKER_MANAGE)

    def remove(tx: Transaction) -> None:
        _expect_one(tx, delete(workers).where(workers.c.name == name), name)
        auditing.note(tx, who.name, "worker-forget", name)
        tx.wake(moving.QUEUE)

    await parts.store.write(remove)
    return Response(status_code=204)


@router.post("/workers/tokens/{name}", status_code=201)
async def make_token(request: Request, name: str, parts: Parts, who: Who) -> Response:
    """Make a token for workers; it is shown this once."""
    access.require(who, Action.WORKER_MANAGE)
    if not name.isprintable() or len(name) > 100:
        raise UserError("the name of a token has at most 100 printable characters")
    token = tokens.make(tokens.Kind.WORKER, parts.clock.randomness(20))
    row = {
        "id": parts.clock.new_id(),
        "kind": tokens.Kind.WORKER.value,
        "name": name,
        "digest": tokens.digest(token),
        "scopes": [],
    }

    def add(tx: Transaction) -> None:
        tx.execute(insert(token_table), {**row, "created": tx.now})
        auditing.note(tx, who.name, "worker-token", name)

    await parts.store.write(add)
    return answer(request, {"id": row["id"], "name": name, "token": token}, 201)
