"""What comes of a schedule, and what became of each instant of it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from steersman.core.errors import UserError
from steersman.core.permissions import Action
from steersman.core.schedules import explaining, forecasts, specs
from steersman.core.schedules.fires import Fire, Kind, State
from steersman.server import schedules, schedules_access, schedules_views, views
from steersman.server.access import Parts, Who
from steersman.server.answers import MOST, answer, from_cursor, page
from steersman.server.schedules_access import asked
from steersman.store import schedule_launches as launches
from steersman.store import schedule_ledgers as ledgers
from steersman.store.base import Transaction

router = APIRouter(tags=["schedules"])


@router.get("/projects/{name}/schedules/{schedule}/next")
async def next_instants(
    request: Request,
    name: str,
    schedule: str,
    parts: Parts,
    who: Who,
    count: Annotated[int, Query(ge=1, le=MOST)] = 10,
) -> Response:
    """List the next instants, with what a change of clocks does to them."""
    row, now = await schedules_access.find(parts, who, asked(name, schedule), Action.SEE)
    coming = forecasts.coming(schedules.read(row), int(now), count)
    return answer(request, {"items": list(map(schedules_views.coming, coming)), "next": None})


@router.get("/projects/{name}/schedules/{schedule}/instants")
async def list_instants(
    request: Request,
    name: str,
    schedule: str,
    parts: Parts,
    who: Who,
    state: str | None = None,
    limit: Annotated[int, Query(ge=1, le=MOST)] = 50,
    cursor: str | None = None,
) -> Response:
    """List the ledger, the newest instant first: fired, skipped or missed, and why."""
    row, _ = await schedules_access.find(parts, who, asked(name, schedule), Action.SEE)
    if state is not None and state not in set(State):
        raise UserError(f"{state[:40]!r} is no state", hint=f"it is one of {', '.join(State)}")
    before = _place(cursor)

    def load(tx: Transaction) -> tuple[list[Fire], dict[str, Any]]:
        found = ledgers.ledger(tx, row["id"], [state] if state else [], before, limit)
        return found, launches.triggers_of(tx, [each.run for each in found if each.run])

    found, made = await parts.store.scan(load)
    places = [{"place": f"{each.instant}/{each.kind}"} for each in found]
    items = [schedules_views.row(each, name, made) for each in found]
    return page(request, places, items, limit, "place")


@router.get("/projects/{name}/schedules/{schedule}/explain")
async def explain(
    request: Request, name: str, schedule: str, instant: str, parts: Parts, who: Who
) -> Response:
    """Say why an instant ran, when and by whom, or why not."""
    which = asked(name, schedule)
    row, now = await schedules_access.find(parts, who, which, Action.SEE, removed=True)
    at = specs.moment(instant)

    def load(tx: Transaction) -> tuple[list[Fire], dict[str, Any]]:
        found = ledgers.holding(tx, row["id"], at)
        return found, launches.triggers_of(tx, [each.run for each in found if each.run])

    found, made = await parts.store.scan(load)
    told = [explaining.row(schedules_views.by_name(each, name, made)) for each in found]
    if not any(each.kind is Kind.SCHEDULED for each in found):
        told.append(schedules_views.absent(row, at, now))
    shown = [schedules_views.row(each, name, made) for each in found]
    return answer(request, {"instant": views.time(at), "answers": told, "rows": shown})


def _place(cursor: str | None) -> tuple[int, str] | None:
    value = from_cursor(cursor)
    if value is None:
        return None
    instant, _, kind = str(value).partition("/")
    if kind not in set(Kind) or not instant.isascii() or not instant.isdigit():
        raise UserError("the cursor is none of ours", hint="use `next` of the last answer")
    return int(instant[:15]), kind
