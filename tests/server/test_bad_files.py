"""A pipeline file that is wrong, in whatever way, makes a run or a trigger that says so."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from steersman.core.pipelines.report import render
from steersman.core.problems import Place, Problem, Severity
from steersman.server.platform import Platform
from tests.platform.faults import FILE, add_project, trigger
from tests.server.conftest import Repository, Site, site

NAME = "wercker.yml"
MIB = 1024 * 1024


class Shop(NamedTuple):
    """A server with a project, and the project's repository."""

    here: Site
    repository: Repository

    async def push(self, **more: Any) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """Return what became of a push: the trigger, and its runs."""
        self.repository.commit({})
        found = await trigger(self.here, **more)
        assert found["state"] == "planned"
        return found, found["runs"]

    async def broken(self) -> dict[str, Any]:
        """Push, and return the one run that could not begin."""
        _, [run] = await self.push()
        assert (run["state"], run["ended"] is not None) == ("failed", True)
        shown = (await self.here.call("GET", f"/api/v1/runs/{run['id']}")).json()
        assert shown["jobs"] == []
        return dict(shown)


@asynccontextmanager
async def opened(parts: Platform, repository: Repository) -> AsyncIterator[Shop]:
    async with site(parts) as here:
        await add_project(here, repository)
        yield Shop(here, repository)


def write(repository: Repository, content: bytes) -> None:
    (repository.folder / NAME).write_bytes(content)


Check = Callable[[Shop], Awaitable[None]]


async def _over(parts: Platform, repository: Repository, check: Check) -> None:
    async with opened(parts, repository) as found:
        await check(found)
        # Whatever was pushed before, the next one that is right runs.
        (repository.folder / NAME).unlink(missing_ok=True)
        write(repository, FILE.encode())
        _, [run] = await found.push()
        assert run["state"] == "queued"


@pytest.fixture
def shop(platform: Platform, repository: Repository) -> Callable[[Check], None]:
    """Run a coroutine over a server."""
    return lambda check: asyncio.run(_over(platform, repository, check))


async def _none(shop: Shop) -> None:
    run = await shop.broken()
    assert "has no pipeline file: looked for steersman.yml" in run["message"]


def test_a_commit_without_a_pipeline_file_says_what_was_looked_for(
    shop: Callable[[Check], None],
) -> None:
    shop(_none)


async def _mistakes(shop: Shop) -> None:
    text = "box: busybox\nbuild:\n  steps:\n    - script:\n        cod: echo\n  stepps: []\n"
    write(shop.repository, text.encode())
    run = await shop.broken()
    assert run["message"] == f"{NAME} has mistakes"
    kept = (await shop.here.call("GET", f"/api/v1/runs/{run['id']}/file")).text
    shown = render([_problem(each) for each in run["problems"]], kept)
    lines = shown.splitlines()
    at = next(number for number, line in enumerate(lines) if f"{NAME}:6:3: " in line)
    assert lines[at + 1 : at + 3] == ["    stepps: []", "    ^"]


def _problem(row: dict[str, Any]) -> Problem:
    place = Place(row["file"], row["line"], row["column"])
    return Problem(Severity(row["severity"]), row["code"], place, row["message"], row["hint"])


def test_mistakes_are_kept_with_what_draws_their_line_and_caret(
    shop: Callable[[Check], None],
) -> None:
    shop(_mistakes)


async def _large(shop: Shop) -> None:
    write(shop.repository, FILE.encode() + b"# long\n" * (2 * MIB // 7))
    assert f"{NAME} is larger than {MIB} bytes" in (await shop.broken())["message"]


def test_a_file_of_two_megabytes_is_refused(shop: Callable[[Check], None]) -> None:
    shop(_large)


async def _link(shop: Shop) -> None:
    (shop.repository.folder / NAME).symlink_to(Path("/etc/passwd"))
    run = await shop.broken()
    assert run["message"] == f"{NAME} is a symbolic link (it must be a regular file)"


def test_a_link_is_not_followed(shop: Callable[[Check], None]) -> None:
    shop(_link)


BINARY = {
    "a program": b"\x7fELF\x02\x01\x01\x00\x00\x00\xff\xfe" * 50,
    "zeros": bytes(1000),
    "zeros in a text": FILE.encode() + b"# \x00\n",
    "UTF-16": FILE.encode("utf-16"),
    "not UTF-8": b"box: \xe4\n",
    "control characters": b"box: \x1b[31mred\n",
}


async def _binary(shop: Shop) -> None:
    for what, content in BINARY.items():
        write(shop.repository, content)
        run = await shop.broken()
        assert run["message"] == f"{NAME} has mistakes", what
        [first, *_] = run["problems"]
        assert (first["file"], first["severity"]) == (NAME, "error")
        assert first["line"] >= 1
        assert first["column"] >= 1


def test_what_is_no_text_is_said_with_its_place(
    platform_on: Platform, repository: Repository
) -> None:
    # PostgreSQL takes no NUL in a text, SQLite does.
    asyncio.run(_over(platform_on, repository, _binary))


async def _pool(shop: Shop) -> None:
    write(shop.repository, FILE.replace("build:\n", "build:\n  pool: gold\n").encode())
    message = (await shop.broken())["message"]
    assert message.startswith(f"{NAME}:2:")
    assert message.endswith("may not use the pool gold; it may use default")


def test_a_pool_that_the_project_may_not_use_is_named(shop: Callable[[Check], None]) -> None:
    shop(_pool)


RELEASE = FILE.replace("build:", "release:") + (
    "workflows:\n  - name: ship\n    on: {branches: [release]}\n    pipelines: [{name: release}]\n"
)


async def _unmatched(shop: Shop) -> None:
    write(shop.repository, RELEASE.encode())
    found, made = await shop.push()
    assert made == []
    assert "ship: not for the branch main" in found["message"]
    found, made = await shop.push(target="nowhere")
    assert made == []
    assert "nowhere" in found["message"]


def test_a_push_that_no_workflow_is_for_says_why(shop: Callable[[Check], None]) -> None:
    shop(_unmatched)


async def _branch(shop: Shop) -> None:
    write(shop.repository, FILE.encode())
    shop.repository.commit({})
    found = await trigger(shop.here, branch="gone")
    [run] = found["runs"]
    assert run["state"] == "failed"
    assert "gone" in run["message"]


def test_a_branch_that_is_not_there_is_named(shop: Callable[[Check], None]) -> None:
    shop(_branch)
