"""Who changed what, for admins to read."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy import select

from steersman.core.errors import UserError
from steersman.core.permissions import Action
from steersman.server import access, views
from steersman.server.access import Parts, Who
from steersman.server.answers import MOST, from_cursor, page
from steersman.store.base import Row, Transaction
from steersman.store.tables import audit

router = APIRouter(tags=["audit"])
HIGHEST = 2**63 - 1
# No row holds a NUL, and PostgreSQL does not even let it be asked for.
Filter = Annotated[str, Query(max_length=200, pattern=r"^[^\x00]*$")]


@router.get("/audit")
async def list_audit(
    request: Request,
    parts: Parts,
    who: Who,
    author: Filter = "",
    action: Filter = "",
    limit: Annotated[int, Query(ge=1, le=MOST)] = 50,
    cursor: str | None = None,
) -> Response:
    """List what was changed, newest first; *author* and *action* narrow it."""
    access.require(who, Action.AUDIT_READ)
    before = _number(from_cursor(cursor))
    wanted = {"author": author, "action": action}
    found = await parts.store.read(lambda tx: _page(tx, wanted, before, limit))
    return page(request, found, [_shown(row) for row in found], limit, "number")


def _number(value: Any) -> int | None:
    if value is None:
        return None
    if not isinstance(value, int) or not 0 <= value <= HIGHEST:
        raise UserError("the cursor is none of ours", hint="use `next` of the last answer")
    return value


def _page(tx: Transaction, wanted: dict[str, str], before: int | None, limit: int) -> list[Row]:
    query = select(audit)
    for column, value in wanted.items():
        if value:
            query = query.where(audit.c[column] == value)
    if before is not None:
        query = query.where(audit.c.number < before)
    return tx.all(query.order_by(audit.c.number.desc()).limit(limit + 1))


def _shown(row: Row) -> dict[str, Any]:
    return {
        "number": row["number"],
        "at": views.time(row["at"]),
        "author": row["author"],
        "action": row["action"],
        "subject": row["subject"],
        "detail": row["detail"],
        "address": row["address"],
    }
