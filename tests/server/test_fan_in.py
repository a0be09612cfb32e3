"""A job that requires several begins with a folder for each, whatever is in what they left."""

from __future__ import annotations

import asyncio
import io
import os
import tarfile
from collections.abc import Awaitable, Callable
from pathlib import Path

from sqlalchemy import select, update

from steersman import trees
from steersman.blobs.base import once
from steersman.server.platform import Platform
from steersman.store.base import Transaction
from steersman.store.tables import jobs
from steersman.trees import Limits
from tests.server.conftest import Repository
from tests.server.kept import Attempt, Shop, member, shop, tar

FILE = """\
box: busybox
build: {steps: [{script: {code: echo}}]}
lint: {steps: [{script: {code: echo}}]}
spare: {steps: [{script: {code: echo}}]}
deploy: {steps: [{script: {code: echo}}]}
workflows:
  - name: ship
    pipelines:
      - {name: a/build, pipelineName: build}
      - {name: lint, requires: []}
      - {name: spare, requires: []}
      - {name: deploy, requires: [a/build, lint]}
"""
BIG = os.urandom(2_500_000)
Left = dict[str, bytes]


def _tried(
    parts: Platform,
    repository: Repository,
    test: Callable[[Shop, dict[str, Attempt]], Awaitable[None]],
) -> None:
    """Let the first three jobs begin, and *test* go on from there."""

    async def run() -> None:
        async with shop(parts, repository) as opened:
            repository.commit({"wercker.yml": FILE})
            begun = [await opened.push(), await opened.take(), await opened.take()]
            await test(opened, {await _job(each): each for each in begun})

    asyncio.run(run())


async def _job(attempt: Attempt) -> str:
    return str((await _spec(attempt))["job"])


async def _spec(attempt: Attempt) -> dict[str, object]:
    found: dict[str, object] = (await attempt.say("POST", "started", json={"runner": "r"})).json()
    return found


async def _end(begun: dict[str, Attempt], left: Left) -> None:
    for name, attempt in begun.items():
        if name in left:
            await attempt.leave(left[name])
        await attempt.end()


async def _source(attempt: Attempt) -> bytes:
    return (await attempt.say("GET", "source")).content


def _unpacked(data: bytes, into: Path) -> dict[str, bytes | str]:
    """Return what a runner would find: files and links by name."""
    asyncio.run(trees.unpack(once(data), into, Limits(size=1 << 30)))
    found: dict[str, bytes | str] = {}
    for path in sorted(into.rglob("*")):
        name = str(path.relative_to(into))
        if path.is_symlink():
            found[name] = os.readlink(path)
        elif path.is_file():
            found[name] = path.read_bytes()
    return found


def test_each_of_several_stands_in_a_folder_of_its_own(
    platform_on: Platform, repository: Repository, tmp_path: Path
) -> None:
    kept: list[bytes] = []
    long = "deep/" * 40 + "file"

    async def test(shop: Shop, begun: dict[str, Attempt]) -> None:
        needed = {name: (await _spec(each))["keep_source"] for name, each in begun.items()}
        assert needed == {"a/build": True, "lint": True, "spare": False}
        built = tar(
            {"app": BIG, "link": "app", long: b"far"}, member("same", tarfile.LNKTYPE, "app")
        )
        await _end(begun, {"a/build": built, "lint": tar({"app": b"clean", "empty": b""})})
        deploy = await shop.take()
        assert (await _spec(deploy))["source"] == "output"
        kept.append(await _source(deploy))
        # Somebody who tries the job at home gets the same.
        told = (await shop.get(f"attempts/{deploy.id}/replay")).json()
        assert told["source"] == "output"
        assert (await shop.get(f"attempts/{deploy.id}/source")).content == kept[0]

    _tried(platform_on, repository, test)
    found = _unpacked(kept[0], tmp_path / "source")
    assert found == {
        "a-build/app": BIG,
        "a-build/link": "app",
        "a-build/same": BIG,
        f"a-build/{long}": b"far",
        "lint/app": b"clean",
        "lint/empty": b"",
    }
    # Others read it as well.
    with tarfile.open(fileobj=io.BytesIO(kept[0])) as archive:
        assert {each.name for each in archive if each.isreg() or each.issym() or each.islnk()} == {
            *found
        }


def test_a_job_planned_by_an_older_server_begins_with_the_first_alone(
    platform: Platform, repository: Repository
) -> None:
    async def test(shop: Shop, begun: dict[str, Attempt]) -> None:
        built = tar({"app": b"built"})
        await _end(begun, {"a/build": built, "lint": tar({"app": b"clean"})})
        deploy = await shop.take()

        def age(tx: Transaction) -> None:
            which = jobs.c.name == "deploy"
            facts = dict(tx.value(select(jobs.c.facts).where(which)))
            del facts["parts"]
            old = {**facts, "source": "a/build"}
            tx.execute(update(jobs).where(which).values(facts=old))

        await shop.here.parts.store.write(age)
        assert await _source(deploy) == built

    _tried(platform, repository, test)
