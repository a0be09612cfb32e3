"""What was told the outside: statuses, webhooks, messages; and telling it again."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from steersman.core.errors import Conflict, NotFound
from steersman.core.permissions import Action
from steersman.server import access, auditing, views
from steersman.server.access import Parts, Who
from steersman.server.answers import MOST, answer, page, place
from steersman.server.paths import Identity, ProjectName
from steersman.store import listing, outboxes
from steersman.store.base import Row, Transaction
from steersman.store.tables import outbox

router = APIRouter(tags=["outbox"])


def _shown(row: Row) -> dict[str, Any]:
    message = row["message"] or {}
    return {
        "id": row["id"],
        "kind": row["kind"],
        "run": row["run_id"],
        "target": message.get("target"),
        "state": row["state"],
        "tries": row["tries"],
        "answer": row["answer"],
        "created": views.time(row["created"]),
        "ended": views.time(row["ended"]),
    }


@router.get("/projects/{name}/outbox")
async def list_messages(
    request: Request,
    name: ProjectName,
    parts: Parts,
    who: Who,
    limit: Annotated[int, Query(ge=1, le=MOST)] = 50,
    cursor: str | None = None,
) -> Response:
    """List what was told the outside of a project's runs, newest first, and what it answered."""
    project = await access.project(parts, who, name, Action.PROJECT_EDIT)
    where = [outbox.c.project_id == project["id"]]
    before = place(cursor)
    found = await parts.store.read(
        lambda tx: listing.newest(tx, outbox, where, before=before, limit=limit)
    )
    return page(request, found, [_shown(row) for row in found], limit, "id")


@router.post("/projects/{name}/outbox/{identity}/resend", status_code=202)
async def resend(
    request: Request, name: ProjectName, identity: Identity, parts: Parts, who: Who
) -> Response:
    """Send a message again, under the same id."""
    project = await access.project(parts, who, name, Action.PROJECT_EDIT)

    def again(tx: Transaction) -> None:
        row = outboxes.find(tx, identity)
        if row is None or row["project_id"] != project["id"]:
            raise NotFound(f"there is no message {identity}")
        if outboxes.is_in_flight(row, tx.now):
            raise Conflict("the message is being sent", hint="wait for its answer")
        outboxes.resend(tx, identity)
        auditing.note(tx, who.name, "outbox-resend", f"{project['name']}/{identity}")

    await parts.store.write(again)
    return answer(request, {"id": identity, "state": "waiting"}, 202)
