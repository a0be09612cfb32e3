"""Lists of things in pages, newest first, of what somebody may see."""

from __future__ import annotations

from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, Table, select, true

from steersman.store.base import Row, Transaction
from steersman.store.tables import attempts, jobs, members, projects, runs


class Viewer(NamedTuple):
    """Who looks. *project* is set for a token that opens only one."""

    user: str
    admin: bool
    project: str | None = None

    def sees(self, project_id: ColumnElement[str]) -> ColumnElement[bool]:
        """Return the condition under which a row of a project may be seen."""
        if self.project is not None:
            return project_id == self.project
        if self.admin:
            return true()
        mine = select(members.c.project_id).where(members.c.user_id == self.user)
        return project_id.in_(mine)


def newest(
    tx: Transaction,
    table: Table,
    where: list[ColumnElement[bool]],
    *,
    before: Any = None,
    limit: int = 50,
) -> list[Row]:
    """Return up to one more than *limit* rows, newest first, by an id that sorts by time."""
    query: Select[Any] = select(table).where(*where)
    if before is not None:
        query = query.where(table.c.id < before)
    return tx.all(query.order_by(table.c.id.desc()).limit(limit + 1))


def runs_page(
    tx: Transaction, viewer: Viewer, where: list[ColumnElement[bool]], before: Any, limit: int
) -> list[Row]:
    """Return runs with the names of their projects."""
    query = (
        select(runs, projects.c.name.label("project"))
        .join_from(runs, projects)
        .where(viewer.sees(runs.c.project_id), *where)
    )
    if before is not None:
        query = query.where(runs.c.id < before)
    return tx.all(query.order_by(runs.c.id.desc()).limit(limit + 1))


def run(tx: Transaction, viewer: Viewer, identity: str) -> Row | None:
    """Return one run, also by `PROJECT/NUMBER`."""
    query = select(runs, projects.c.name.label("project")).join_from(runs, projects)
    name, slash, number = identity.rpartition("/")
    if slash and number.isascii() and number.isdigit() and len(number) < 16:
        query = query.where(projects.c.name == name, runs.c.number == int(number))
    else:
        query = query.where(runs.c.id == identity)
    return tx.one(query.where(viewer.sees(runs.c.project_id)))


def jobs_of(tx: Transaction, run_id: str) -> list[Row]:
    """Return the jobs of a run in the order of its file."""
    return tx.all(select(jobs).where(jobs.c.run_id == run_id).order_by(jobs.c.position))


def attempts_of(tx: Transaction, run_id: str) -> list[Row]:
    """Return all attempts of a run."""
    query = select(attempts).where(attempts.c.run_id == run_id)
    return tx.all(query.order_by(attempts.c.job, attempts.c.number))


def attempt(tx: Transaction, viewer: Viewer, identity: str) -> Row | None:
    """Return one attempt."""
    where = (attempts.c.id == identity, viewer.sees(attempts.c.project_id))
    return tx.one(select(attempts).where(*where))
