"""What people do with a schedule besides changing it: start, pause, resume, fill the past."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NotRequired

from fastapi import APIRouter, Request, Response
from pydantic import with_config
from typing_extensions import TypedDict

from steersman.core.errors import UserError
from steersman.core.permissions import Action
from steersman.core.schedules import outcomes, specs, timetables
from steersman.core.schedules.fires import Fire
from steersman.core.schedules.schedule import Pause
from steersman.server import schedules, schedules_access, schedules_views, views
from steersman.server.access import Parts, Who
from steersman.server.answers import answer
from steersman.server.checked import STRICT
from steersman.server.schedules_access import asked
from steersman.store import schedule_ledgers as ledgers
from steersman.store import schedules as rows
from steersman.store.base import Row, Transaction

router = APIRouter(tags=["schedules"])
EDIT = Action.SCHEDULE_EDIT
MOST_FILLED = 1000
LONGEST_REASON = 1000


@with_config(STRICT)
class Why(TypedDict):
    """Why somebody does something, for those who look at it later."""

    reason: NotRequired[str]


@with_config(STRICT)
class NewPause(TypedDict):
    """Why nothing is launched, and *until* when; without it until somebody resumes."""

    reason: str
    until: NotRequired[str]


@with_config(STRICT)
class Backfill(TypedDict):
    """A range of the past to launch; with *dry_run* it is only said what that would be."""

    since: str
    until: str
    reason: NotRequired[str]
    dry_run: NotRequired[bool]


@router.post("/projects/{name}/schedules/{schedule}/trigger", status_code=202)
async def trigger_schedule(
    request: Request, name: str, schedule: str, body: Why, parts: Parts, who: Who
) -> Response:
    """Launch now, besides the schedule's own instants."""
    made: list[Fire] = []

    def ask(tx: Transaction, row: Row) -> None:
        made[:] = [schedules.ask(tx, row, who.name, _reason(body), tx.now)]

    what = (Action.TRIGGER, "schedule-trigger")
    await schedules_access.change(parts, who, asked(name, schedule), what, ask)
    return answer(request, schedules_views.row(made[0], name, {}), 202)


@router.post("/projects/{name}/schedules/{schedule}/pause")
async def pause_schedule(
    request: Request, name: str, schedule: str, body: NewPause, parts: Parts, who: Who
) -> Response:
    """Launch nothing for a while; instants meanwhile are skipped, never missed."""
    until = specs.moment(body["until"]) if "until" in body else None

    def pause(tx: Transaction, row: Row) -> None:
        schedules.pause(tx, row, Pause(tx.now, who.name, _reason(body), until), tx.now)

    what = (EDIT, "schedule-pause")
    done = await schedules_access.change(parts, who, asked(name, schedule), what, pause)
    return answer(request, done)


@router.post("/projects/{name}/schedules/{schedule}/resume")
async def resume_schedule(
    request: Request, name: str, schedule: str, parts: Parts, who: Who
) -> Response:
    """Let a paused schedule go on; its counts of failures and successes begin anew."""

    def resume(tx: Transaction, row: Row) -> None:
        schedules.resume(tx, row, tx.now)

    what = (EDIT, "schedule-resume")
    done = await schedules_access.change(parts, who, asked(name, schedule), what, resume)
    return answer(request, done)


@router.post("/projects/{name}/schedules/{schedule}/backfill", status_code=202)
async def backfill(
    request: Request, name: str, schedule: str, body: Backfill, parts: Parts, who: Who
) -> Response:
    """Launch the instants of a range of the past, each once, or say which those are."""
    which = asked(name, schedule)
    row, now = await schedules_access.find(parts, who, which, EDIT)
    instants = _instants(row, specs.moment(body["since"]), specs.moment(body["until"]), now)
    filled = [outcomes.filled(row["id"], each, who.name, _reason(body), now) for each in instants]
    if body.get("dry_run"):
        there = await parts.store.scan(lambda tx: [ledgers.known(tx, each.key) for each in filled])
        new = [each for each, known in zip(filled, there, strict=True) if not known]
    else:
        new = []

        def fill(tx: Transaction, _: Row) -> None:
            new[:] = [each for each in filled if ledgers.note(tx, [each])]
            tx.wake(rows.CHANGED)

        await schedules_access.change(parts, who, which, (EDIT, "schedule-backfill"), fill)
    shown = [views.time(each.instant) for each in new]
    done = {"instants": shown, "planned": len(instants), "dry_run": bool(body.get("dry_run"))}
    return answer(request, done, 202)


def _instants(row: Row, since: int, until: int, now: float) -> list[int]:
    """Return the instants of a range, as far as it is past."""
    found: list[int] = []
    for instant in timetables.between(schedules.read(row).tables, since - 1, min(until, int(now))):
        found.append(instant)
        if len(found) > MOST_FILLED:
            raise UserError(f"the range has more than {MOST_FILLED} instants", hint="narrow it")
    return found


def _reason(body: Mapping[str, Any]) -> str:
    reason = str(body.get("reason") or "")
    if len(reason) > LONGEST_REASON:
        raise UserError(f"a reason has at most {LONGEST_REASON} characters")
    return reason
