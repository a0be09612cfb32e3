"""Schedules of all projects at once: a list, a calendar, and how full which hour will be."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from steersman.core.errors import UserError
from steersman.core.permissions import Action
from steersman.core.schedules import specs
from steersman.server import access, schedules_figures, schedules_views, views
from steersman.server.access import Caller, Parts, Who
from steersman.server.answers import MOST, answer, from_cursor, page
from steersman.server.platform import Platform
from steersman.store import schedule_alarms, schedule_lists
from steersman.store.base import Row
from steersman.store.schedule_lists import Wanted

router = APIRouter(tags=["schedules"])
DAY = 86400
LONGEST_WINDOW = 62 * DAY
MOST_EACH = 100
MOST_COUNTED = 20_000
"""So many schedules are looked at for a forecast."""


@router.get("/schedules")
async def list_all_schedules(
    request: Request,
    parts: Parts,
    who: Who,
    project: str | None = None,
    paused: Annotated[bool | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=MOST)] = 50,
    cursor: str | None = None,
) -> Response:
    """List the schedules of all projects that the caller sees, by project and name."""
    wanted = await wanted_by(parts, who, project, paused=paused)
    found, now = await page_of(parts, wanted, cursor, limit)
    items = [_placed(row) | schedules_views.shown(row, now) for row in found]
    return page(request, places(found), items, limit, "place")


@router.get("/schedules/calendar")
async def show_calendar(
    request: Request,
    parts: Parts,
    who: Who,
    since: str | None = None,
    until: str | None = None,
    project: str | None = None,
    each: Annotated[int, Query(ge=1, le=MOST_EACH)] = 20,
    limit: Annotated[int, Query(ge=1, le=MOST)] = 50,
    cursor: str | None = None,
) -> Response:
    """List what will run in a window (a week from now): for each schedule its first instants.

    *count* says how many there are in all. Paused times have none.
    """
    wanted = await wanted_by(parts, who, project)
    found, now = await page_of(parts, wanted, cursor, limit)
    window = _window(since, until, now, 7 * DAY)

    def shown() -> list[dict[str, Any]]:
        return [_placed(row) | schedules_views.ahead(row, *window, each) for row in found]

    items = await asyncio.to_thread(shown)
    return page(request, places(found), items, limit, "place")


@router.get("/schedules/forecast")
async def show_forecast(
    request: Request,
    parts: Parts,
    who: Who,
    since: str | None = None,
    until: str | None = None,
    project: str | None = None,
    count: Annotated[int, Query(ge=1, le=MOST)] = 10,
) -> Response:
    """Say how many launches fall into each hour of a window (a day from now).

    Also the *count* fullest minutes, and by how many seconds the last launch of each is delayed,
    since so many start in a second and no more.
    """
    wanted = await wanted_by(parts, who, project)
    found, now = await parts.store.scan(
        lambda tx: (schedule_lists.all_of(tx, wanted, MOST_COUNTED + 1), tx.now)
    )
    if len(found) > MOST_COUNTED:
        message = f"there are more than {MOST_COUNTED} schedules"
        raise UserError(message, hint="ask for one project")
    window = _window(since, until, now, DAY)
    return answer(request, await asyncio.to_thread(schedules_views.forecast, found, *window, count))


@router.get("/schedules/metrics")
async def show_metrics(parts: Parts, who: Who, project: str | None = None) -> Response:
    """Return figures of each schedule that the caller sees, as Prometheus reads them.

    What `/metrics` says of all together needs no token, and so has no names.
    """
    wanted = await wanted_by(parts, who, project)
    found = await parts.store.scan(lambda tx: schedule_lists.all_of(tx, wanted, MOST_COUNTED))
    text = "\n".join(schedules_figures.of_each(found))
    return Response(f"{text}\n", media_type="text/plain; version=0.0.4; charset=utf-8")


async def wanted_by(
    parts: Platform, who: Caller, project: str | None, *, paused: bool | None = None
) -> Wanted:
    """Return which schedules somebody asks for; `NotFound` for a project they do not see."""
    identity = None
    if project is not None:
        identity = (await access.project(parts, who, project, Action.SEE))["id"]
    return Wanted(views.viewer(who), identity, paused)


async def page_of(
    parts: Platform, wanted: Wanted, cursor: str | None, limit: int
) -> tuple[list[Row], float]:
    """Return one page of them, up to one more than *limit*, and what time it is."""
    after = _after(cursor)
    return await parts.store.scan(
        lambda tx: (
            schedule_alarms.with_alarms(tx, schedule_lists.page(tx, wanted, after, limit)),
            tx.now,
        )
    )


def _after(cursor: str | None) -> tuple[str, str] | None:
    value = from_cursor(cursor)
    if value is None:
        return None
    project, slash, name = str(value).partition("/")
    if not slash:
        raise UserError("the cursor is none of ours", hint="use `next` of the last answer")
    return project, name


def _window(since: str | None, until: str | None, now: float, usual: int) -> tuple[int, int]:
    """Return the seconds between which instants are wanted: later than the one, up to the other."""
    low = specs.moment(since) - 1 if since else int(now)
    high = specs.moment(until) if until else low + usual
    if not low <= high <= low + LONGEST_WINDOW + 1:
        days = LONGEST_WINDOW // DAY
        raise UserError(f"the window ends after it begins, and is at most {days} days long")
    return low, high


def _placed(row: Row) -> dict[str, Any]:
    return {"project": row["project"]}


def places(found: list[Row]) -> list[Row]:
    """Return by what a next page of them is found."""
    return [{"place": f"{row['project']}/{row['name']}"} for row in found]
