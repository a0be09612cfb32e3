"""What breaks round one server: its database, its blobs, its disk, its clock, its archives."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import tarfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path

import httpx2
import pytest

from steersman.blobs.fake import FakeBlobs
from steersman.cli.server_parts import Options, build
from steersman.client import Client
from steersman.clock import SetClock
from steersman.containers.host import HostContainers
from steersman.core import deadlines, leases
from steersman.core.errors import Refused
from steersman.core.pipelines.model import Step, StepKind
from steersman.core.problems import Place
from steersman.runner import carrying, registries
from steersman.runner.jobs import Allowed, Places
from steersman.runner.program import Runner, place
from steersman.server import moving
from steersman.server.logs import Logs
from steersman.server.planning import Planner
from steersman.server.platform import Platform
from tests.platform.faults import (
    Granted,
    everything,
    granted,
    queued,
    run_state,
)
from tests.server.conftest import URL, Repository, application

LARGE = b"0123456789abcde\n" * 3000
OTHER = {"name": "other", "repository": "https://git.example.com/other.git"}


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "repository")


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Platform]:
    """A server's parts on SQLite."""
    parts = build(Options(tmp_path / "data", URL, allow_local=True), {})
    yield parts
    parts.store.close()


def _holder(folder: Path) -> sqlite3.Connection:
    """Open the database a second time, as somebody who looks into it would."""
    return sqlite3.connect(folder / "data" / "steersman.db", isolation_level=None, timeout=0)


async def _locked(parts: Platform, repository: Repository) -> None:
    async with queued(parts, repository, times=2) as here:
        parts.store.patience = 0.1
        with closing(_holder(repository.folder.parent)) as holder:
            holder.execute("BEGIN IMMEDIATE")
            answer = await here.call("POST", "/api/v1/projects", OTHER)
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
            assert answer.json()["detail"] == "the database does not answer: database is locked"
            assert (await here.call("GET", "/api/v1/projects/shop")).status_code == 200
            holder.execute("ROLLBACK")
        assert (await here.call("POST", "/api/v1/projects", OTHER)).status_code == 201
        assert await run_state(here) == "queued"


def test_a_database_that_stays_locked_is_said_in_words_and_works_again(
    platform: Platform, repository: Repository
) -> None:
    asyncio.run(_locked(platform, repository))


async def _planner(parts: Platform, repository: Repository, said: pytest.LogCaptureFixture) -> None:
    async with queued(parts, repository) as here:
        asked = {"kind": "push", "branch": "main"}
        await here.call("POST", "/api/v1/projects/shop/triggers", asked)
        parts.store.patience = 0.1
        with closing(_holder(repository.folder.parent)) as holder:
            holder.execute("BEGIN IMMEDIATE")
            woken = asyncio.Event()
            parts.store.waking.listen(moving.QUEUE, woken.set)
            planning = asyncio.create_task(Planner(parts).run())
            while "planning_failed: the database does not answer" not in said.text:
                assert not planning.done(), "the fault bites, and it goes on"
                await asyncio.sleep(0.05)
            holder.execute("ROLLBACK")
        await woken.wait()
        planning.cancel()
        assert await run_state(here, 2) == "queued"


def test_the_planner_outlives_a_database_that_is_away(
    platform: Platform, repository: Repository, caplog: pytest.LogCaptureFixture
) -> None:
    asyncio.run(_planner(platform, repository, caplog))


async def _no_blobs(parts: Platform, repository: Repository) -> None:
    blobs = FakeBlobs()
    parts = parts._replace(blobs=blobs, logs=Logs(parts.store, blobs))
    async with queued(parts, repository) as here:
        mine = await granted(here)
        await mine.begin()
        before = await everything(parts)
        blobs.down = True
        sent = {
            "log?offset=0": LARGE,
            "artifacts/output/output": LARGE,
            "cache": LARGE,
        }
        for path, data in sent.items():
            answer = await mine.ask("PUT", f"/runner/v1/{path}", content=data)
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "2"), path
        assert await everything(parts) == before
        assert (await mine.beat()).status_code == 200, "who needs no blobs goes on"
        blobs.down = False
        for _ in range(2):
            for path, data in sent.items():
                answer = await mine.ask("PUT", f"/runner/v1/{path}", content=data)
                assert answer.json()["size"] == len(data), path
        await mine.record(size=len(LARGE))
        log = await here.call("GET", f"/api/v1/attempts/{mine.id}/log")
        assert log.content == LARGE
        left = await here.call("GET", "/api/v1/runs/shop/1/artifacts")
        assert [each["size"] for each in left.json()["items"]] == [len(LARGE)]
        assert await run_state(here) == "succeeded"


def test_what_could_not_be_kept_is_sent_again_and_kept_once(
    platform: Platform, repository: Repository
) -> None:
    asyncio.run(_no_blobs(platform, repository))


@asynccontextmanager
async def _client(parts: Platform, mine: Granted) -> AsyncIterator[Client]:
    app = application(parts)
    app.state.closing = asyncio.Event()
    transport = httpx2.ASGITransport(app=app)
    async with Client(URL, mine.token, transport=transport) as client:
        yield client


async def _run(parts: Platform, mine: Granted, folder: Path) -> int:
    """Let a runner execute the attempt on this machine."""
    async with _client(parts, mine) as client:
        return await Runner(
            client, place(folder), Allowed(), lambda: HostContainers(folder / "host")
        ).run()


async def _spool(parts: Platform, repository: Repository, full: bool) -> None:
    async with queued(parts, repository) as here:
        mine = await granted(here)
        folder = repository.folder.parent / "runners" / "one"
        folder.mkdir(parents=True)
        if full:
            (folder / "log").symlink_to("/dev/full")
        assert await _run(parts, mine, folder) == 0
        [first, *_] = await everything(parts)
        if not full:
            assert first["state"] == "succeeded"
            return
        assert (first["state"], first["reason"]) == ("errored", "internal")
        assert "the disk is full" in first["message"]
        assert await run_state(here) != "succeeded"


@pytest.mark.parametrize("full", [False, True])
def test_a_runner_whose_disk_is_full_says_so_and_is_not_green(
    platform: Platform, repository: Repository, full: bool
) -> None:
    asyncio.run(_spool(platform, repository, full))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk with a few megabytes, where a database can be."""
    folder = tmp_path / "small"
    folder.mkdir()
    if os.getuid() != 0:
        pytest.skip("only root may mount a small disk")
    words = ["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(folder)]
    if subprocess.run(words, capture_output=True, check=False).returncode != 0:
        pytest.skip("this machine does not let us mount a small disk")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def _fill(path: Path) -> None:
    with suppress(OSError), path.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))


async def _full(parts: Platform, repository: Repository, disk: Path) -> None:
    async with queued(parts, repository) as here:
        mine = await granted(here)
        await mine.begin()
        _fill(disk / "filler")
        pieces, size = b"x" * 30_000, 0
        while (answer := await mine.append(size, pieces)).is_success:
            size += len(pieces)
        assert answer.status_code == 503
        assert answer.json()["detail"] == "the disk of the database is full"
        assert answer.json()["hint"] == "free some space there"
        assert await run_state(here) == "running"
        (disk / "filler").unlink()
        assert (await mine.append(size, pieces)).json() == {"size": size + len(pieces)}
        await mine.record(size=size + len(pieces))
        assert await run_state(here) == "succeeded"
        log = await here.call("GET", f"/api/v1/attempts/{mine.id}/log")
        assert log.content == b"x" * (size + len(pieces))


def test_a_full_disk_of_the_database_is_said_and_loses_nothing(
    small_disk: Path, repository: Repository
) -> None:
    parts = build(Options(small_disk / "data", URL, allow_local=True), {})
    try:
        asyncio.run(_full(parts, repository, small_disk))
    finally:
        parts.store.close()


class Hours:
    """A platform whose clock is set, and runners that say that they live."""

    def __init__(self, parts: Platform) -> None:
        self.clock = SetClock(1_800_000_000.0)
        parts.store.clock = self.clock
        self.parts = parts._replace(clock=self.clock)
        self.alive: list[Granted] = []

    async def go_on(self, seconds: float) -> None:
        """Let time pass as the server and these runners see it."""
        for _ in range(int(seconds / 2)):
            self.clock.time += 2
            for each in self.alive:
                assert (await each.beat()).json() == {"cancel": None}
            await self.parts.queue.expire()

    async def state(self, one: Granted) -> str:
        rows = await everything(self.parts)
        return next(str(row["state"]) for row in rows if row["id"] == one.id)


async def _jump(parts: Platform, repository: Repository, seconds: float) -> None:
    hours = Hours(parts)
    async with queued(hours.parts, repository, times=3) as here:
        lives, silent, never = [await granted(here) for _ in range(3)]
        await lives.begin()
        await silent.begin()
        hours.alive = [lives, silent]
        await hours.go_on(20)
        hours.clock.time += seconds
        hours.alive = [lives]
        assert await parts.queue.adopt(lives.id, "other") is None, "its worker asked just now"
        await hours.go_on(deadlines.DEFAULT.silence - 10)
        assert await hours.state(lives) == await hours.state(silent) == "running"
        assert (await granted(here, "other")).id == never.id, "its lease ended in its time"
        await hours.go_on(deadlines.DEFAULT.grace + leases.SECONDS)
        assert await hours.state(lives) == "running"
        assert await hours.state(silent) == "errored"
        assert await parts.queue.adopt(lives.id, "other") is not None, "its worker is gone"
        await lives.record()
        assert await hours.state(lives) == "succeeded"


@pytest.mark.parametrize("seconds", [0.0, 3600.0, -3600.0])
def test_a_clock_that_jumps_loses_nobody_who_lives_and_spares_nobody_who_does_not(
    platform: Platform, repository: Repository, seconds: float
) -> None:
    asyncio.run(_jump(platform, repository, seconds))


def _member(name: str, kind: bytes = tarfile.REGTYPE, target: str = "", size: int = 0) -> bytes:
    """Return a member of an archive, but for its content."""
    member = tarfile.TarInfo(name)
    member.type, member.linkname, member.size = kind, target, size
    return member.tobuf()


BOMBS = {
    "more than the limit": _member("a", size=21_000 * 1024 * 1024),
    "its end missing": _member("a", size=1000),
    "no archive": bytes(range(256)) * 40,
}


async def _fetched(data: bytes, places: Places, what: str) -> None:
    """Let a runner fetch *data* from a server that answers so."""
    answer = httpx2.MockTransport(lambda request: httpx2.Response(200, content=data))
    async with Client(URL, "token", transport=answer) as client:
        if what == "source":
            await carrying.fetch_source(client, places)
        elif what == "cache":
            await carrying.fetch_cache(client, places, 1_000_000)
        else:
            find = registries.of_server(client, places, asyncio.get_running_loop())
            place = Place("wercker.yml", 1, 1)
            step = Step("own/it", "own", "it", "*", place, StepKind.FETCHED, "it")
            await asyncio.to_thread(find, step)


@pytest.mark.parametrize(
    ("what", "bomb"),
    [
        *((what, bomb) for what in ("source", "cache", "step") for bomb in BOMBS),
        ("step", "a hundred thousand entries"),
    ],
)
def test_an_archive_that_is_a_bomb_is_refused_and_leaves_nothing(
    tmp_path: Path, what: str, bomb: str
) -> None:
    data = BOMBS.get(bomb) or _member("a/", tarfile.DIRTYPE) * 100_001
    places = place(tmp_path / "runners" / "one")
    with pytest.raises(Refused, match=r"is too large|is no tar|ends in the middle"):
        asyncio.run(_fetched(data, places, what))
    assert [path for path in tmp_path.rglob("*") if path.is_file() or path.is_symlink()] == []


@pytest.mark.parametrize("what", ["source", "cache", "step"])
def test_an_archive_that_leads_out_writes_nothing_there(tmp_path: Path, what: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    hostile = (
        _member("../../outside/up"),
        _member(f"{outside}/absolute"),
        _member("out", tarfile.SYMTYPE, str(outside)),
        _member("out/through"),
        _member("hard", tarfile.LNKTYPE, f"{outside}/absolute"),
        _member("null", tarfile.CHRTYPE),
        _member("pipe", tarfile.FIFOTYPE),
        _member("kept"),
    )
    places = place(tmp_path / "runners" / "one")
    asyncio.run(_fetched(b"".join(hostile) + bytes(1024), places, what))
    assert list(outside.iterdir()) == []
    found = [path for path in tmp_path.rglob("*") if not path.is_dir() or path.is_symlink()]
    assert {path.name for path in found if not path.is_symlink()} == {"kept"}
    assert all(path.is_symlink() or path.is_file() for path in found)
