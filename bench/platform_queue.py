"""Fills a server's queue with attempts: one is made as everybody makes them, then it is copied."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, insert, select, update
from tests import postgresql

from bench import _platform as platform
from bench._platform import Api, Started
from steersman.core import ids
from steersman.store import engines
from steersman.store.tables import attempts, jobs, lanes, projects, runs

FILE = "box: busybox\nbuild:\n  steps:\n    - script: {name: nothing, code: 'true'}\n"
AT_ONCE = 5000


def fill(up: Started, database: str, folder: Path, spread: int, total: int) -> None:
    """Let *total* attempts wait, of so many projects; no worker must be there."""
    api = up.api()
    repository = platform.repository(folder, FILE)
    for number in range(spread):
        name = f"project-{number}"
        platform.add_project(api, name, repository)
        platform.trigger(api, name)
    platform.until(lambda: _queued(api) == spread, "one attempt of each project waits")
    engine = engines.open_engine(database or f"sqlite:///{up.data / 'steersman.db'}")
    try:
        with engine.begin() as connection:
            for each in connection.execute(select(attempts)).mappings().all():
                _copy(connection, dict(each), total // spread - 1)
    finally:
        engine.dispose()


def _queued(api: Api) -> int:
    return len(api.call("GET", "/api/v1/runs?state=queued&limit=200")["items"])


def _copy(connection: Connection, attempt: dict[str, Any], count: int) -> None:
    """Add *count* runs like that of *attempt*, each with a job and an attempt."""
    run = dict(connection.execute(_of(runs, runs.c.id, attempt["run_id"])).mappings().one())
    job = dict(connection.execute(_of(jobs, jobs.c.run_id, attempt["run_id"])).mappings().one())
    now = int(time.time() * 1000)
    for start in range(0, count, AT_ONCE):
        numbers = range(start, min(count, start + AT_ONCE))
        fresh = [(ids.make(now, os.urandom(10)), ids.make(now, os.urandom(10))) for _ in numbers]
        connection.execute(
            insert(runs),
            [
                {**run, "id": one, "number": run["number"] + 1 + number}
                for number, (one, _) in zip(numbers, fresh, strict=True)
            ],
        )
        connection.execute(insert(jobs), [{**job, "run_id": one} for one, _ in fresh])
        connection.execute(
            insert(attempts),
            [{**attempt, "id": other, "run_id": one} for one, other in fresh],
        )
    lane, project = lanes.c.id == attempt["lane"], projects.c.id == attempt["project_id"]
    connection.execute(update(lanes).where(lane).values(waiting=lanes.c.waiting + count))
    connection.execute(update(projects).where(project).values(runs=projects.c.runs + count))


def _of(table: Any, column: Any, value: str) -> Any:
    return select(table).where(column == value)


@contextmanager
def databases() -> Iterator[list[tuple[str, str, str]]]:
    """Give the databases there are: a name, and two addresses of empty ones; "" means SQLite."""
    if postgresql.programs() is None:
        yield [("SQLite", "", "")]
        return
    with postgresql.started() as server:
        found = server.new_database(), server.new_database()
        yield [("SQLite", "", ""), ("PostgreSQL", *found)]


@contextmanager
def server(folder: Path, database: str) -> Iterator[Started]:
    """Start a server without a worker."""
    more = ["--database", database] if database else []
    with platform.started(folder, "server", *more) as found:
        yield found
