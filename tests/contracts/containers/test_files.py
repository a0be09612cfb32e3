"""What goes into a box and comes back out of it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from steersman import trees
from steersman.containers.base import Upload
from steersman.trees import Entry, Kind, Limits
from tests.contracts.containers.conftest import Run

LIMITS = Limits(size=10 << 20)


def upload(run: Run, name: str, *entries: Entry) -> Upload:
    return Upload(target=f"{run.root}/pipeline/{name}", entries=entries)


def file(name: str, data: bytes, mode: int = 0o644) -> Entry:
    return Entry(name=name, kind=Kind.FILE, mode=mode, source=data, size=len(data))


def test_a_tree_comes_back_as_it_went_in(run: Run) -> None:
    tree = run.tmp_path / "tree"
    (tree / "empty").mkdir(parents=True)
    (tree / "bin").mkdir()
    (tree / "bin" / "täst 1").write_text("#!/bin/sh\n")
    (tree / "bin" / "täst 1").chmod(0o755)
    (tree / "secret").write_text("s")
    (tree / "secret").chmod(0o600)
    os.link(tree / "secret", tree / "twin")
    (tree / "link").symlink_to("bin/täst 1")
    into = run.tmp_path / "back"

    async def body() -> None:
        box = await run.box()
        await box.put([upload(run, "in", *trees.scan(tree))])
        got = await box.fetch(f"{run.root}/pipeline/in", into, LIMITS)
        assert (got.missing, got.skipped) == (False, ())

    run.do(body)
    assert sorted(str(path.relative_to(into)) for path in into.rglob("*")) == [
        "bin", "bin/täst 1", "empty", "link", "secret", "twin",
    ]  # fmt: skip
    assert (into / "bin" / "täst 1").stat().st_mode & 0o777 == 0o755
    assert (into / "secret").stat().st_mode & 0o777 == 0o600
    assert os.readlink(into / "link") == "bin/täst 1"
    assert (into / "twin").read_text() == "s"
    assert (into / "twin").stat().st_uid == os.getuid()


def test_several_uploads_arrive_together(run: Run) -> None:
    async def body() -> None:
        box = await run.box()
        await box.put([upload(run, "a", file("x", b"1")), upload(run, "b", file("y", b"2"))])
        assert await run.says(box, f"cat {run.root}/pipeline/a/x {run.root}/pipeline/b/y") == "12"

    run.do(body)


def test_a_missing_folder_is_an_empty_result(run: Run) -> None:
    async def body() -> None:
        into = run.tmp_path / "back"
        got = await (await run.box()).fetch(f"{run.root}/pipeline/nothing", into, LIMITS)
        assert got.missing
        assert not into.exists()

    run.do(body)


def test_a_folder_that_is_a_link_is_not_followed(run: Run) -> None:
    async def body() -> None:
        box = await run.box()
        link = Entry(name="out", kind=Kind.SYMLINK, mode=0o777, target="/etc")
        await box.put([upload(run, "", link)])
        into = run.tmp_path / "back"
        got = await box.fetch(f"{run.root}/pipeline/out", into, LIMITS)
        assert got.missing
        assert not into.exists()

    run.do(body)


def test_hostile_output_is_collected_without_its_traps(run: Run) -> None:
    into = run.tmp_path / "back"

    async def body() -> None:
        box = await run.box()
        await box.put([upload(run, "output", file("good", b"good"))])
        await run.says(
            box,
            f"cd {run.root}/pipeline/output && mkfifo pipe; mknod null c 1 3; "
            "ln -s /etc/passwd stolen; ln -s / all; ln good again; true",
        )
        got = await box.fetch(f"{run.root}/pipeline/output", into, LIMITS)
        assert any("pipe" in name for name in got.skipped)

    run.do(body)
    assert (into / "good").read_text() == "good"
    assert (into / "again").read_text() == "good"
    assert not (into / "pipe").exists()
    assert not (into / "null").exists()
    for name in ("stolen", "all"):
        assert (into / name).is_symlink() or not (into / name).exists()


def test_more_than_the_limit_is_refused_and_leaves_nothing(run: Run) -> None:
    into = run.tmp_path / "back"

    async def body() -> None:
        box = await run.box()
        await box.put([upload(run, "output", file("big", bytes(200_000)))])
        with pytest.raises(trees.TooLarge):
            await box.fetch(f"{run.root}/pipeline/output", into, Limits(size=100_000))

    run.do(body)
    assert not into.exists()


def test_what_is_put_belongs_to_the_user_of_the_box(docker_run: Run) -> None:
    run = docker_run

    async def body() -> None:
        box = await run.box(user="1000")
        await box.put([upload(run, "", file("x", b"1")), upload(run, "source", file("y", b"2"))])
        said = await run.says(
            box, "id -u; cd /pipeline/source && touch new ../new && stat -c %u . y ../x"
        )
        assert said.split() == ["1000"] * 4

    run.do(body)


def test_a_user_given_by_name_is_looked_up_in_the_box(docker_run: Run) -> None:
    run = docker_run

    async def body() -> None:
        box = await run.box(user="nobody")
        await box.put([upload(run, "source", file("y", b"2"))])
        said = await run.says(box, "id -un; stat -c %U /pipeline/source/y")
        assert said.split() == ["nobody", "nobody"]

    run.do(body)


def test_parents_that_exist_keep_their_owner(docker_run: Run) -> None:
    run = docker_run

    async def body() -> None:
        box = await run.box(user="1000")
        await box.put([Upload(target="/tmp/deep/source", entries=(file("y", b"2"),))])
        assert (await run.says(box, "stat -c '%a %u' /tmp /tmp/deep/source")).split() == [
            "1777", "0", "755", "1000",
        ]  # fmt: skip

    run.do(body)


def test_a_folder_outside_of_the_run_is_refused_on_the_host(run: Run, tmp_path: Path) -> None:
    from steersman.core.errors import UserError

    if run.containers.name == "docker":
        pytest.skip("a container has a file system of its own")

    async def body() -> None:
        box = await run.box()
        for path in ("/etc", f"{run.root}/../elsewhere"):
            with pytest.raises(UserError, match="outside"):
                await box.put([Upload(target=path, entries=(file("x", b""),))])

    run.do(body)
