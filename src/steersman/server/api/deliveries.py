"""What webhooks brought to a project, and reading it once more."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from steersman.core import ids
from steersman.core.errors import Conflict, NotFound
from steersman.core.permissions import Action
from steersman.server import access, auditing, receiving, views
from steersman.server.access import Caller, Parts, Who
from steersman.server.answers import MOST, answer, once, page, place
from steersman.server.api.hooks import become
from steersman.server.platform import Platform
from steersman.store import deliveries
from steersman.store.base import Row

router = APIRouter(tags=["deliveries"])


@router.get("/projects/{name}/deliveries")
async def list_deliveries(
    request: Request,
    name: str,
    parts: Parts,
    who: Who,
    limit: Annotated[int, Query(ge=1, le=MOST)] = 50,
    cursor: str | None = None,
) -> Response:
    """List what webhooks brought, newest first."""
    project = await access.project(parts, who, name, Action.PROJECT_EDIT)
    before = place(cursor)
    found = await parts.store.read(
        lambda tx: deliveries.of_project(tx, project["id"], before, limit)
    )
    return page(request, found, [_shown(row) for row in found], limit, "id")


@router.get("/projects/{name}/deliveries/{identity}")
async def show_delivery(
    request: Request, name: str, identity: str, parts: Parts, who: Who
) -> Response:
    """Show a delivery as it came, without what proved its sender."""
    row = await _delivery(parts, who, name, identity)
    body = (row["body"] or b"").decode(errors="replace")
    return answer(request, {**_shown(row), "headers": row["headers"]["sent"], "body": body})


@router.post("/projects/{name}/deliveries/{identity}/redeliver", status_code=202)
async def redeliver(request: Request, name: str, identity: str, parts: Parts, who: Who) -> Response:
    """Read a delivery once more; what it asks for runs anew."""
    row = await _delivery(parts, who, name, identity)
    if row["body"] is None:
        raise Conflict("the delivery's body is no longer kept", hint="let the forge send it anew")

    async def make() -> tuple[Any, int]:
        found = await receiving.again(parts, row)
        subject = f"{name}/{identity}"
        await parts.store.write(
            lambda tx: auditing.note(tx, who.name, "redeliver", subject, list(found.triggers))
        )
        return become(found), 202

    return await once(request, parts, who.user, make)


async def _delivery(parts: Platform, who: Caller, name: str, identity: str) -> Row:
    project = await access.project(parts, who, name, Action.PROJECT_EDIT)
    row = None
    if ids.is_id(identity):
        row = await parts.store.read(lambda tx: deliveries.one(tx, project["id"], identity))
    if row is None:
        raise NotFound(f"the project has no delivery {identity[:40]}")
    return row


def _shown(row: Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "delivery": row["delivery"],
        "forge": row["headers"]["forge"],
        "event": row["event"],
        "outcome": row["outcome"],
        "triggers": row["triggers"] or [],
        "received": views.time(row["received"]),
    }
