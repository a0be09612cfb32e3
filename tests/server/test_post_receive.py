"""Pushes to a repository on one's own host, told by git's own hook."""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import uvicorn

from steersman.cli.server_parts import Options, build
from steersman.cli.serving import Address, listen
from steersman.server import first_start
from steersman.server.planning import Planner
from steersman.server.platform import Platform
from steersman.store import projects
from tests.server.conftest import Repository, application
from tests.server.test_hooks import FILE, OUTSIDE, Shop, shop

ZEROS = "0" * 40
PATH = "/api/v1/hooks/git/shop"
# What the script needs beside one program that speaks HTTP.
WORDS = ("sh", "cat", "cut", "dirname", "head", "id", "ls", "mktemp", "rm", "sed", "tail", "tr")


class Ended(NamedTuple):
    status: int
    out: str


async def start(words: Sequence[str | Path], text: str = "", **options: Any) -> Ended:
    """Run a program while the server of this process answers it."""
    process = await asyncio.create_subprocess_exec(
        *words,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        **options,
    )
    out, _ = await process.communicate(text.encode())
    assert process.returncode is not None
    return Ended(process.returncode, out.decode())


class Host(NamedTuple):
    """A server at a port of this machine, and a bare repository whose hook tells it of pushes."""

    parts: Platform
    token: str
    hook: Path
    repository: Repository

    async def push(self, *words: str) -> Ended:
        folder = self.repository.folder
        return await start(["git", "push", "origin", *words], cwd=folder)

    async def tell(self, line: str, **options: Any) -> Ended:
        return await start([self.hook], line, **options)


async def ask(path: str, parts: Platform, token: str, *more: str) -> str:
    """Ask the server as people do, from outside."""
    words = ["curl", "-sS", "--fail", "-H", f"Authorization: Bearer {token}", *more]
    done = await start([*words, f"{parts.settings.url}{path}"])
    assert done.status == 0, done.out
    return done.out


@asynccontextmanager
async def served(parts: Platform, at: socket.socket) -> AsyncIterator[None]:
    planner = Planner(parts)
    app = application(parts, (planner.run,))
    for router, prefix in OUTSIDE:
        app.include_router(router, prefix=prefix)
    config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="on")
    server = uvicorn.Server(config)
    serving = asyncio.ensure_future(server.serve(sockets=[at]))
    try:
        yield
    finally:
        server.should_exit = True
        await serving
        parts.store.close()


@asynccontextmanager
async def host(tmp_path: Path, repository: Repository) -> AsyncIterator[Host]:
    bare = tmp_path / "bare.git"
    repository.commit({"wercker.yml": FILE})
    repository.git("init", "-q", "--bare", "-b", "main", str(bare))
    repository.git("remote", "add", "origin", str(bare))
    at = listen(Address("127.0.0.1", 0))
    url = f"http://127.0.0.1:{at.getsockname()[1]}"
    parts = build(Options(tmp_path / "data", url, allow_local=True), {})
    token = await first_start.admin_token(parts) or ""
    async with served(parts, at):
        said = f'{{"name": "shop", "repository": "{bare}"}}'
        kind = ("-H", "Content-Type: application/json", "-d", said)
        await ask("/api/v1/projects", parts, token, *kind)
        hook = bare / "hooks" / "post-receive"
        hook.write_text(await ask("/api/v1/projects/shop/post-receive", parts, token))
        hook.chmod(0o755)
        (hook.parent / "steersman-token").write_text(f"{token}\n")
        (hook.parent / "steersman-token").chmod(0o600)
        yield Host(parts, token, hook, repository)


def test_a_push_prints_the_address_of_its_run(tmp_path: Path, repository: Repository) -> None:
    async def story() -> None:
        async with host(tmp_path, repository) as at:
            pushed = await at.push("main")
            assert pushed.status == 0
            address = f"steersman: main: all: {at.parts.settings.url}/runs/"
            (line,) = [each for each in pushed.out.splitlines() if address in each]
            identity = line.partition("/runs/")[2].strip()
            shown = await ask(f"/api/v1/runs/{identity}", at.parts, at.token)
            assert repository.git("rev-parse", "HEAD") in shown

    asyncio.run(story())


def test_a_name_that_a_shell_would_read_is_only_a_name(
    tmp_path: Path, repository: Repository
) -> None:
    async def story() -> None:
        async with host(tmp_path, repository) as at:
            name = "a\"b'c$(id)`id`;x&y|{é}"
            pushed = await at.push(f"HEAD:refs/heads/{name}")
            assert f"steersman: {name}: all: http" in pushed.out

    asyncio.run(story())


def test_tags_run_and_what_is_deleted_says_so(tmp_path: Path, repository: Repository) -> None:
    async def story() -> None:
        async with host(tmp_path, repository) as at:
            await at.push("main", "main:next")
            repository.git("tag", "-a", "-m", "first", "v1")
            assert "steersman: v1: all: http" in (await at.push("v1")).out
            deleted = (await at.push(":next", "main:refs/notes/x")).out
            assert "steersman: next: nothing runs: next was deleted" in deleted
            assert "notes" not in deleted.replace("refs/notes/x", "")

    asyncio.run(story())


@pytest.mark.parametrize("program", ["curl", "python3", "wget"])
def test_any_program_that_speaks_http_will_do(
    tmp_path: Path, repository: Repository, program: str
) -> None:
    found = sys.executable if program == "python3" else shutil.which(program)
    if found is None:
        pytest.skip(f"{program} is not installed here")
    folder = tmp_path / "bin"
    folder.mkdir()
    for word in WORDS:
        (folder / word).symlink_to(shutil.which(word) or word)
    (folder / program).symlink_to(found)

    async def story() -> None:
        async with host(tmp_path, repository) as at:
            # The hook itself is silenced, so that only the call below tells the server.
            hook = at.hook.rename(at.hook.with_name("told-by-hand"))
            await at.push("main")
            line = f"{ZEROS} {repository.git('rev-parse', 'main')} refs/heads/main\n"
            environment = {"PATH": str(folder)}
            done = await start([hook], line, env=environment)
            assert f"main: all: {at.parts.settings.url}/runs/" in done.out
            (at.hook.parent / "steersman-token").write_text("steer_pat_wrong")
            refused = await start([hook], line, env=environment)
            assert refused.status == 0
            assert "the push is not known to the server" in refused.out

    asyncio.run(story())


def test_a_push_goes_through_when_the_server_is_away(
    tmp_path: Path, repository: Repository
) -> None:
    async def story() -> None:
        async with host(tmp_path, repository) as at:
            pass
        pushed = await at.push("main")
        assert pushed.status == 0
        assert "steersman: the push is not known to the server" in pushed.out
        (at.hook.parent / "steersman-token").unlink()
        assert "put a token into" in (await at.push("main:other")).out

    asyncio.run(story())


def test_a_token_that_others_may_read_is_complained_of(
    tmp_path: Path, repository: Repository
) -> None:
    async def story() -> None:
        async with host(tmp_path, repository) as at:
            assert "chmod 600" not in (await at.push("main")).out
            (at.hook.parent / "steersman-token").chmod(0o644)
            assert "chmod 600" in (await at.push("main:other")).out

    asyncio.run(story())


def told(at: Shop, **changes: str) -> dict[str, Any]:
    return {"updates": [{"old": ZEROS, "new": at.commit, "ref": "refs/heads/main", **changes}]}


def test_the_same_update_triggers_once(platform_on: Platform, repository: Repository) -> None:
    async def story() -> None:
        async with shop(platform_on, repository) as at:
            first = (await at.here.call("POST", PATH, told(at))).json()
            again = (await at.here.call("POST", PATH, told(at))).json()
            assert first == again
            assert [each["state"] for each in first["triggers"]] == ["accepted"]
            (only,) = await at.runs()
            assert (only["commit"], only["cause"]["sender"]) == (at.commit, "admin")
            planned = (await at.here.call("POST", PATH, told(at))).json()["triggers"][0]
            assert [run["id"] for run in planned["runs"]] == [only["id"]]

    asyncio.run(story())


def test_whoever_waits_is_told_when_it_is_planned(
    platform: Platform, repository: Repository
) -> None:
    async def story() -> None:
        async with shop(platform, repository) as at:
            accepted = asyncio.Event()
            platform.store.waking.listen(projects.TRIGGERED, accepted.set)
            waiting = asyncio.ensure_future(at.here.call("POST", f"{PATH}?wait=8", told(at)))
            await accepted.wait()
            await at.here.plan()
            assert len((await waiting).json()["triggers"][0]["runs"]) == 1

    asyncio.run(story())


def test_other_references_are_ignored(platform: Platform, repository: Repository) -> None:
    async def story() -> None:
        async with shop(platform, repository) as at:
            said = await at.here.call("POST", PATH, told(at, ref="refs/notes/commits"))
            assert said.json() == {"triggers": [], "ignored": ["refs/notes/commits"]}

    asyncio.run(story())


@pytest.mark.parametrize(
    "change",
    [
        {"ref": "main"},
        {"ref": "refs/heads/a\0b"},
        {"ref": "refs/heads/\ud800"},
        {"ref": "refs/heads/-x"},
        {"ref": "refs/heads/a..b"},
        {"ref": "refs/heads/" + "x" * 2000},
        {"new": "HEAD"},
        {"old": "0" * 41},
        {"more": "x"},
        {"new": 10**400},
    ],
)
def test_what_git_would_not_say_is_refused(
    platform_on: Platform, repository: Repository, change: dict[str, Any]
) -> None:
    async def story() -> None:
        async with shop(platform_on, repository) as at:
            body = json.dumps(told(at, **change))
            kind = {"Content-Type": "application/json"}
            said = await at.here.call("POST", PATH, content=body, headers=kind)
            assert 400 <= said.status_code < 500
            assert await at.triggers() == []

    asyncio.run(story())


def test_only_who_may_trigger_can_tell_of_a_push(
    platform: Platform, repository: Repository
) -> None:
    async def story() -> None:
        async with shop(platform, repository) as at:
            assert (await at.here.http.request("POST", PATH, json=told(at))).status_code == 401
            said = await at.here.call("POST", PATH, told(at), token=at.here.worker)
            assert said.status_code in (403, 404)
            for wait in ("nan", "inf", "-1", "99"):
                odd = await at.here.call("POST", f"{PATH}?wait={wait}", told(at))
                assert odd.status_code == 422
            assert await at.triggers() == []

    asyncio.run(story())
