"""Projects, and what triggers them, as rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import insert, or_, select, update

from steersman.store.base import Row, Transaction
from steersman.store.prepared import adding
from steersman.store.tables import pipeline_files, projects, triggers

TRIGGERED = "triggers"
"""The topic of who plans runs."""
_CHUNK = 500


_ADD_TRIGGER = adding(
    triggers, "id", "project_id", "key", "request", "accepted", "next_try", "state", "author"
)


def find(tx: Transaction, name_or_id: str) -> Row | None:
    """Return a project by its name or its id."""
    where = or_(projects.c.name == name_or_id, projects.c.id == name_or_id)
    return tx.one(select(projects).where(where))


def accept(
    tx: Transaction, new_id: str, project: str, key: str, request: dict[str, Any], author: str
) -> tuple[str, bool]:
    """Keep a trigger; return its id, and whether it is a new one. *key* makes it once."""
    where = (triggers.c.project_id == project, triggers.c.key == (key or new_id))
    known = tx.value(select(triggers.c.id).where(*where)) if key else None
    if known is not None:
        return str(known), False
    row = {"id": new_id, "project_id": project, "key": key or new_id, "request": request}
    times = {"accepted": tx.now, "next_try": tx.now, "state": "accepted", "author": author}
    tx.run(_ADD_TRIGGER, {**row, **times})
    tx.wake(TRIGGERED)
    return new_id, True


class Asked(NamedTuple):
    """A trigger somebody asks for, with the id it gets if it is new."""

    id: str
    project: str
    key: str
    request: dict[str, Any]
    author: str


def accept_all(tx: Transaction, asked: Sequence[Asked]) -> list[str]:
    """Keep triggers as `accept` does, many at once; return their ids."""
    known: dict[tuple[str, str], str] = {}
    for start in range(0, len(asked), _CHUNK):
        keys = [each.key for each in asked[start : start + _CHUNK]]
        owners = {each.project for each in asked[start : start + _CHUNK]}
        where = (triggers.c.project_id.in_(owners), triggers.c.key.in_(keys))
        query = select(triggers.c.project_id, triggers.c.key, triggers.c.id).where(*where)
        known |= {(row["project_id"], row["key"]): row["id"] for row in tx.all(query)}
    times = {"accepted": tx.now, "next_try": tx.now, "state": "accepted"}
    for each in asked:
        if (each.project, each.key) not in known:
            known[each.project, each.key] = each.id
            row = {"id": each.id, "project_id": each.project, "key": each.key}
            tx.run(_ADD_TRIGGER, {**row, "request": each.request, "author": each.author, **times})
            tx.wake(TRIGGERED)
    return [known[each.project, each.key] for each in asked]


def open_triggers(tx: Transaction, limit: int = 200) -> list[Row]:
    """Return accepted triggers whose time has come, the oldest first."""
    query = (
        select(triggers)
        .where(triggers.c.state == "accepted", triggers.c.next_try <= tx.now)
        .order_by(triggers.c.next_try)
        .limit(limit)
    )
    return tx.all(query)


def claim(tx: Transaction, identity: str, until: float) -> Row | None:
    """Take an accepted trigger to plan it, so that no other server does before *until*."""
    where = (
        triggers.c.id == identity,
        triggers.c.state == "accepted",
        triggers.c.next_try <= tx.now,
    )
    statement = update(triggers).where(*where).values(next_try=until, tries=triggers.c.tries + 1)
    if tx.execute(statement).rowcount != 1:
        return None
    return tx.one(select(triggers).where(triggers.c.id == identity))


def renew(tx: Transaction, identity: str, until: float) -> None:
    """Keep the claim on a trigger, if it still is to be planned."""
    where = (triggers.c.id == identity, triggers.c.state == "accepted")
    tx.execute(update(triggers).where(*where).values(next_try=until))


def is_open(tx: Transaction, identity: str) -> bool:
    """Tell whether a trigger still waits for its plan, and let nobody else change it."""
    query = select(triggers.c.state).where(triggers.c.id == identity)
    state = tx.value(query.with_for_update() if tx.postgres else query)
    return bool(state == "accepted")


def end(tx: Transaction, identity: str, state: str, message: str) -> None:
    """Note what became of a trigger: `planned` or `failed`."""
    statement = update(triggers).where(triggers.c.id == identity)
    tx.execute(statement.values(state=state, message=message))
    tx.wake(f"trigger:{identity}")


def postpone(tx: Transaction, identity: str, until: float, message: str) -> None:
    """Try a trigger again at *until*."""
    statement = update(triggers).where(triggers.c.id == identity)
    tx.execute(statement.values(next_try=until, message=message))


def next_number(tx: Transaction, project: str) -> int:
    """Return the number of the project's next run, which is the caller's now."""
    statement = update(projects).where(projects.c.id == project).values(runs=projects.c.runs + 1)
    return int(tx.execute(statement.returning(projects.c.runs)).scalar_one())


def keep_file(tx: Transaction, digest: str, content: str) -> None:
    """Keep the text of a pipeline file; each text is kept once."""
    known = pipeline_files.c.digest == digest
    # Whoever collects files may have deleted it a moment ago.
    if tx.execute(update(pipeline_files).where(known).values(used=tx.now)).rowcount == 0:
        row = {"digest": digest, "content": content, "used": tx.now}
        tx.execute(insert(pipeline_files), row)


def file(tx: Transaction, digest: str) -> str:
    """Return the text of a pipeline file."""
    query = select(pipeline_files.c.content).where(pipeline_files.c.digest == digest)
    return tx.value(query) or ""
