"""A shop with schedules: what tests of them say and ask."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from steersman.core.schedules import timetables
from steersman.server import schedules
from steersman.server.planning import Planner
from steersman.server.platform import Platform
from steersman.store import schedules as rows
from steersman.store.base import Row
from tests.server.conftest import Repository
from tests.server.kept import Shop, shop

EVERY_MINUTE = {"cron": "* * * * *"}
Test = Callable[[Shop], Awaitable[None]]


def on_each(test: Test) -> Callable[[Platform, Repository], None]:
    """Make a test, on each database, of what happens in a shop."""

    def run(platform_on: Platform, repository: Repository) -> None:
        async def tried() -> None:
            async with shop(platform_on, repository) as opened:
                await test(opened)

        asyncio.run(tried())

    run.__name__, run.__doc__ = test.__name__, test.__doc__
    return run


async def add(here: Shop, name: str = "tick", target: str = "build", **spec: Any) -> Row:
    """Add a schedule by API, and return its row."""
    body = {"name": name, "target": target, "spec": {**EVERY_MINUTE, **spec}}
    made = await here.call("POST", "projects/shop/schedules", json=body)
    assert made.status_code == 201, made.text
    return await row_of(here, name)


async def row_of(here: Shop, name: str) -> Row:
    project = (await here.get("projects/shop")).json()["id"]
    found = await here.here.parts.store.scan(lambda tx: rows.one(tx, project, name))
    assert found is not None
    return found


def after(row: Row, count: int = 1) -> list[int]:
    """Return the next instants after a schedule was made."""
    tables, found = schedules.read(row).tables, []
    at = row["decided"]
    for _ in range(count):
        at = timetables.next_of(tables, at) or 0
        found.append(at)
    return found


async def instants(here: Shop, name: str = "tick", **query: str) -> list[dict[str, Any]]:
    """Return the ledger of a schedule, the oldest first."""
    said = "&".join(f"{key}={value}" for key, value in query.items())
    answer = await here.get(f"projects/shop/schedules/{name}/instants?{said}")
    assert answer.status_code == 200, answer.text
    return list(reversed(answer.json()["items"]))


async def listed(here: Shop) -> dict[str, dict[str, Any]]:
    found = (await here.get("projects/shop/schedules")).json()["items"]
    return {each["name"]: each for each in found}


async def push(here: Shop, branch: str = "main", **request: Any) -> str:
    """Let a push be planned, and return the trigger's id."""
    wanted = {"kind": "push", "branch": branch, **request}
    made = await here.call("POST", "projects/shop/triggers", json=wanted)
    assert made.status_code == 202, made.text
    await Planner(here.here.parts).plan_all()
    return str(made.json()["id"])
