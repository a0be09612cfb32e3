"""Results of tests: of an attempt, compared with the one before it, and of a whole run."""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request, Response
from sqlalchemy import select

from steersman.core import junit
from steersman.core.attempts import FINAL
from steersman.core.errors import NotFound
from steersman.core.junit import Case, Listed, Report, State
from steersman.core.permissions import Action
from steersman.server.access import Parts, Who
from steersman.server.answers import answer
from steersman.server.api.runs import attempt, run_of
from steersman.server.paths import Identity, RunName
from steersman.store.base import Row, Transaction
from steersman.store.tables import attempts, test_reports

router = APIRouter(tags=["tests"])
COUNTS = ("passed", "failed", "errored", "skipped")
Json = dict[str, Any]


@router.get("/attempts/{identity}/tests")
async def show_tests(request: Request, identity: Identity, parts: Parts, who: Who) -> Response:
    """Show the tests of an attempt, and what is different since the last one of its branch."""
    row = await attempt(parts, who, identity, Action.SEE_LOG)
    found = await parts.store.read(lambda tx: _report_and_before(tx, identity))
    if found is None:
        raise NotFound(
            f"the attempt {row['number']} of {row['job']} left no reports of tests",
            hint="name their files by `reports: {junit: [...]}` of the pipeline",
        )
    return answer(request, await asyncio.to_thread(_shown, *found))


def _report_and_before(tx: Transaction, identity: str) -> tuple[Row, Row | None] | None:
    row = tx.one(select(test_reports).where(test_reports.c.attempt_id == identity))
    if row is None:
        return None
    query = (
        select(test_reports, attempts.c.run_id, attempts.c.number)
        .join_from(test_reports, attempts, test_reports.c.attempt_id == attempts.c.id)
        .where(*(test_reports.c[name] == row[name] for name in ("project_id", "branch", "job")))
        .where(test_reports.c.attempt_id != identity, test_reports.c.created <= row["created"])
        .where(attempts.c.state.in_([state.value for state in FINAL]))
        .order_by(test_reports.c.created.desc(), test_reports.c.attempt_id.desc())
        .limit(1)
    )
    return row, tx.one(query)


def _shown(row: Row, before: Row | None) -> Json:
    now = _report(row["cases"])
    compared = None
    if before is not None:
        found = junit.compare(_report(before["cases"]), now)
        compared = {
            "attempt": before["attempt_id"],
            "number": before["number"],
            "run": before["run_id"],
            **{name: _listed(getattr(found, name)) for name in found._fields},
        }
    cases = [_case(case) for case in now.cases]
    return {"totals": _totals(row["totals"]), "cases": cases, "compared": compared}


def _listed(found: Listed[Any]) -> Json:
    items = [
        _case(each)
        if isinstance(each, Case)
        else {**_case(each.case), "seconds_before": each.seconds_before}
        for each in found.items
    ]
    return {"items": items, "total": found.total}


def _case(case: Case) -> Json:
    return {**case._asdict(), "state": case.state.value}


def _report(cases: Any) -> Report:
    """Read what a runner said; a case that makes no sense is left out."""
    found = (_read(each) for each in (cases if isinstance(cases, list) else ()))
    return junit.report(case for case in found if case is not None)


def _read(said: Any) -> Case | None:
    match said:
        case [str(suite), str(name), int() | float() as seconds, str(state), str(message)]:
            if state in set(State):
                return Case(suite, name, _number(seconds), State(state), message)
    return None


def _number(value: Any) -> float:
    """Return a time that every JSON can spell."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and 0 <= value < 1e12 else 0.0


def _totals(said: Any) -> Json:
    """Return what a runner counted, of which every number may be nonsense."""
    given: Mapping[str, Any] = said if isinstance(said, Mapping) else {}
    counts = {name: int(_number(given.get(name))) for name in COUNTS}
    return {"tests": sum(counts.values()), **counts, "seconds": _number(given.get("seconds"))}


@router.get("/runs/{identity:path}/tests")
async def show_totals(request: Request, identity: RunName, parts: Parts, who: Who) -> Response:
    """Show how many tests passed, for each job by its newest attempt that has some, and in all."""
    run = await run_of(parts, who, identity, Action.SEE)
    columns = (attempts.c.id, attempts.c.job, attempts.c.number, attempts.c.state)
    query = (
        select(*columns, test_reports.c.totals)
        .join_from(test_reports, attempts, test_reports.c.attempt_id == attempts.c.id)
        .where(attempts.c.run_id == run["id"])
        .order_by(attempts.c.job, attempts.c.number)
    )
    rows = await parts.store.read(lambda tx: tx.all(query))
    newest = {row["job"]: row for row in rows}
    items = [
        {
            "job": row["job"],
            "attempt": row["id"],
            "number": row["number"],
            "state": row["state"],
            "totals": _totals(row["totals"]),
        }
        for row in newest.values()
    ]
    return answer(request, {"items": items, "totals": _sum(items), "next": None})


def _sum(items: list[Json]) -> Json:
    counts: Counter[str] = Counter()
    for item in items:
        counts.update({name: item["totals"][name] for name in ("tests", *COUNTS)})
    seconds = math.fsum(item["totals"]["seconds"] for item in items)
    return {**{name: counts[name] for name in ("tests", *COUNTS)}, "seconds": seconds}
