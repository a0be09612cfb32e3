"""Schedules of all projects that somebody may see."""

from __future__ import annotations

from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, Text, cast, func, select

from steersman.store.base import Row, Transaction
from steersman.store.listing import Viewer
from steersman.store.tables import members, projects, schedules

_PROJECT = projects.c.name.label("project")


class Wanted(NamedTuple):
    """Whose schedules, and which: of one project, paused or not."""

    viewer: Viewer
    project: str | None = None
    paused: bool | None = None


def page(tx: Transaction, wanted: Wanted, after: tuple[str, str] | None, limit: int) -> list[Row]:
    """Return up to one more than *limit*, by the names of their projects and their own."""
    query = _of(wanted)
    if after is not None:
        project, name = after
        here = (projects.c.name == project) & (schedules.c.name > name)
        query = query.where((projects.c.name > project) | here)
    return tx.all(query.order_by(projects.c.name, schedules.c.name).limit(limit + 1))


def all_of(tx: Transaction, wanted: Wanted, most: int) -> list[Row]:
    """Return all of them, at most *most*."""
    return tx.all(_of(wanted).limit(most))


def _of(wanted: Wanted) -> Select[Any]:
    where: list[ColumnElement[bool]] = [schedules.c.removed.is_(None)]
    where.append(wanted.viewer.sees(schedules.c.project_id))
    if wanted.project is not None:
        where.append(schedules.c.project_id == wanted.project)
    if wanted.paused is not None:
        # What no pause is, is the word null of JSON, not NULL.
        pause = func.coalesce(cast(schedules.c.pause, Text), "null")
        where.append(pause != "null" if wanted.paused else pause == "null")
    return select(schedules, _PROJECT).join_from(schedules, projects).where(*where)


def roles(tx: Transaction, user: str) -> dict[str, str]:
    """Return the role that a user has in each project, by the project's id."""
    query = select(members.c.project_id, members.c.role).where(members.c.user_id == user)
    return {row["project_id"]: row["role"] for row in tx.all(query)}
