"""All schedules somebody may see, with how they went lately, and the calendar of each."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from steersman.core import permissions
from steersman.core.permissions import Action
from steersman.core.schedules import calendars, rules, telling
from steersman.core.schedules.fires import Fire
from steersman.core.schedules.forecasts import Coming
from steersman.core.schedules.zones import Zone
from steersman.server import schedules, schedules_access, schedules_views, views
from steersman.server.access import Caller, Parts, Who
from steersman.server.answers import MOST, answer, page
from steersman.server.api import schedules_everywhere
from steersman.server.platform import Platform
from steersman.store import schedule_ledgers as ledgers
from steersman.store import schedule_lists
from steersman.store.base import Row, Transaction

router = APIRouter(tags=["schedules"])
Json = dict[str, Any]
RECENT = 12
LONGEST_CALENDAR = 92


@router.get("/schedules/overview")
async def show_overview(
    request: Request,
    parts: Parts,
    who: Who,
    project: str | None = None,
    limit: Annotated[int, Query(ge=1, le=MOST)] = 50,
    cursor: str | None = None,
) -> Response:
    """List schedules as `/schedules` does, each in words and with how it went lately."""
    wanted = await schedules_everywhere.wanted_by(parts, who, project)
    found, now = await schedules_everywhere.page_of(parts, wanted, cursor, limit)
    items = await _shown(parts, who, found[:limit], now)
    return page(request, schedules_everywhere.places(found), items, limit, "place")


@router.get("/projects/{name}/schedules/{schedule}/overview")
async def show_one_in_words(
    request: Request, name: str, schedule: str, parts: Parts, who: Who
) -> Response:
    """Show a schedule in words, with its rules, how it went lately and what one may do."""
    which = schedules_access.asked(name, schedule)
    row, now = await schedules_access.find(parts, who, which, Action.SEE)
    [item] = await _shown(parts, who, [{**row, "project": name}], now)
    return answer(request, item)


@router.get("/projects/{name}/schedules/{schedule}/calendar")
async def show_calendar(
    request: Request,
    name: str,
    schedule: str,
    parts: Parts,
    who: Who,
    days: Annotated[int, Query(ge=1, le=LONGEST_CALENDAR)] = 35,
) -> Response:
    """Say what comes in the next days, in the schedule's zone.

    Each instant is named, or where there are more than a few hundred how many each hour has.
    """
    which = schedules_access.asked(name, schedule)
    row, now = await schedules_access.find(parts, who, which, Action.SEE)
    read = schedules.read(row)
    zone, drawn = read.tables[0].zone, calendars.draw(read, int(now), days)
    shown = {
        "timezone": zone.name,
        "today": _local(zone, int(now))[:10],
        "last": _local(zone, drawn.until)[:10],
        "total": drawn.total,
        "instants": _instants(zone, drawn.instants) if not drawn.hours else None,
        "hours": [
            {"hour": datetime.fromtimestamp(each.wall, UTC).strftime("%Y-%m-%dT%H"),
             "total": each.total}
            for each in drawn.hours
        ],
    }  # fmt: skip
    return answer(request, shown)


def _instants(zone: Zone, coming: Sequence[Coming]) -> list[Json]:
    return [{"instant": _local(zone, each.instant), "note": each.note} for each in coming]


def _local(zone: Zone, instant: int) -> str:
    """Write an instant as clocks of *zone* show it."""
    offset = timedelta(seconds=zone.stretch(instant).offset)
    # Offsets that are no whole minutes are of times long ago.
    return datetime.fromtimestamp(instant, timezone(offset)).isoformat(timespec="seconds")


async def _shown(parts: Platform, who: Caller, found: Sequence[Row], now: float) -> list[Json]:
    """Return schedules, each with the name of its project, as an overview shows them."""
    identities = [row["id"] for row in found]

    def load(tx: Transaction) -> tuple[dict[str, list[Fire]], dict[str, str]]:
        return ledgers.newest(tx, identities, RECENT), schedule_lists.roles(tx, who.user)

    recent, roles = await parts.store.scan(load)
    return [
        _in_words(row, now)
        | _allowed(who, roles.get(row["project_id"]))
        | {"recent": [_brief(fire) for fire in recent[row["id"]]]}
        for row in found
    ]


def _in_words(row: Row, now: float) -> Json:
    read = schedules.read(row)
    table = read.tables[0]
    return {
        **schedules_views.shown(row, now),
        "project": row["project"],
        "words": telling.words(table),
        "rules": rules.rules(read),
        "timezone": table.zone.name,
    }


def _allowed(who: Caller, role: str | None) -> Json:
    grant = who.grant(role)
    return {
        "may_trigger": permissions.allows(grant, Action.TRIGGER),
        "may_edit": permissions.allows(grant, Action.SCHEDULE_EDIT),
    }


def _brief(fire: Fire) -> Json:
    late = None if fire.launched is None else round(max(0.0, fire.launched - fire.due), 3)
    return {
        "instant": views.time(fire.instant),
        "kind": fire.kind,
        "state": fire.state,
        "reason": fire.reason,
        "outcome": fire.outcome,
        "covers": fire.covers,
        "late": late,
        "ended": views.time(fire.ended),
    }
