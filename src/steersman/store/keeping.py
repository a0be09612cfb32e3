"""What attempts leave, as rows: artifacts, caches, published steps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Text, bindparam, insert, or_, select, update

from steersman.store import events
from steersman.store.base import Row, Transaction
from steersman.store.prepared import Prepared
from steersman.store.tables import artifacts, attempts, caches


def output(tx: Transaction, run: str, job: str) -> Row | None:
    """Return the output of a job's last attempt that succeeded."""
    query = (
        select(artifacts)
        .join_from(artifacts, attempts, artifacts.c.attempt_id == attempts.c.id)
        .where(
            artifacts.c.run_id == run,
            artifacts.c.job == job,
            artifacts.c.kind == "output",
            attempts.c.state == "succeeded",
        )
        .order_by(attempts.c.number.desc())
        .limit(1)
    )
    return tx.one(query)


def succeeded(tx: Transaction, run: str, job: str) -> bool:
    """Tell whether a job of a run has succeeded."""
    where = (attempts.c.run_id == run, attempts.c.job == job, attempts.c.state == "succeeded")
    return tx.value(select(attempts.c.id).where(*where).limit(1)) is not None


def put_artifact(tx: Transaction, row: dict[str, Any]) -> None:
    """Add an artifact, or replace the one of the same name; a blob nobody names is collected."""
    which = (
        artifacts.c.attempt_id == row["attempt_id"],
        artifacts.c.kind == row["kind"],
        artifacts.c.name == row["name"],
    )
    known = tx.value(select(artifacts.c.id).where(*which))
    if known is None:
        tx.execute(insert(artifacts), {**row, "created": tx.now})
    else:
        fresh = {name: value for name, value in row.items() if name != "id"}
        tx.execute(update(artifacts).where(*which).values(**fresh, created=tx.now))
    events.add(
        tx,
        "artifact",
        project=row["project_id"],
        run=row["run_id"],
        job=row["job"],
        attempt=row["attempt_id"],
        name=row["name"],
        size=row["size"],
    )


_HAS_CACHE = Prepared(
    select(caches.c.name)
    .where(
        caches.c.project_id == bindparam("project", type_=Text()),
        caches.c.name == bindparam("called", type_=Text()),
        or_(
            caches.c.scope == bindparam("first", type_=Text()),
            caches.c.scope == bindparam("second", type_=Text()),
        ),
    )
    .limit(1)
)


def has_cache(tx: Transaction, project: str, scopes: tuple[str, str], name: str) -> bool:
    """Tell whether one of *scopes* has a cache."""
    first, second = scopes
    wanted = {"project": project, "called": name, "first": first, "second": second}
    return tx.one(_HAS_CACHE, wanted) is not None


def cache(tx: Transaction, project: str, scopes: Sequence[str], name: str) -> Row | None:
    """Return the cache of the first of *scopes* that has one, and note that it was used."""
    for scope in scopes:
        which = (caches.c.project_id == project, caches.c.scope == scope, caches.c.name == name)
        row = tx.one(select(caches).where(*which))
        if row is not None:
            tx.execute(update(caches).where(*which).values(used=tx.now))
            return row
    return None
