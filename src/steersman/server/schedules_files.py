"""The schedules of a project follow its file: what the newest commit of a branch says, holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from steersman.core.errors import SteersmanError
from steersman.core.schedules import written
from steersman.core.schedules.written import Written
from steersman.server import schedules
from steersman.server.platform import Platform
from steersman.server.sources import Read
from steersman.store import schedules as rows
from steersman.store.base import Row, Transaction


class Said(NamedTuple):
    """What the file of a branch says about schedules."""

    origin: str
    written: tuple[Written, ...] = ()


async def said(
    parts: Platform, project: Row, request: Mapping[str, Any], read: Read
) -> Said | None:
    """Return what is to be followed; None where this commit decides about no schedule.

    Those do not that are no branch's newest, are a stranger's or a tag, or whose file is wrong:
    then what was right before goes on.
    """
    branch = str(request.get("branch") or (read.commit.branch if read.commit else ""))
    if not branch or request.get("fork") or request.get("tag"):
        return None
    if request.get("kind") == "pull-request":
        return None
    identity = project["id"]
    if request.get("deleted"):
        return Said(branch)
    if read.config is None or read.commit is None:
        return None
    found = written.of(read.config, branch, default=True)
    if not found and not await parts.store.read(lambda tx: rows.has_origin(tx, identity, branch)):
        return None
    try:
        if (await parts.mirrors.resolve(identity, branch)).sha != read.commit.sha:
            return None
        head = project["default_branch"] or (await parts.mirrors.resolve(identity, "HEAD")).branch
    except SteersmanError:
        return None  # gone meanwhile, which comes as a trigger of its own
    return Said(branch, written.of(read.config, branch, default=branch == head))


def follow(tx: Transaction, parts: Platform, project: Row, found: Said) -> None:
    """Let the stored schedules be as the file of a branch says; those of others stay."""
    known = {row["name"]: row for row in rows.of_project(tx, project["id"], lock=True)}
    for each in found.written:
        row = known.get(each.name)
        values = {"target": each.target, "origin": found.origin, "spec": dict(each.spec)}
        if row is None:
            new = {"id": parts.clock.new_id(), "project_id": project["id"], "name": each.name}
            schedules.add(tx, {**new, **values}, tx.now)
        elif _decides(row, each, found.origin) and _differs(row, values):
            schedules.change(tx, row, values, tx.now)
    names = {each.name for each in found.written}
    for row in known.values():
        if row["origin"] == found.origin and row["removed"] is None and row["name"] not in names:
            schedules.remove(tx, row, tx.now)


def _decides(row: Row, new: Written, origin: str) -> bool:
    """Tell whether the file of *origin* may change what is there under this name.

    What was made by API stays. What a branch's own file says of it goes before the default's.
    """
    if row["removed"] is not None or row["origin"] == origin:
        return True
    if row["origin"] is None:
        return False
    own = row["spec"].get("branch") == row["origin"]
    return not own or new.spec.get("branch") == origin


def _differs(row: Row, values: dict[str, Any]) -> bool:
    return row["removed"] is not None or any(row[key] != each for key, each in values.items())
