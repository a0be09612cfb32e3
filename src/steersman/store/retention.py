"""Retention as rows: what may go is read first, and deleted a few rows at a time.

Each deletion checks again what made it allowed, so what was changed meanwhile stays.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Table, and_, delete, func, or_, select, tuple_

from steersman.core.attempts import FINAL
from steersman.core.retention import ArtifactFacts, CacheFacts, Policy, RunFacts
from steersman.store.base import Row, Transaction
from steersman.store.tables import (
    answers,
    artifacts,
    attempts,
    audit,
    caches,
    deliveries,
    events,
    log_pieces,
    outbox,
    pipeline_files,
    projects,
    runs,
    steps,
    tokens,
    triggers,
)

BATCH = 200
"""Rows that one transaction deletes: few enough that nobody waits for it."""


class Overdue(NamedTuple):
    """Rows of *table* that are too old; *name* is what they are counted as."""

    name: str
    table: Table
    where: tuple[ColumnElement[bool], ...]


def overdue(policy: Policy, now: float) -> tuple[Overdue, ...]:
    """Return what is too old and belongs to no project."""
    removed = events.c.project_id.not_in(select(projects.c.id))
    dead = or_(tokens.c.revoked < now - policy.tokens, tokens.c.expires < now - policy.tokens)
    return (
        Overdue("audit", audit, (audit.c.at < now - policy.audit,)),
        Overdue("answers", answers, (answers.c.created < now - policy.answers,)),
        Overdue("tokens", tokens, (dead,)),
        Overdue("events", events, (removed, *_old_events(now - policy.events))),
    )


def overdue_of(project: str, policy: Policy, now: float) -> tuple[Overdue, ...]:
    """Return what is too old in one project."""
    received = deliveries.c.received < now - policy.deliveries
    closed = (triggers.c.state != "accepted", triggers.c.accepted < now - policy.triggers)
    sent = (
        # Follows from the last one, and has an index.
        outbox.c.created < now - policy.outbox,
        outbox.c.state != "waiting",
        func.coalesce(outbox.c.ended, outbox.c.created) < now - policy.outbox,
    )
    old = _old_events(now - policy.events)
    return (
        Overdue("deliveries", deliveries, (deliveries.c.project_id == project, received)),
        Overdue("triggers", triggers, (triggers.c.project_id == project, *closed)),
        Overdue("outbox", outbox, (outbox.c.project_id == project, *sent)),
        Overdue("events", events, (events.c.project_id == project, *old)),
    )


def _old_events(before: float) -> tuple[ColumnElement[bool], ...]:
    """The newest stays: its number is where those who listen go on."""
    newest = select(func.max(events.c.number)).scalar_subquery()
    return events.c.at < before, events.c.number < newest


def keys(tx: Transaction, found: Overdue) -> list[Any]:
    """Return the keys of some rows that may go."""
    (key,) = found.table.primary_key.columns
    return list(tx.execute(select(key).where(*found.where).limit(BATCH)).scalars())


def drop(tx: Transaction, found: Overdue, chosen: Sequence[Any]) -> int:
    """Delete those of the *chosen* rows that still may go; return how many that were."""
    (key,) = found.table.primary_key.columns
    return tx.execute(delete(found.table).where(key.in_(chosen), *found.where)).rowcount


def crowded(tx: Transaction, project: str, policy: Policy, now: float) -> list[str]:
    """Return the branches of a project that have old runs, and more than are kept anyway."""
    query = (
        select(runs.c.branch)
        .where(runs.c.project_id == project)
        .group_by(runs.c.branch)
        .having(func.count() > policy.last_runs)
        .having(func.min(runs.c.created) < now - policy.runs)
    )
    return list(tx.execute(query).scalars())


def runs_of(tx: Transaction, project: str, branch: str) -> list[RunFacts]:
    """Return all runs of a branch."""
    green = (runs.c.state == "succeeded").label("green")
    query = select(runs.c.id, runs.c.number, runs.c.branch, runs.c.name, runs.c.ended, green)
    where = (runs.c.project_id == project, runs.c.branch == branch)
    return [RunFacts(*row) for row in tx.execute(query.where(*where))]


class Progress(StrEnum):
    """How far the deletion of a run is."""

    MORE = "more"
    GONE = "gone"
    KEPT = "kept"


def drop_run(tx: Transaction, identity: str, before: float) -> Progress:
    """Delete something of a run that ended before *before*, and the run itself when it is last."""
    query = select(runs.c.id).where(runs.c.id == identity, runs.c.ended < before)
    # Somebody may have asked for one more attempt.
    if tx.one(query.with_for_update() if tx.postgres else query) is None:
        return Progress.KEPT
    mine = select(attempts.c.id).where(attempts.c.run_id == identity)
    for table in (log_pieces, steps):
        if _drop_some(tx, table, table.c.attempt_id.in_(mine)):
            return Progress.MORE
    if _drop_some(tx, artifacts, artifacts.c.run_id == identity):
        return Progress.MORE
    tx.execute(delete(runs).where(runs.c.id == identity))
    return Progress.GONE


def _drop_some(tx: Transaction, table: Table, where: ColumnElement[bool]) -> int:
    """Delete a batch, from the end: of a log its beginning is left, and can be read."""
    key = tuple(table.primary_key.columns)
    last = [column.desc() for column in key]
    chosen = select(*key).where(where).order_by(*last).limit(BATCH)
    return tx.execute(delete(table).where(tuple_(*key).in_(chosen))).rowcount


class EndedLog(NamedTuple):
    """A log of which there still are pieces, and when its attempt ended."""

    attempt: str
    project: str
    ended: float


def ended_logs(tx: Transaction, after: str, before: float) -> list[EndedLog]:
    """Return logs of attempts that ended before *before*, in order of their ids."""
    columns = (attempts.c.id, attempts.c.project_id, attempts.c.since)
    pieces = select(log_pieces.c.start).where(log_pieces.c.attempt_id == attempts.c.id)
    query = select(*columns).where(attempts.c.id > after, pieces.exists(), _ended(before))
    return [EndedLog(*row) for row in tx.execute(query.order_by(attempts.c.id).limit(BATCH))]


def _ended(before: float) -> ColumnElement[bool]:
    return and_(attempts.c.state.in_(sorted(FINAL)), attempts.c.since < before)


def drop_log(tx: Transaction, attempt: str, before: float) -> Progress:
    """Delete a batch of a log's pieces. Its size stays, and says that there was one."""
    ended = select(attempts.c.id).where(attempts.c.id == attempt, _ended(before))
    more = _drop_some(tx, log_pieces, log_pieces.c.attempt_id.in_(ended))
    return Progress.MORE if more == BATCH else Progress.GONE


def due_artifacts(tx: Transaction, after: str, before: float) -> list[ArtifactFacts]:
    """Return artifacts whose own end is past, or that have none and are older than *before*."""
    due = or_(
        artifacts.c.expires < tx.now,
        and_(artifacts.c.expires.is_(None), artifacts.c.created < before),
    )
    columns = (runs.c.branch, runs.c.name.label("run_name"), runs.c.ended)
    query = (
        select(artifacts, *columns)
        .join_from(artifacts, runs, artifacts.c.run_id == runs.c.id)
        .where(artifacts.c.id > after, due)
        .order_by(artifacts.c.id)
        .limit(BATCH)
    )
    return list(_artifact_facts(tx, tx.all(query)))


def _artifact_facts(tx: Transaction, found: Sequence[Row]) -> Iterator[ArtifactFacts]:
    newest: dict[tuple[str, str, str], str | None] = {}
    for row in found:
        place = (row["project_id"], row["branch"], row["run_name"])
        is_output = row["kind"] == "output"
        if is_output and place not in newest:
            newest[place] = _newest_green(tx, *place)
        is_newest = is_output and newest[place] == row["run_id"]
        times = (row["created"], row["expires"], row["ended"] is not None)
        yield ArtifactFacts(row["id"], row["project_id"], is_output, *times, is_newest)


def _newest_green(tx: Transaction, project: str, branch: str, name: str) -> str | None:
    where = (runs.c.project_id == project, runs.c.branch == branch, runs.c.name == name)
    query = select(runs.c.id).where(*where, runs.c.state == "succeeded")
    # `created` has the index, `number` decides between two of the same moment.
    found = tx.value(query.order_by(runs.c.created.desc(), runs.c.number.desc()).limit(1))
    return None if found is None else str(found)


def drop_artifacts(tx: Transaction, chosen: Sequence[str]) -> int:
    """Delete artifacts, unless their run goes on again."""
    ended = select(runs.c.id).where(runs.c.id == artifacts.c.run_id, runs.c.ended.is_not(None))
    statement = delete(artifacts).where(artifacts.c.id.in_(chosen), ended.exists())
    return tx.execute(statement).rowcount


def caches_of(tx: Transaction, project: str) -> list[CacheFacts]:
    query = select(caches.c.id, caches.c.size, caches.c.used).where(caches.c.project_id == project)
    return [CacheFacts(*row) for row in tx.execute(query)]


def drop_caches(tx: Transaction, chosen: Sequence[str], now: float) -> int:
    """Delete caches, unless they were used after *now*."""
    statement = delete(caches).where(caches.c.id.in_(chosen), caches.c.used <= now)
    return tx.execute(statement).rowcount


def old_files(tx: Transaction, after: str, before: float) -> list[tuple[str, bool]]:
    """Return pipeline files that were last used before *before*, and whether a run names them."""
    query = select(pipeline_files.c.digest).where(
        pipeline_files.c.digest > after, pipeline_files.c.used < before
    )
    found = tx.execute(query.order_by(pipeline_files.c.digest).limit(BATCH)).scalars().all()
    named = set(
        tx.execute(select(runs.c.file_digest).where(runs.c.file_digest.in_(found))).scalars()
    )
    return [(digest, digest in named) for digest in found]


def drop_files(tx: Transaction, chosen: Sequence[str], before: float) -> int:
    """Delete pipeline files, unless they were used meanwhile."""
    statement = delete(pipeline_files).where(
        pipeline_files.c.digest.in_(chosen), pipeline_files.c.used < before
    )
    return tx.execute(statement).rowcount
