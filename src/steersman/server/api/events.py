"""Whatever changes, as it changes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy import ColumnElement

from steersman.core.errors import NotFound, UserError
from steersman.core.permissions import Action
from steersman.server import access, views
from steersman.server.access import Parts, Who
from steersman.server.answers import answer
from steersman.server.platform import Platform
from steersman.server.streaming import sse
from steersman.store import events, listing
from steersman.store.base import Row, Transaction
from steersman.store.tables import events as event_table

router = APIRouter(tags=["events"])
Where = list[ColumnElement[bool]]


@router.get("/events")
async def follow(
    request: Request,
    parts: Parts,
    who: Who,
    project: str | None = None,
    run: str | None = None,
) -> Response:
    """Send what happens as server-sent events, beginning after Last-Event-ID or with now."""
    where = await _where(parts, who, project, run)
    seen = request.headers.get("last-event-id", "")
    if seen and not (seen.isascii() and seen.isdigit() and len(seen) < 16):
        raise UserError("Last-Event-ID is no number of an event")
    start = int(seen) if seen else await parts.store.read(events.last)
    return sse(request, _events(parts, where, start))


async def _where(
    parts: Platform, who: access.Caller, project: str | None, run: str | None
) -> Where:
    seen = views.viewer(who)
    where: Where = [seen.sees(event_table.c.project_id)]
    if project is not None:
        row = await access.project(parts, who, project, Action.SEE)
        where.append(event_table.c.project_id == row["id"])
    if run is not None:
        found = await parts.store.read(lambda tx: listing.run(tx, seen, run))
        if found is None:
            raise NotFound(f"there is no run {run[:100]}")
        where.append(event_table.c.run_id == found["id"])
    return where


async def _events(parts: Platform, where: Where, start: int) -> AsyncIterator[str]:
    woken = asyncio.Event()
    stop = parts.store.waking.listen(events.TOPIC, woken.set)
    try:
        while True:
            woken.clear()
            found = await parts.store.read(partial(_after, start, where))
            for row in found:
                start = row["number"]
                data = json.dumps(views.event(row))
                yield f"id: {start}\nevent: {row['kind']}\ndata: {data}\n\n"
            if not found:
                await woken.wait()
    finally:
        stop()


def _after(number: int, where: Where, tx: Transaction) -> list[Row]:
    return events.after(tx, number, *where)


@router.get("/history")
async def history(
    request: Request,
    parts: Parts,
    who: Who,
    project: str | None = None,
    run: str | None = None,
    after: Annotated[int, Query(ge=0, le=2**53)] = 0,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> Response:
    """List what happened, in order."""
    where = await _where(parts, who, project, run)
    found = await parts.store.read(lambda tx: events.after(tx, after, *where, limit=limit))
    last = found[-1]["number"] if found else after
    return answer(request, {"items": [views.event(row) for row in found], "after": last})
