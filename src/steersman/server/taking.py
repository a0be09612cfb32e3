"""What an attempt leaves: its cache, artifacts and the results of its tests."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

from sqlalchemy import insert, select, update

from steersman.core.errors import UserError
from steersman.server.delivering import cache_name, context
from steersman.server.platform import Platform
from steersman.store import keeping
from steersman.store.base import Row, Transaction
from steersman.store.tables import caches, runs, test_reports

KINDS = frozenset({"output", "report", "file"})


async def keep_cache(parts: Platform, attempt: str, pieces: AsyncIterator[bytes]) -> int:
    """Keep a cache in the attempt's own scope."""
    found = await context(parts, attempt)
    identity = parts.clock.new_id()
    key = f"caches/{found.project['id']}/{identity}"
    stored = await parts.blobs.put(key, pieces, parts.settings.cache_limit)
    row = {
        "id": identity,
        "project_id": found.project["id"],
        "scope": found.scope,
        "name": cache_name(found),
        "blob": key,
        "size": stored.size,
        "sha256": stored.sha256,
    }
    await parts.store.write(lambda tx: _put_cache(tx, row))
    return stored.size


def _put_cache(tx: Transaction, row: dict[str, Any]) -> None:
    which = (
        caches.c.project_id == row["project_id"],
        caches.c.scope == row["scope"],
        caches.c.name == row["name"],
    )
    known = tx.value(select(caches.c.id).where(*which))
    row = {**row, "created": tx.now, "used": tx.now}
    if known is None:
        tx.execute(insert(caches), row)
    else:
        row.pop("id")
        tx.execute(update(caches).where(*which).values(**row))


async def keep_artifact(
    parts: Platform,
    attempt: Row,
    kind: str,
    name: str,
    pieces: AsyncIterator[bytes],
    *,
    files: int = 0,
) -> dict[str, int | str]:
    """Keep what an attempt made; sent again it replaces itself."""
    if kind not in KINDS:
        raise UserError(f"{kind[:40]!r} is no kind of artifact")
    if not name or len(name) > 200 or not name.isprintable():
        raise UserError("an artifact needs a name of at most 200 printable characters")
    identity = parts.clock.new_id()
    key = f"artifacts/{attempt['run_id']}/{identity}"
    stored = await parts.blobs.put(key, pieces, parts.settings.artifact_limit)
    row = {
        "id": identity,
        "project_id": attempt["project_id"],
        "run_id": attempt["run_id"],
        "attempt_id": attempt["id"],
        "job": attempt["job"],
        "kind": kind,
        "name": name,
        "blob": key,
        "size": stored.size,
        "sha256": stored.sha256,
        "files": files,
    }
    await parts.store.write(lambda tx: keeping.put_artifact(tx, row))
    return {"id": identity, "size": stored.size, "sha256": stored.sha256}


async def keep_tests(parts: Platform, attempt: Row, data: bytes) -> None:
    """Keep the results of an attempt's tests."""
    try:
        said = json.loads(data)
        totals, cases = dict(said["totals"]), list(said["cases"])
    except (ValueError, KeyError, TypeError, RecursionError):
        raise UserError("the results of tests are not as described") from None
    run = await parts.store.read(
        lambda tx: tx.one(select(runs.c.branch).where(runs.c.id == attempt["run_id"]))
    )
    row = {
        "attempt_id": attempt["id"],
        "project_id": attempt["project_id"],
        "branch": run["branch"] if run else "",
        "job": attempt["job"],
        "totals": totals,
        "cases": cases,
    }
    await parts.store.write(lambda tx: _put_tests(tx, row))


def _put_tests(tx: Transaction, row: dict[str, Any]) -> None:
    which = test_reports.c.attempt_id == row["attempt_id"]
    if tx.value(select(test_reports.c.attempt_id).where(which)) is None:
        tx.execute(insert(test_reports), {**row, "created": tx.now})
    else:
        tx.execute(update(test_reports).where(which).values(**row))
