"""Which schedule somebody asks for, whether they may, and what they did with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from steersman.core.errors import NotFound
from steersman.core.permissions import Action
from steersman.server import access, auditing, schedules_views
from steersman.server.platform import Platform
from steersman.store import schedule_alarms
from steersman.store import schedules as rows
from steersman.store.base import Row, Transaction


class Asked(NamedTuple):
    """A schedule as it is addressed: its project's name, and its own."""

    project: str
    name: str

    @property
    def missing(self) -> NotFound:
        hint = f"`steer schedule list {self.project}` names them"
        return NotFound(f"the project has no schedule {self.name[:100]}", hint=hint)


def asked(project: str, name: str) -> Asked:
    """Return the address of a schedule; no row has a name with NUL, and no database takes one."""
    return Asked(project, name.replace("\0", ""))


async def find(
    parts: Platform, who: access.Caller, which: Asked, action: Action, *, removed: bool = False
) -> tuple[Row, float]:
    """Return a schedule of a project in which *who* may do *action*, and what time it is."""
    project = await access.project(parts, who, which.project, action)

    def load(tx: Transaction) -> tuple[Row | None, float]:
        row = rows.one(tx, project["id"], which.name)
        return (row and schedule_alarms.with_alarms(tx, [row])[0]), tx.now

    row, now = await parts.store.read(load)
    if row is None or (row["removed"] is not None and not removed):
        raise which.missing
    return row, now


async def change(
    parts: Platform, who: access.Caller, which: Asked, what: tuple[Action, str],
    work: Callable[[Transaction, Row], None],
) -> dict[str, Any]:  # fmt: skip
    """Do *work* with a schedule nobody else changes meanwhile, and return it as it is then.

    *what* is the action it takes, and the name under which it is noted.
    """
    action, word = what
    project = await access.project(parts, who, which.project, action)

    def done(tx: Transaction) -> tuple[Row, float]:
        row = rows.one(tx, project["id"], which.name, lock=True)
        if row is None or row["removed"] is not None:
            raise which.missing
        work(tx, row)
        return noted(tx, who, word, project, which.name), tx.now

    row, now = await parts.store.write(done)
    return schedules_views.shown(row, now)


def noted(tx: Transaction, who: access.Caller, word: str, project: Row, name: str) -> Row:
    """Note who did what, and return the schedule as it is now."""
    auditing.note(tx, who.name, word, f"{project['name']}/{name}")
    row = rows.one(tx, project["id"], name)
    assert row is not None  # noqa: S101 - it was written a line before
    return schedule_alarms.with_alarms(tx, [row])[0]
