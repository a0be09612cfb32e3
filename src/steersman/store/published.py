"""Published steps as rows: each version once, for ever the same bytes."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, insert, or_, select

from steersman.core import versions
from steersman.core.permissions import Role
from steersman.store.base import Row, Transaction
from steersman.store.tables import members, published_steps

# Neither an owner nor a name holds a slash.
PATH = published_steps.c.owner + "/" + published_steps.c.name


def _of(owner: str, name: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return published_steps.c.owner == owner, published_steps.c.name == name


def versions_of(tx: Transaction, owner: str, name: str) -> list[Row]:
    """Return all versions of a step, the newest first; what is no version comes last."""
    rows = tx.all(select(published_steps).where(*_of(owner, name)))
    return sorted(rows, key=_order, reverse=True)


def _order(row: Row) -> tuple[bool, versions.Version, str]:
    version = versions.parse(row["version"])
    return version is not None, version or versions.Version((0, 0, 0)), row["version"]


def find(tx: Transaction, owner: str, name: str, wanted: str) -> Row | None:
    """Return the newest version of a step that is *wanted*: a version, a range, or `*`."""
    query = select(published_steps.c.version).where(*_of(owner, name))
    known = [row["version"] for row in tx.all(query)]
    version = versions.newest(known, wanted)
    return None if version is None else exactly(tx, owner, name, version)


def exactly(tx: Transaction, owner: str, name: str, version: str) -> Row | None:
    """Return the step of this very version."""
    which = (*_of(owner, name), published_steps.c.version == version)
    return tx.one(select(published_steps).where(*which))


def add(tx: Transaction, row: dict[str, Any]) -> Row | None:
    """Add a version; return the one that is there already, and then stays as it is."""
    known = exactly(tx, row["owner"], row["name"], row["version"])
    if known is None:
        tx.execute(insert(published_steps), {**row, "created": tx.now})
    return known


def page(
    tx: Transaction, words: str, after: str | None, limit: int
) -> tuple[list[Row], list[list[Row]]]:
    """Return up to one more than *limit* paths of steps, and the versions of each.

    *words* is to be in the path or the summary of some version.
    """
    query = select(PATH.label("path"), published_steps.c.owner, published_steps.c.name)
    if words:
        found = (
            each.icontains(words, autoescape=True) for each in (PATH, published_steps.c.summary)
        )
        query = query.where(or_(*found))
    if after is not None:
        query = query.where(after < PATH)
    query = query.group_by(published_steps.c.owner, published_steps.c.name)
    rows = tx.all(query.order_by(PATH).limit(limit + 1))
    return rows, [versions_of(tx, row["owner"], row["name"]) for row in rows[:limit]]


def best_role(tx: Transaction, user: str, project: str | None) -> str | None:
    """Return the greatest role of a user in any project, or in the only one of their token."""
    query = select(members.c.role).where(members.c.user_id == user).distinct()
    if project is not None:
        query = query.where(members.c.project_id == project)
    found = {row["role"] for row in tx.all(query)}
    return next((role.value for role in reversed(Role) if role.value in found), None)
