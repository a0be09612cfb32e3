"""The parts of a collection, each for one kind of thing. Any of them may be left at any point."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple, TypeVar

from steersman.blobs.base import Blobs, Found
from steersman.core import retention
from steersman.core.errors import Refused
from steersman.core.retention import DAY, Policy
from steersman.server import merging
from steersman.store import garbage
from steersman.store import merging as merging_rows
from steersman.store import retention as rows
from steersman.store.base import Transaction
from steersman.store.retention import BATCH, Overdue, Progress
from steersman.store.sql import Store

MERGED_WITHIN = 7 * DAY
"""Seconds after its end in which a log is merged: looking at all of them would take too long."""
KINDS = ("artifacts/", "caches/", "logs/", "steps/")
"""How the keys begin that are ours to delete: what else is in the store is not touched."""
Row = TypeVar("Row", bound=tuple[Any, ...])


class Sweep(NamedTuple):
    """One collection. *now* is its moment; *hold* raises when another server has taken over.

    *policies* has the projects whose settings can be read: of the others nothing is deleted for
    its age, since nobody knows what they meant to keep.
    """

    store: Store
    blobs: Blobs
    policy: Policy
    policies: Mapping[str, Policy]
    now: float
    hold: Callable[[], Awaitable[None]]
    counts: Counter[str]
    problems: list[str]

    async def pages(
        self, query: Callable[[Transaction, str], Sequence[Row]]
    ) -> AsyncIterator[Sequence[Row]]:
        """Give what *query* finds after a key, page by page; a row begins with its key."""
        after = ""
        while found := await self.store.scan(partial(_page, query, after)):
            await self.hold()
            yield found
            after = found[-1][0]

    def before_shortest(self, kind: str) -> float:
        """Return the moment before which something of *kind* may be too old in some project."""
        shortest = min((getattr(each, kind) for each in self.policies.values()), default=0.0)
        return self.now - float(shortest)


def _page(
    query: Callable[[Transaction, str], Sequence[Row]], after: str, tx: Transaction
) -> Sequence[Row]:
    return query(tx, after)


async def old_rows(sweep: Sweep) -> None:
    """Delete what only its age counts for."""
    for found in rows.overdue(sweep.policy, sweep.now):
        await _drop_all(sweep, found)
    for project, policy in sweep.policies.items():
        for found in rows.overdue_of(project, policy, sweep.now):
            await _drop_all(sweep, found)


async def _drop_all(sweep: Sweep, found: Overdue) -> None:
    while chosen := await sweep.store.scan(partial(rows.keys, found=found)):
        await sweep.hold()
        gone = await sweep.store.rewrite(partial(rows.drop, found=found, chosen=chosen))
        sweep.counts[found.name] += gone
        if len(chosen) < BATCH:
            return


async def old_runs(sweep: Sweep) -> None:
    """Delete runs with all that is theirs."""
    for project, policy in sweep.policies.items():
        crowded = partial(rows.crowded, project=project, policy=policy, now=sweep.now)
        for branch in await sweep.store.scan(crowded):
            facts = await sweep.store.scan(partial(rows.runs_of, project=project, branch=branch))
            for run in retention.runs_to_drop(facts, policy, sweep.now):
                await _drop(sweep, "runs", partial(rows.drop_run, identity=run), policy.runs)


async def _drop(sweep: Sweep, kind: str, act: Callable[..., Progress], age: float) -> None:
    """Delete one thing in batches."""
    step = partial(act, before=sweep.now - age)
    await sweep.hold()
    while (done := await sweep.store.rewrite(step)) is Progress.MORE:
        await sweep.hold()
    sweep.counts[kind] += done is Progress.GONE


async def old_logs(sweep: Sweep) -> None:
    """Delete the pieces of logs."""
    query = partial(rows.ended_logs, before=sweep.before_shortest("logs"))
    async for page in sweep.pages(query):
        for found in page:
            policy = sweep.policies.get(found.project)
            if policy is not None and sweep.now - found.ended > policy.logs:
                act = partial(rows.drop_log, attempt=found.attempt)
                await _drop(sweep, "logs", act, policy.logs)


async def old_artifacts(sweep: Sweep) -> None:
    """Delete artifacts."""
    query = partial(rows.due_artifacts, before=sweep.before_shortest("artifacts"))
    async for page in sweep.pages(query):
        chosen: list[str] = []
        for project in {found.project for found in page} & sweep.policies.keys():
            mine = [found for found in page if found.project == project]
            chosen += retention.artifacts_to_drop(mine, sweep.policies[project], sweep.now)
        drop = partial(rows.drop_artifacts, chosen=chosen)
        sweep.counts["artifacts"] += await sweep.store.rewrite(drop)


async def old_caches(sweep: Sweep) -> None:
    """Delete caches that nobody uses, or that there is no room for."""
    for project, policy in sweep.policies.items():
        facts = await sweep.store.scan(partial(rows.caches_of, project=project))
        chosen = retention.caches_to_drop(facts, policy, sweep.now)
        for start in range(0, len(chosen), BATCH):
            await sweep.hold()
            some = chosen[start : start + BATCH]
            drop = partial(rows.drop_caches, chosen=some, now=sweep.now)
            sweep.counts["caches"] += await sweep.store.rewrite(drop)


async def old_files(sweep: Sweep) -> None:
    """Delete the texts of pipeline files that no run names any more."""
    before = sweep.now - sweep.policy.files
    async for page in sweep.pages(partial(rows.old_files, before=before)):
        chosen = [digest for digest, named in page if not named]
        drop = partial(rows.drop_files, chosen=chosen, before=before)
        sweep.counts["files"] += await sweep.store.rewrite(drop)


async def closed_logs(sweep: Sweep) -> None:
    """Merge the pieces of logs that were closed lately."""
    query = partial(merging_rows.mergeable, since=sweep.now - MERGED_WITHIN, limit=BATCH)
    async for page in sweep.pages(query):
        for (attempt,) in page:
            await sweep.hold()
            sweep.counts["merged"] += await merging.merge(sweep.store, sweep.blobs, attempt)


async def unnamed_blobs(sweep: Sweep) -> None:
    """Note the blobs that no row names, and delete those that were noted long ago."""
    for kind in KINDS:
        after = ""
        while found := await sweep.blobs.keys(kind, after):
            for start in range(0, len(found), BATCH):
                await _judge(sweep, found[start : start + BATCH])
            after = found[-1].key


async def _judge(sweep: Sweep, found: Sequence[Found]) -> None:
    await sweep.hold()
    judge = partial(garbage.judged, found=found, policy=sweep.policy)
    judgement = await sweep.store.rewrite(judge)
    gone = [key for key in judgement.delete if await _delete(sweep, key)]
    await sweep.store.rewrite(partial(garbage.forget, keys=gone))
    sweep.counts["blobs"] += len(gone)


async def _delete(sweep: Sweep, key: str) -> bool:
    """Delete a blob; one that may not be deleted does not keep us from the others."""
    try:
        await sweep.blobs.delete(key)
    except Refused as error:
        sweep.problems.append(f"cannot delete {key}: {error}")
        return False
    return True


async def stale_notes(sweep: Sweep) -> None:
    """Forget notes of blobs that are gone: somebody died between the two."""
    query = partial(garbage.noted, before=sweep.now - sweep.policy.blobs, limit=BATCH)
    async for page in sweep.pages(query):
        gone = [key for (key,) in page if await sweep.blobs.size(key) is None]
        await sweep.store.rewrite(partial(garbage.forget, keys=gone))


PARTS = (
    old_rows,
    old_runs,
    old_logs,
    old_artifacts,
    old_caches,
    old_files,
    closed_logs,
    unnamed_blobs,
    stale_notes,
)
"""In this order: what is deleted need not be merged, and rows go before the blobs they name."""
