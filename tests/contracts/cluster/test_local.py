"""Runners as processes: what they begin with, who they are, and what survives which death."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from steersman.cluster import folders, processes
from steersman.cluster.base import State
from steersman.cluster.local import LocalCluster
from steersman.cluster.processes import Process
from steersman.core.errors import Refused, Unavailable, UserError
from tests.contracts.cluster import lives
from tests.contracts.cluster.conftest import (
    ROOT,
    becomes,
    clear,
    do,
    local,
    spec,
    state,
    until,
    upbringing,
)

WORKER = """
import asyncio, sys
from pathlib import Path
from tests.contracts.cluster.conftest import local, spec

async def main():
    cluster = local(Path(sys.argv[1]))
    await cluster.create(spec())
    print(cluster.nursery_pid, flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.fixture
def root() -> Iterator[Path]:
    """A folder that other users can pass through, cleared of runners in the end."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name)
        path.chmod(0o711)
        yield path
        # As if it were later: what was not finished will not be.
        do(lambda: clear(local(path, now=lambda: time.time() + 60)))


def facts(root: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((root / "runners/a1" / lives.FACTS).read_text())
    return found


async def told(root: Path, **settings: Any) -> None:
    """Let a runner tell of itself."""
    cluster = local(root)
    await cluster.create(spec(life="tells", **settings))
    await becomes(cluster, State.ENDED)
    await cluster.close()


def test_a_runner_begins_with_nothing_of_its_maker_s(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("A_SECRET_OF_THE_WORKER", "s3cret")
    do(lambda: told(root))
    found = facts(root)
    folder = root / "runners/a1"
    assert found["here"] == str(folder)
    assert found["name"] == "steer-runner"
    assert found["stdin"] == "/dev/null"
    assert found["mask"] == 0o077
    assert [found[name] for name in ("leads", "child", "interrupt", "term", "collects")] == [
        True
    ] * 5
    *streams, alive = found["open"]
    assert streams == ["null", "runner.log", "runner.log"]
    assert alive.startswith(".alive-")
    assert set(found["environment"]) <= {"PATH", "PYTHONPATH", "LC_CTYPE"}
    assert (folder / folders.LOG).read_text() == "to the log\n"


def test_the_token_is_for_its_owner_alone(root: Path) -> None:
    do(lambda: told(root))
    folder = root / "runners/a1"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / folders.SPEC).stat().st_mode & 0o777 == 0o600
    assert folders.read_spec(folder) == spec(life="tells")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_a_runner_can_be_another_user_who_owns_its_folder(root: Path) -> None:
    do(lambda: told(root, user="nobody"))
    nobody = processes.account("nobody")
    assert nobody is not None
    found = facts(root)
    assert found["who"] == [nobody.uid, nobody.gid, *nobody.groups]
    assert found["environment"]["USER"] == "nobody"
    owners = {path.stat().st_uid for path in [root / "runners/a1", root / "runners/a1/spec.json"]}
    assert owners == {nobody.uid}


def test_a_user_that_does_not_exist_is_refused_by_name(root: Path) -> None:
    async def work() -> None:
        cluster = local(root)
        with pytest.raises(Refused, match="no-such-user"):
            await cluster.create(spec(user="no-such-user"))
        assert await cluster.runners() == []
        await cluster.close()

    do(work)


@pytest.mark.parametrize("attempt", ["../x", "", ".a", "a/b", "a\nb", "a" * 101])
def test_an_id_that_is_no_name_of_a_folder_is_refused(root: Path, attempt: str) -> None:
    with pytest.raises(UserError):
        do(lambda: local(root).create(spec(attempt)))


def test_the_last_words_of_a_runner_that_failed_are_seen(root: Path) -> None:
    async def work() -> None:
        cluster = local(root)
        await cluster.create(spec(life="fails"))
        await becomes(cluster, State.ENDED)
        (seen,) = await cluster.runners()
        assert seen.note == "RuntimeError: the disk is on fire"
        await cluster.close()

    do(work)


def test_a_killed_worker_takes_its_nursery_with_it_but_no_runner(root: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])}
    words = [sys.executable, "-c", WORKER, str(root)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, env=environment) as worker:
        assert worker.stdout is not None
        nursery = int(worker.stdout.readline())
        worker.kill()

    async def work() -> None:
        cluster = local(root)
        await until(cluster, lambda: not _lives(nursery))
        assert await state(cluster) is State.RUNNING
        await until(cluster, lambda: (root / "runners/a1" / lives.READY).exists())
        await cluster.create(spec())
        await cluster.stop("a1")
        await becomes(cluster, State.ENDED)
        assert (root / "runners/a1" / lives.BEGUN).read_text() == "once\n"
        await cluster.close()

    do(work)


def test_a_killed_nursery_is_replaced_and_its_runners_go_on(root: Path) -> None:
    async def work() -> None:
        cluster = local(root)
        await cluster.create(spec("a1"))
        first = cluster.nursery_pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        await cluster.create(spec("a2"))
        assert cluster.nursery_pid != first
        found = [(each.attempt, each.state) for each in await cluster.runners()]
        assert found == [("a1", State.RUNNING), ("a2", State.RUNNING)]
        await cluster.close()

    do(work)


def test_two_workers_that_make_the_same_runner_make_one(root: Path) -> None:
    async def work() -> None:
        clusters = [local(root), local(root)]
        await asyncio.gather(*(each.create(spec(life="ends")) for each in clusters * 3))
        await becomes(clusters[0], State.ENDED)
        assert (root / "runners/a1" / lives.BEGUN).read_text() == "once\n"
        for each in clusters:
            await each.close()

    do(work)


def test_many_quick_runners_leave_no_zombie_no_descriptor_and_no_folder(root: Path) -> None:
    async def round_of(cluster: LocalCluster, count: int) -> None:
        names = [f"b{n}" for n in range(count)]
        await asyncio.gather(*(cluster.create(spec(name, "ends")) for name in names))
        while left := await cluster.runners():
            ended = [each.attempt for each in left if each.state is State.ENDED]
            await asyncio.gather(*(cluster.delete(name) for name in ended))
            await cluster.changed(1.0)

    async def work() -> None:
        cluster = local(root)
        await round_of(cluster, 10)
        nursery = cluster.nursery_pid
        assert nursery is not None
        before = _handles("self"), _handles(nursery)
        await round_of(cluster, 100)
        assert (_handles("self"), _handles(nursery)) == before
        assert _children(nursery) == []
        assert os.listdir(root / "runners") == []
        await cluster.close()

    do(work)


def test_a_folder_without_a_runner_waits_for_one_and_then_is_done_with(root: Path) -> None:
    async def work() -> None:
        times: list[float] = []
        cluster = local(root, now=lambda: times[-1])
        folder = root / "runners/a1"
        folders.write_spec(folder, spec())
        times.append(folder.stat().st_mtime)
        assert await state(cluster) is State.PENDING
        times.append(times[-1] + folders.HALF_MADE)
        (seen,) = await cluster.runners()
        assert (seen.state, seen.started) == (State.ENDED, None)
        await cluster.delete("a1")
        assert await cluster.runners() == []

    do(work)


def test_a_folder_whose_maker_died_is_made_whole(root: Path) -> None:
    async def work() -> None:
        folders.write_spec(root / "runners/a1", spec())
        cluster = local(root)
        await cluster.create(spec())
        assert await state(cluster) is State.RUNNING
        await cluster.close()

    (root / "runners").mkdir()
    do(work)


@pytest.mark.parametrize("kind", ["link", "pipe"])
def test_a_runner_that_tampers_with_its_folder_only_looks_ended(root: Path, kind: str) -> None:
    async def work() -> None:
        cluster = local(root)
        folder = root / "runners/a1"
        folder.mkdir()
        for name in (folders.ALIVE, folders.LOG):
            if kind == "link":
                (folder / name).symlink_to(precious)
            else:
                os.mkfifo(folder / name)
        assert await state(cluster) is State.ENDED
        await cluster.stop("a1")
        await cluster.delete("a1")
        assert await cluster.runners() == []

    precious = root / "precious"
    precious.write_text("12345 1\n")
    do(work)
    assert precious.exists()


def test_a_signal_reaches_only_the_process_that_was_meant() -> None:
    with subprocess.Popen(["sleep", "1000"]) as other:
        me = os.geteuid()
        processes.send(Process(other.pid, "1"), signal.SIGKILL, me)
        processes.send(Process(other.pid, ""), signal.SIGKILL, me + 1)
        processes.send(Process(other.pid, ""), signal.SIGTERM, me)
    assert other.returncode == -signal.SIGTERM


@pytest.mark.parametrize("line", ["", "12", "-1 5\n", "0 5\n", "1 5\n", "x 5\n"])
def test_what_names_no_process_is_signalled_by_nobody(line: str) -> None:
    assert processes.parse(line) is None


@pytest.mark.parametrize("entry", ["no.such.module:main", "json:no_such_function"])
def test_a_nursery_that_cannot_begin_says_where_to_look(root: Path, entry: str) -> None:
    async def work() -> None:
        cluster = LocalCluster(root, upbringing(root, entry))
        with pytest.raises(Unavailable) as caught:
            await cluster.create(spec())
        assert "nursery.log" in str(caught.value.hint)
        assert "no" in (root / "nursery.log").read_text()
        await cluster.close()

    do(work)


def test_a_root_that_cannot_be_made_is_refused(root: Path) -> None:
    (root / "file").touch()
    with pytest.raises(Refused, match="file"):
        LocalCluster(root / "file", upbringing(root))


def _lives(pid: int) -> bool:
    """Tell whether a process lives; where nobody waits for it, a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def _handles(pid: int | str) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))


def _children(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
