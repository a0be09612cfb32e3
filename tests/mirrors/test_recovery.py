"""Mirrors whose fetches race, hang or are killed, and mirrors that are damaged."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from steersman.core.errors import Unavailable, UserError
from steersman.mirrors import Mirrors, Rules
from tests.mirrors.repositories import collected, commit, contents, git, repository, script

LOCAL = Rules(allow_local=True)
ABSENT = "1" * 40


@pytest.fixture
def mirrors(tmp_path: Path) -> Mirrors:
    return Mirrors(tmp_path / "mirrors", rules=LOCAL)


def fetch(mirrors: Mirrors, url: Path | str, *refs: str, project: str = "p1") -> None:
    asyncio.run(mirrors.fetch(project, str(url), credentials=None, refs=refs))


def has(mirrors: Mirrors, sha: str, project: str = "p1") -> bool:
    return asyncio.run(mirrors.has(project, sha))


def test_racing_fetches_of_two_servers_both_succeed(tmp_path: Path) -> None:
    origin = repository(tmp_path / "origin")
    servers = [Mirrors(tmp_path / "mirrors", rules=LOCAL) for _ in range(2)]

    async def race() -> list[bool]:
        calls = [
            server.fetch("p1", str(origin), credentials=None) for server in servers for _ in "12"
        ]
        await asyncio.gather(*calls)
        sha = git(origin, "rev-parse", "HEAD")
        return [await server.has("p1", sha) for server in servers]

    assert asyncio.run(race()) == [True, True]


def test_who_finds_a_mirror_busy_for_too_long_gives_up(tmp_path: Path) -> None:
    root = tmp_path / "mirrors"
    root.mkdir()
    hold = "import fcntl,sys; f=open(sys.argv[1],'w'); fcntl.flock(f,2); print(flush=True); input()"
    words = [sys.executable, "-c", hold, str(root / "p1.lock")]
    origin = repository(tmp_path / "origin")
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout
        other.stdout.readline()
        with pytest.raises(Unavailable, match="somebody else has been busy with the mirror p1"):
            fetch(Mirrors(root, deadline=0.2, rules=LOCAL), origin)
        other.kill()
    fetch(Mirrors(root, rules=LOCAL), origin)
    assert has(Mirrors(root, rules=LOCAL), git(origin, "rev-parse", "HEAD"))


SERVER = """
import asyncio, pathlib, sys
from steersman.mirrors import Mirrors
fetching = Mirrors(pathlib.Path(sys.argv[1])).fetch("p1", "git@example.com:x", credentials=None)
asyncio.run(fetching)
"""


def test_the_git_of_a_killed_server_still_has_the_mirror_to_itself(tmp_path: Path) -> None:
    began = tmp_path / "began"
    os.mkfifo(began)
    script(tmp_path / "bin" / "ssh", f"echo $$ >{began}; exec sleep 1000")
    root = tmp_path / "mirrors"
    environment = {**os.environ, "PATH": f"{tmp_path}/bin:{os.environ['PATH']}"}
    with subprocess.Popen([sys.executable, "-c", SERVER, str(root)], env=environment) as server:
        pid = int(began.read_text())
        server.kill()
    origin = repository(tmp_path / "origin")
    with pytest.raises(Unavailable, match="somebody else has been busy"):
        fetch(Mirrors(root, deadline=0.2, rules=LOCAL), origin)
    os.kill(pid, signal.SIGKILL)
    fetch(Mirrors(root, rules=LOCAL), origin)
    assert has(Mirrors(root, rules=LOCAL), git(origin, "rev-parse", "HEAD"))


def test_a_fetch_past_its_deadline_leaves_no_process_and_no_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(tmp_path / "bin" / "ssh", f"echo $$ >{tmp_path}/pid\nexec sleep 1000")
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/bin:/bin")
    mirrors = Mirrors(tmp_path / "mirrors", deadline=2.0)
    with pytest.raises(Unavailable, match=r"git fetch did not end within 2 seconds"):
        fetch(mirrors, "git@example.com:x.git")
    pid = (tmp_path / "pid").read_text().strip()
    state = Path(f"/proc/{pid}/stat")
    assert not state.exists() or state.read_text().rpartition(")")[2].split()[0] == "Z"
    assert [path.name for path in (tmp_path / "mirrors").iterdir()] == ["p1.lock"]


def test_a_fetch_that_is_cancelled_leaves_the_mirror_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(tmp_path / "began")
    script(tmp_path / "bin" / "ssh", f"cat {tmp_path}/began; exec sleep 1000")
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/bin:/bin")
    mirrors = Mirrors(tmp_path / "mirrors", rules=LOCAL)
    origin = repository(tmp_path / "origin")

    async def cancelled() -> bool:
        hanging = mirrors.fetch("p1", "ssh://example.com/x.git", credentials=None)
        task = asyncio.create_task(hanging)
        # Opening it for writing waits until ssh reads, and so has begun.
        await asyncio.to_thread((tmp_path / "began").write_bytes, b"")
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await mirrors.fetch("p1", str(origin), credentials=None)
        return await mirrors.has("p1", git(origin, "rev-parse", "HEAD"))

    assert asyncio.run(cancelled())


def test_what_a_killed_git_left_behind_is_removed(tmp_path: Path, mirrors: Mirrors) -> None:
    origin = repository(tmp_path / "origin")
    fetch(mirrors, origin)
    inside = tmp_path / "mirrors" / "p1.git"
    left = [
        inside / name
        for name in ("HEAD.lock", "packed-refs.lock", "refs/heads/main.lock", "config.lock")
    ]
    left.append(inside / "objects" / "pack" / "tmp_pack_x")
    for path in left:
        path.parent.mkdir(exist_ok=True)
        path.touch()
    half = tmp_path / "mirrors" / "p1.new"
    half.mkdir()
    newer = commit(origin, "second")
    fetch(mirrors, origin)
    assert has(mirrors, newer)
    assert not [path for path in (*left, half) if path.exists()]


@pytest.mark.parametrize("harm", ["HEAD", "config", "packed-refs", "objects", "marked"])
def test_a_damaged_mirror_is_made_anew(tmp_path: Path, mirrors: Mirrors, harm: str) -> None:
    origin = repository(tmp_path / "origin")
    sha = commit(origin, "second", a="1")
    fetch(mirrors, origin)
    inside = tmp_path / "mirrors" / "p1.git"
    if harm == "objects":
        for path in (inside / "objects").rglob("*"):
            if path.is_file():
                path.chmod(0o644)
                path.write_bytes(b"")
    elif harm == "marked":
        (inside / "steersman-damaged").touch()
    else:
        (inside / harm).write_text("[[nonsense\n")
    commit(origin, "third")
    fetch(mirrors, origin)
    assert has(mirrors, sha)
    assert contents(asyncio.run(collected(mirrors.archive("p1", sha))))["a"] == b"1"


def test_damage_that_a_reader_finds_is_mended_by_the_next_fetch(
    tmp_path: Path, mirrors: Mirrors
) -> None:
    origin = repository(tmp_path / "origin", a="content")
    fetch(mirrors, origin)
    sha = git(origin, "rev-parse", "HEAD")
    inside = tmp_path / "mirrors" / "p1.git"
    blob = git(inside, "rev-parse", f"{sha}:a")
    for pack in (inside / "objects" / "pack").glob("*.pack"):
        pack.rename(tmp_path / "moved.pack")
        with (tmp_path / "moved.pack").open("rb") as objects:
            subprocess.run(["git", "unpack-objects", "-q"], cwd=inside, stdin=objects, check=True)
    loose = inside / "objects" / blob[:2] / blob[2:]
    loose.chmod(0o644)
    loose.write_bytes(b"rubbish")
    with pytest.raises(Unavailable, match="damaged"):
        asyncio.run(collected(mirrors.archive("p1", sha)))
    fetch(mirrors, origin)
    assert contents(asyncio.run(collected(mirrors.archive("p1", sha)))) == {"a": b"content"}


def test_asking_for_what_is_not_there_is_no_damage(tmp_path: Path, mirrors: Mirrors) -> None:
    fetch(mirrors, repository(tmp_path / "origin"))
    assert not has(mirrors, ABSENT)
    with pytest.raises(UserError):
        asyncio.run(mirrors.resolve("p1", ABSENT))
    asyncio.run(mirrors.changed_paths("p1", ABSENT, "2" * 40))
    assert not (tmp_path / "mirrors" / "p1.git" / "steersman-damaged").exists()
