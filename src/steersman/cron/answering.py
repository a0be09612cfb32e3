"""What a leader does with what somebody asks for."""

from __future__ import annotations

from steersman.core.schedules import outcomes
from steersman.core.schedules.schedule import Pause
from steersman.cron.desk import Desk
from steersman.cron.ledger.base import Asking, Ledger, Request, Wanted
from steersman.cron.logs import Event, say


async def answer(
    desk: Desk, ledger: Ledger, request: Request, now: float, tolerance: float
) -> None:
    """Carry out *request*; what is asked of a schedule that is not there is dropped."""
    if request.id in desk.rows.answered:
        return
    name, done = request.schedule, f"by {request.by}"
    if name in desk.rows.entries:
        await _carry_out(desk, ledger, request, now, tolerance)
    else:
        done = "is dropped: there is no such schedule"
    desk.rows.answered.add(request.id)
    say(Event.REQUEST_DONE, f"{request.asking} {name} {done}")


async def _carry_out(
    desk: Desk, ledger: Ledger, request: Request, now: float, tolerance: float
) -> None:
    name = request.schedule
    # What is due is decided by the state of things before the request.
    desk.decide(name, now, tolerance)
    cursor = desk.rows.cursors[name]
    if request.asking is Asking.PAUSE:
        desk.set_cursor(
            cursor._replace(pause=Pause(now, request.by, request.reason, request.until))
        )
    elif request.asking is Asking.RESUME:
        desk.set_cursor(outcomes.resumed(cursor))
    elif request.asking is Asking.TRIGGER:
        await _trigger(desk, ledger, request, now)
    else:
        for instant in request.instants:
            fire = outcomes.filled(name, instant, request.by, request.reason, now)
            if not await _known(ledger, fire.schedule, instant, fire.kind):
                desk.add(fire)


async def _trigger(desk: Desk, ledger: Ledger, request: Request, now: float) -> None:
    """Add a start by hand at the first second that has none yet."""
    instant = int(now)
    while True:
        fire = outcomes.asked(request.schedule, instant, request.by, request.reason, now)
        known = fire.key in desk.rows.open
        if not known and not await _known(ledger, fire.schedule, instant, fire.kind):
            desk.add(fire)
            return
        instant += 1


async def _known(ledger: Ledger, schedule: str, instant: int, kind: str) -> bool:
    rows = await ledger.rows(Wanted(schedule, holding=instant))
    return any(row.instant == instant and row.kind == kind for row in rows)
