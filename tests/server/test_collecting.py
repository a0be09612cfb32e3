"""Collections over a store in a file: at any time, by any server, and stopped between any steps."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Callable, Collection, Coroutine, Iterator
from functools import cache, wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import pytest

pytest.importorskip("sqlalchemy", reason="the server's packages are not installed")

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import Select, Table, func, insert, select, update
from sqlalchemy.dialects import sqlite

from steersman.blobs.fake import FakeBlobs
from steersman.blobs.folder import FolderBlobs
from steersman.clock import SetClock
from steersman.core.errors import Refused
from steersman.core.retention import DAY, Policy
from steersman.server import merging
from steersman.server.collecting import RESTED, Collected, Collector
from steersman.server.logs import INLINE, Logs
from steersman.store import engines, keeping, tables
from steersman.store import retention as rows
from steersman.store.garbage import NAMED_BY
from steersman.store.sql import Store, Work

T = TypeVar("T")
P = ParamSpec("P")
NOW = 2000 * DAY
POLICY = Policy(last_runs=2)


def asynchronous(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """Run *test* on a loop of its own."""

    @wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        asyncio.run(test(*args, **kwargs))

    return run


class CrashError(Exception):
    """The process died here."""


class Fuse:
    """Burns down by one with each step; at its end the process dies. None never burns."""

    def __init__(self) -> None:
        self.left: int | None = None

    def burn(self) -> None:
        if self.left is not None:
            self.left -= 1
            if self.left <= 0:
                self.left = None
                raise CrashError


class MortalStore(Store):
    """Dies before a transaction, or when it is committed."""

    fuse = Fuse()

    async def write(self, work: Work[T]) -> T:
        self.fuse.burn()
        result = await super().write(work)
        self.fuse.burn()
        return result


class MortalBlobs(FakeBlobs):
    """Dies before or after it puts or deletes."""

    fuse = Fuse()

    async def put_bytes(self, key: str, data: bytes) -> None:
        self.fuse.burn()
        await super().put_bytes(key, data)
        self.fuse.burn()

    async def delete(self, key: str) -> None:
        self.fuse.burn()
        await super().delete(key)
        self.fuse.burn()


@cache
def empty_database() -> bytes:
    """Return the file of a database; making all its tables anew takes longer than most tests."""
    with tempfile.TemporaryDirectory() as folder:
        engine = engines.open_engine(f"sqlite:///{folder}/x.db")
        tables.metadata.create_all(engine)
        engine.dispose()
        return (Path(folder) / "x.db").read_bytes()


class World:
    """One server's store, blobs and logs, with a project `p` in it."""

    def __init__(self, folder: Path) -> None:
        (folder / "steersman.db").write_bytes(empty_database())
        url = f"sqlite:///{folder}/steersman.db"
        self.clock = SetClock(NOW)
        self.store = MortalStore(url, self.clock)
        self.blobs = MortalBlobs(self.clock.now)
        self.store.fuse = self.blobs.fuse = self.fuse = Fuse()
        self.logs = Logs(self.store, self.blobs)
        self.collector = Collector(self.store, self.blobs, POLICY)
        self.runs = 0

    async def add(self, table: Table, **row: Any) -> None:
        await self.store.write(lambda tx: tx.execute(insert(table), row))

    async def change(self, table: Table, identity: str, **row: Any) -> None:
        which = update(table).where(table.c.id == identity)
        await self.store.write(lambda tx: tx.execute(which.values(**row)))

    async def project(self, identity: str = "p", **more: Any) -> None:
        await self.add(tables.projects, id=identity, name=identity, created=NOW, **more)

    async def run(self, branch: str = "main", name: str = "build", project: str = "p") -> str:
        """Add a run that goes on, with one attempt of the same id."""
        self.runs += 1
        identity = f"run{self.runs:04d}"
        row = {"id": identity, "project_id": project, "number": self.runs, "name": name}
        now = self.clock.now()
        await self.add(tables.runs, **row, branch=branch, state="running", created=now)
        times = {"queued": now, "since": now, "placed": now, "heard": now, "rank": now}
        attempt = {"id": identity, "run_id": identity, "project_id": project, "number": 1}
        await self.add(tables.attempts, **attempt, **times, state="running", lane=1)
        return identity

    async def end(self, run: str, state: str = "succeeded") -> None:
        now = self.clock.now()
        await self.change(tables.attempts, run, state=state, since=now, log_closed=True)
        await self.change(tables.runs, run, state=state, ended=now)

    async def artifact(self, run: str, kind: str = "output", name: str = "output") -> str:
        identity = self.clock.new_id()
        key = f"artifacts/{run}/{identity}"
        await self.blobs.put_bytes(key, key.encode())
        row = {"id": identity, "project_id": "p", "run_id": run, "attempt_id": run}
        row |= {"job": "build", "kind": kind, "name": name, "blob": key}
        await self.store.write(lambda tx: keeping.put_artifact(tx, {**row, "size": 1}))
        return identity

    async def cache(self, scope: str = "branch/main", size: int = 10, project: str = "p") -> str:
        identity = self.clock.new_id()
        key = f"caches/{project}/{identity}"
        await self.blobs.put_bytes(key, b"cache")
        now = self.clock.now()
        row = {"project_id": project, "scope": scope, "name": "build", "size": size}
        row |= {"blob": key, "created": now, "used": now}
        new = sqlite.insert(tables.caches).values(id=identity, **row)
        put = new.on_conflict_do_update(index_elements=["project_id", "scope", "name"], set_=row)
        await self.store.write(lambda tx: tx.execute(put))
        return identity

    async def ids(self, table: Table) -> set[Any]:
        (key, *_) = table.primary_key.columns
        return await self.column(select(key))

    async def named(self) -> set[str]:
        """Return every blob that a row names."""
        found: set[str] = set()
        for table in NAMED_BY:
            query = select(table.c.blob).where(table.c.blob.is_not(None))
            found |= await self.column(query)
        return found

    async def column(self, query: Select[Any]) -> set[Any]:
        return await self.store.read(lambda tx: set(tx.execute(query).scalars()))

    async def pieces(self, attempt: str) -> int:
        query = select(func.count()).where(tables.log_pieces.c.attempt_id == attempt)
        return int(await self.store.read(lambda tx: tx.value(query)))

    async def log(self, attempt: str) -> bytes:
        return b"".join([data async for data in self.logs.read(attempt)])

    async def write_log(self, attempt: str, *pieces: bytes) -> None:
        for piece in pieces:
            known = await self.logs.length(attempt)
            assert known is not None
            await self.logs.append(attempt, known.size, piece, self.clock.now())

    async def later(self, days: float) -> Collected:
        """Collect after so many days."""
        self.clock.time += days * DAY
        return await self.collector.collect_once()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    asyncio.run(made.project())
    yield made
    made.store.close()


TINY = st.binary(max_size=12).map(lambda data: data.replace(b"\x00", b"\n") or b".")
LARGE = st.integers(INLINE, 3 * INLINE).map(
    lambda size: b"a line of some length\r\n" * (size // 23)
)


@settings(max_examples=10, deadline=None)
@given(st.lists(TINY | LARGE, min_size=1, max_size=12), st.data())
def test_a_merged_log_reads_as_before_by_bytes_and_by_lines(
    pieces: list[bytes], data: st.DataObject
) -> None:
    async def check(world: World) -> None:
        await world.project()
        run = await world.run()
        await world.write_log(run, b"the beginning\n", *pieces)
        await world.end(run)
        whole = b"the beginning\n" + b"".join(pieces)
        count = whole.count(b"\n") + 1
        wanted = sorted({1, count // 2, count - 1, data.draw(st.integers(0, count))})
        before = [await world.logs.lines(run, line, 3) for line in wanted]
        had = await world.pieces(run)
        fewer = await merging.merge(world.store, world.blobs, run)
        assert await world.pieces(run) == had - fewer
        assert await world.log(run) == whole
        after = [await world.logs.lines(run, line, 3) for line in wanted]
        assert after == before
        start, stop = sorted([data.draw(st.integers(0, len(whole))) for _ in range(2)])
        part = b"".join([each async for each in world.logs.read(run, start, stop)])
        assert part == whole[start:stop]

    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder))
        asyncio.run(check(world))
        world.store.close()


@asynchronous
async def test_many_tiny_pieces_become_one_in_the_database(world: World) -> None:
    run = await world.run()
    await world.write_log(run, *(b"%d\n" % number for number in range(450)))
    await world.end(run)
    assert (await world.later(0)).counts["merged"] == 449
    assert await world.pieces(run) == 1
    assert await world.log(run) == b"".join(b"%d\n" % number for number in range(450))
    assert await world.blobs.keys("logs/") == []
    assert "merged" not in (await world.later(0)).counts


@asynchronous
async def test_larger_pieces_become_blobs_of_a_mebibyte(world: World) -> None:
    run = await world.run()
    await world.write_log(run, *(bytes([65 + number % 26]) * 30_000 for number in range(50)))
    whole = await world.log(run)
    await world.end(run)
    await world.later(0)
    found = await world.blobs.keys(f"logs/{run}/")
    assert [each.key[-22:] for each in found] == [f"/c{0:020d}", f"/c{34 * 30_000:020d}"]
    assert sum(each.size for each in found) == len(whole)
    assert await world.log(run) == whole


@asynchronous
async def test_a_log_that_still_grows_is_not_merged(world: World) -> None:
    run = await world.run()
    await world.write_log(run, b"one\n", b"two\n")
    assert "merged" not in (await world.later(0)).counts


@asynchronous
async def test_a_reader_in_the_middle_of_a_log_goes_on_when_it_was_merged(world: World) -> None:
    run = await world.run()
    await world.write_log(run, *(b"%d\n" % number for number in range(200)))
    await world.end(run)
    whole = await world.log(run)
    reader = world.logs.read(run)
    read = [await anext(reader) for _ in range(30)]
    await world.later(0)
    assert await world.pieces(run) == 1
    assert b"".join(read + [data async for data in reader]) == whole


@asynchronous
async def test_of_a_log_that_expired_its_size_is_left(world: World) -> None:
    run = await world.run()
    await world.write_log(run, b"one\n", b"x" * (INLINE + 1))
    await world.end(run)
    assert "logs" not in (await world.later(89)).counts
    assert (await world.later(2)).counts["logs"] == 1
    known = await world.logs.length(run)
    assert known is not None
    assert (known.size, await world.log(run)) == (INLINE + 5, b"")
    await world.later(2)
    assert await world.blobs.keys("logs/") == []


@asynchronous
async def test_a_run_that_goes_on_again_is_kept_with_what_is_left(world: World) -> None:
    run = await world.run()
    assert await world.store.write(lambda tx: rows.drop_run(tx, run, NOW + DAY)) == "kept"
    assert await world.ids(tables.runs) == {run}


@asynchronous
async def test_a_run_goes_in_batches_with_its_steps_and_pieces(world: World) -> None:
    run = await world.run()
    await world.write_log(run, *(b"x" for _ in range(250)))
    steps = [{"attempt_id": run, "number": number} for number in range(5)]
    await world.store.write(lambda tx: tx.execute(insert(tables.steps), steps))
    await world.artifact(run)
    await world.end(run)
    found = []
    while "gone" not in found:
        step = await world.store.write(lambda tx: rows.drop_run(tx, run, NOW + DAY))
        found.append(step.value)
    assert found == ["more", "more", "more", "more", "gone"]
    for table in (tables.runs, tables.attempts, tables.log_pieces, tables.steps, tables.artifacts):
        assert await world.ids(table) == set()


@asynchronous
async def test_a_cache_that_was_used_meanwhile_is_kept(world: World) -> None:
    cache = await world.cache()
    now = world.clock.now()
    assert await world.store.write(lambda tx: rows.drop_caches(tx, [cache], now - 1)) == 0
    assert await world.store.write(lambda tx: rows.drop_caches(tx, [cache], now)) == 1


@asynchronous
async def test_a_project_keeps_what_its_settings_say(world: World) -> None:
    await world.project("brief", settings={"retention": {"caches": 1}})
    kept, gone = await world.cache(), await world.cache(project="brief")
    assert (await world.later(2)).counts == {"caches": 1}
    assert (kept in await world.ids(tables.caches), gone in await world.ids(tables.caches)) == (
        True,
        False,
    )


@asynchronous
async def test_of_a_project_with_settings_nobody_can_read_nothing_goes(world: World) -> None:
    await world.project("odd", settings={"retention": {"caches": "long"}})
    cache = await world.cache(project="odd")
    found = await world.later(500)
    assert "project odd: settings: retention: caches is 'long'" in found.problems[0]
    assert await world.ids(tables.caches) == {cache}


OLD: list[tuple[Table, int, dict[str, Any]]] = [
    (tables.deliveries, 30, {"id": "x", "project_id": "p", "delivery": "d", "received": NOW}),
    (tables.audit, 365, {"at": NOW}),
    (tables.answers, 2, {"key": "x", "status": 200, "created": NOW}),
    (tables.tokens, 30, {"id": "x", "digest": "x", "created": 0.0, "revoked": NOW}),
    (tables.tokens, 30, {"id": "x", "digest": "x", "created": 0.0, "expires": NOW}),
    (tables.pipeline_files, 30, {"digest": "x", "content": "x", "used": NOW}),
    (
        tables.triggers,
        30,
        {
            "id": "x",
            "project_id": "p",
            "key": "k",
            "state": "planned",
            "accepted": NOW,
            "next_try": NOW,
        },
    ),
    (
        tables.outbox,
        30,
        {
            "id": "x",
            "project_id": "p",
            "key": "k",
            "state": "sent",
            "created": 0.0,
            "next_try": NOW,
            "ended": NOW,
        },
    ),
]


@pytest.mark.parametrize(("table", "days", "row"), OLD)
@asynchronous
async def test_a_row_goes_at_its_age_and_not_before(
    world: World, table: Table, days: int, row: dict[str, Any]
) -> None:
    await world.add(table, **row)
    await world.later(days - 1)
    assert len(await world.ids(table)) == 1
    await world.later(2)
    assert await world.ids(table) == set()


@asynchronous
async def test_what_is_open_or_still_named_outlives_any_age(world: World) -> None:
    times = {"created": NOW, "next_try": NOW}
    await world.add(tables.outbox, id="x", project_id="p", key="k", state="waiting", **times)
    trigger = {"id": "x", "project_id": "p", "key": "k", "state": "accepted"}
    await world.add(tables.triggers, **trigger, accepted=NOW, next_try=NOW)
    await world.add(tables.tokens, id="x", digest="x", created=NOW)
    await world.add(tables.pipeline_files, digest="x", content="x", used=NOW)
    run = await world.run()
    await world.change(tables.runs, run, file_digest="x")
    assert (await world.later(5000)).counts == {}


@asynchronous
async def test_the_newest_event_stays_so_that_numbers_go_on(world: World) -> None:
    for number in range(300):
        project = "p" if number % 2 else "removed"
        await world.add(tables.events, at=NOW, kind="run", project_id=project)
    assert (await world.later(31)).counts == {"events": 299}
    assert await world.ids(tables.events) == {300}


@asynchronous
async def test_a_job_that_waits_keeps_the_output_it_begins_with(world: World) -> None:
    going, ended = await world.run(), await world.run()
    kept = await world.artifact(going)
    await world.artifact(ended, "file", "other")
    await world.end(ended)
    assert (await world.later(300)).counts["artifacts"] == 1
    assert await world.ids(tables.artifacts) == {kept}


@asynchronous
async def test_an_artifact_of_a_run_that_goes_on_again_is_kept(world: World) -> None:
    artifact = await world.artifact(await world.run())
    assert await world.store.write(lambda tx: rows.drop_artifacts(tx, [artifact])) == 0


@asynchronous
async def test_only_the_newest_green_run_of_a_branch_keeps_its_output(world: World) -> None:
    found = {}
    for name, state in (("old", "succeeded"), ("new", "succeeded"), ("red", "failed")):
        run = await world.run()
        found[name] = await world.artifact(run)
        await world.end(run, state)
        world.clock.time += 1
    await world.later(100)
    assert await world.ids(tables.artifacts) == {found["new"]}


@asynchronous
async def test_a_blob_that_is_put_again_after_it_was_noted_has_time_for_its_row(
    world: World,
) -> None:
    await world.blobs.put_bytes("caches/p/x", b"x")
    await world.later(0)
    world.clock.time += 2 * DAY
    await world.blobs.put_bytes("caches/p/x", b"x")
    assert "blobs" not in (await world.later(0.5)).counts
    assert (await world.later(1)).counts["blobs"] == 1


@asynchronous
async def test_what_any_table_names_is_kept(world: World) -> None:
    run = await world.run()
    await world.write_log(run, b"x" * (INLINE + 1))
    await world.artifact(run)
    await world.cache()
    await world.blobs.put_bytes("steps/x", b"x")
    await world.add(tables.published_steps, id="x", blob="steps/x", created=NOW)
    named = await world.named()
    assert len(named) == 4
    for _ in range(3):
        await world.later(2)
    assert {found.key for found in await world.blobs.keys("")} == named


@asynchronous
async def test_what_is_not_ours_in_the_store_is_not_touched(world: World) -> None:
    await world.blobs.put_bytes("backups/yesterday", b"x")
    await world.later(0)
    await world.later(9)
    assert await world.blobs.size("backups/yesterday") == 1


class HeldBlobs(MortalBlobs):
    """Lets one key not be deleted, as a bucket with a lock does."""

    async def delete(self, key: str) -> None:
        if key.endswith("held"):
            raise Refused("it is held")
        await super().delete(key)


@asynchronous
async def test_a_blob_that_may_not_be_deleted_does_not_keep_the_others(world: World) -> None:
    blobs = HeldBlobs(world.clock.now)
    await blobs.put_bytes("logs/a/held", b"x")
    await blobs.put_bytes("logs/b/free", b"x")
    collector = Collector(world.store, blobs)
    await collector.collect_once()
    world.clock.time += 2 * DAY
    found = await collector.collect_once()
    assert found == ({"blobs": 1}, ("cannot delete logs/a/held: it is held",))


@asynchronous
async def test_an_outage_of_the_blobs_does_not_keep_rows(world: World) -> None:
    await world.cache()
    world.blobs.down = True
    found = await world.later(15)
    assert found.counts == {"caches": 1}
    assert "down" in found.problems[0]


@asynchronous
async def test_one_server_collects_at_a_time(world: World) -> None:
    other = Collector(world.store, world.blobs, POLICY)
    await world.cache()
    world.clock.time += 15 * DAY
    assert (await other.collect_once()).counts == {"caches": 1}
    await world.cache()
    world.clock.time += RESTED - 1
    await world.change(tables.projects, "p", settings={"retention": {"cache-gigabytes": 1e-9}})
    assert (await world.collector.collect_once()).counts == {}
    world.clock.time += 2
    assert (await world.collector.collect_once()).counts["caches"] == 1


@asynchronous
async def test_a_claim_from_the_future_keeps_nobody(world: World) -> None:
    other = Collector(world.store, world.blobs, POLICY)
    world.clock.time += 300 * DAY
    await other.collect_once()
    world.clock.time -= 300 * DAY
    await world.cache(size=6 * 10**9)
    assert (await world.collector.collect_once()).counts["caches"] == 1


class Folders:
    """Mirrors by name."""

    def __init__(self, *names: str) -> None:
        self.names = set(names)

    async def projects(self) -> Collection[str]:
        return frozenset(self.names)

    async def remove(self, project: str) -> None:
        self.names.discard(project)


@asynchronous
async def test_mirrors_of_removed_projects_go(world: World) -> None:
    mirrors = Folders("p", "removed")
    found = await Collector(world.store, world.blobs, mirrors=mirrors).collect_once()
    assert (found.counts, mirrors.names) == ({"mirrors": 1}, {"p"})


@asynchronous
async def test_parts_that_killed_writers_left_are_swept(world: World, tmp_path: Path) -> None:
    parts = tmp_path / "blobs" / "~parts"
    parts.mkdir(parents=True)
    (parts / "x.part").write_bytes(b"x")
    os.utime(parts / "x.part", (NOW - 2 * DAY, NOW - 2 * DAY))
    blobs = FolderBlobs(tmp_path / "blobs")
    assert (await Collector(world.store, blobs).collect_once()).counts == {"parts": 1}


class Collections(RuleBasedStateMachine):
    """Things are made, ended and collected in any order, and somebody dies at any step."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.world = World(Path(self.folder.name))
        self.loop = asyncio.Runner()
        self.going: dict[str, str] = {}
        self.ended: dict[str, tuple[str, float, bool]] = {}
        self.logs: dict[str, bytes] = {}
        self.outputs: dict[str, tuple[str, float]] = {}
        self.caches: dict[str, float] = {}
        self.uploads: dict[str, float] = {}

    def do(self, work: Coroutine[Any, Any, T]) -> T | None:
        """Do it; None when somebody died in it."""
        try:
            return self.loop.run(work)
        except CrashError:
            return None
        finally:
            self.world.fuse.left = None

    @initialize()
    def begin(self) -> None:
        self.loop.run(self.world.project())

    @rule(branch=st.sampled_from(["main", "next"]))
    def begin_run(self, branch: str) -> None:
        run = self.loop.run(self.world.run(branch))
        self.going[run], self.logs[run] = branch, b""

    @precondition(lambda self: self.going)
    @rule(data=st.data(), green=st.booleans())
    def end_run(self, data: st.DataObject, green: bool) -> None:
        run = data.draw(st.sampled_from(sorted(self.going)))
        self.loop.run(self.world.end(run, "succeeded" if green else "failed"))
        self.ended[run] = (self.going.pop(run), self.world.clock.now(), green)

    @precondition(lambda self: self.going)
    @rule(data=st.data(), sizes=st.lists(st.sampled_from([1, 30, INLINE - 5, INLINE + 5])))
    def write_log(self, data: st.DataObject, sizes: list[int]) -> None:
        run = data.draw(st.sampled_from(sorted(self.going)))
        for size in sizes:
            line = b"%d\n" % len(self.logs[run]) * (size // 3)
            if line:
                self.loop.run(self.world.write_log(run, line))
                self.logs[run] += line

    @precondition(lambda self: self.going)
    @rule(data=st.data(), steps=st.none() | st.integers(1, 4))
    def keep_output(self, data: st.DataObject, steps: int | None) -> None:
        run = data.draw(st.sampled_from(sorted(self.going)))
        self.world.fuse.left = steps
        if self.do(self.world.artifact(run)) is not None:
            self.outputs[run] = (run, self.world.clock.now())

    @rule(scope=st.sampled_from(["a", "b"]), steps=st.none() | st.integers(1, 4))
    def keep_cache(self, scope: str, steps: int | None) -> None:
        self.world.fuse.left = steps
        if self.do(self.world.cache(scope)) is not None:
            self.caches[scope] = self.world.clock.now()

    @rule()
    def begin_upload(self) -> None:
        key = f"steps/{len(self.uploads)}"
        self.loop.run(self.world.blobs.put_bytes(key, b"step"))
        self.uploads[key] = self.world.clock.now()

    @rule()
    def end_uploads(self) -> None:
        """Add the rows of blobs that were put a while ago, but not longer than anybody takes."""
        known = self.loop.run(self.world.named())
        now = self.world.clock.now()
        for key, at in self.uploads.items():
            if key not in known and now - at < DAY:
                row = {"id": key, "name": key, "blob": key, "created": now}
                self.loop.run(self.world.add(tables.published_steps, **row))

    @rule(days=st.sampled_from([0.01, 0.6, 1.1, 14, 40, 100]))
    def wait(self, days: float) -> None:
        self.world.clock.time += days * DAY

    @rule(steps=st.none() | st.integers(1, 30))
    def collect(self, steps: int | None) -> None:
        self.world.fuse.left = steps
        self.do(self.world.collector.collect_once())
        left = self.loop.run(self.scopes())
        now = self.world.clock.now()
        assert all(scope in left for scope, used in self.caches.items() if now - used < 13 * DAY)
        self.caches = {scope: used for scope, used in self.caches.items() if scope in left}

    async def scopes(self) -> set[str]:
        query = select(tables.caches.c.scope)
        return await self.world.column(query)

    @invariant()
    def what_a_row_names_is_there(self) -> None:
        assert self.loop.run(self.world.named()) <= self.blobs()

    def blobs(self) -> set[str]:
        return {found.key for found in self.loop.run(self.world.blobs.keys(""))}

    @invariant()
    def what_is_needed_is_there(self) -> None:
        left = self.loop.run(self.world.ids(tables.runs))
        assert self.going.keys() <= left
        for branch in ("main", "next"):
            mine = sorted(run for run in [*self.going, *self.ended] if self.branch(run) == branch)
            assert set(mine[-POLICY.last_runs :]) <= left
            ended = [run for run in mine if run in self.ended]
            assert set(ended[-1:]) <= left
        now = self.world.clock.now()
        for run, (_, at, _) in self.ended.items():
            assert run in left or now - at > POLICY.runs

    def branch(self, run: str) -> str:
        return self.going.get(run) or self.ended[run][0]

    @invariant()
    def outputs_are_kept_while_they_are_young_or_needed(self) -> None:
        query = select(tables.artifacts.c.run_id)
        there = self.loop.run(self.world.column(query))
        now = self.world.clock.now()
        for run, (_, at) in self.outputs.items():
            if run in self.going or now - at < POLICY.artifacts or run in self.newest_green():
                assert run in there

    def newest_green(self) -> set[str]:
        green = {run: branch for run, (branch, _, is_green) in self.ended.items() if is_green}
        return {max(run for run in green if green[run] == branch) for branch in set(green.values())}

    @invariant()
    def logs_read_as_they_were_written(self) -> None:
        now = self.world.clock.now()
        for run, written in self.logs.items():
            if run in self.going or now - self.ended[run][1] < POLICY.logs:
                assert self.loop.run(self.world.log(run)) == written

    def teardown(self) -> None:
        """After a long time, nothing is left that nobody needs."""
        try:
            self.collect_for_long()
            self.what_is_needed_is_there()
            assert self.loop.run(self.world.named()) == self.blobs()
            assert self.loop.run(self.world.ids(tables.garbage)) == set()
            for table in (tables.caches, tables.log_pieces):
                assert self.loop.run(self.world.ids(table)) == set()
            query = select(tables.artifacts.c.run_id)
            there = self.loop.run(self.world.column(query))
            assert there <= self.newest_green()
            assert len(self.loop.run(self.world.ids(tables.runs))) <= 2 * (POLICY.last_runs + 2)
        finally:
            self.loop.close()
            self.world.store.close()
            self.folder.cleanup()

    def collect_for_long(self) -> None:
        for run, branch in sorted(self.going.items()):
            self.loop.run(self.world.end(run))
            self.ended[run] = (branch, self.world.clock.now(), True)
        self.going.clear()
        for days in (400, 0.1, 2):
            found = self.loop.run(self.world.later(days))
            assert found.problems == ()


TestCollections = Collections.TestCase
TestCollections.settings = settings(max_examples=10, stateful_step_count=20, deadline=None)
