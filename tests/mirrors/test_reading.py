"""What can be read of a mirror."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from steersman.core.errors import UserError
from steersman.mirrors import Mirrors, Rules
from tests.mirrors.repositories import commit, git, repository

ZEROS = "0" * 40


class Mirrored:
    """A repository and its mirror."""

    def __init__(self, folder: Path) -> None:
        self.origin = repository(folder / "origin", **{"wercker.yml": "box: busybox\n"})
        self.mirrors = Mirrors(folder / "mirrors", rules=Rules(allow_local=True))

    def fetch(self) -> str:
        """Bring the mirror up to date and return the commit that is checked out."""
        asyncio.run(self.mirrors.fetch("p", str(self.origin), credentials=None))
        return git(self.origin, "rev-parse", "HEAD")

    def file(self, commit: str, path: str, limit: int = 1000) -> bytes | None:
        return asyncio.run(self.mirrors.file("p", commit, path, limit))

    def changed(self, old: str, new: str, limit: int = 100) -> tuple[str, ...] | None:
        return asyncio.run(self.mirrors.changed_paths("p", old, new, limit))


@pytest.fixture
def mirrored(tmp_path: Path) -> Mirrored:
    return Mirrored(tmp_path)


def test_a_branch_a_tag_and_an_id_are_resolved(mirrored: Mirrored) -> None:
    git(mirrored.origin, "tag", "-a", "v1", "-m", "one")
    git(mirrored.origin, "tag", "-a", "v1-again", "-m", "tag of a tag", "v1")
    first = git(mirrored.origin, "rev-parse", "HEAD")
    second = commit(mirrored.origin, "second: größer\n\nwith a body")
    mirrored.fetch()
    resolve = mirrored.mirrors.resolve
    found = asyncio.run(resolve("p", "main"))
    assert found == (second, "main", "", "second: größer\n\nwith a body", "Ada", 1700000000.0)
    assert asyncio.run(resolve("p", second)) == found
    assert asyncio.run(resolve("p", second[:9])) == found
    assert asyncio.run(resolve("p", "refs/heads/main")) == found
    assert asyncio.run(resolve("p", "v1"))[:3] == (first, "", "v1")
    assert asyncio.run(resolve("p", "v1-again")).sha == first
    assert asyncio.run(resolve("p", first))[:3] == (first, "", "v1")


def test_a_branch_comes_before_a_tag_and_before_an_id(mirrored: Mirrored) -> None:
    first = git(mirrored.origin, "rev-parse", "HEAD")
    second = commit(mirrored.origin, "second")
    git(mirrored.origin, "tag", "same", first)
    git(mirrored.origin, "branch", "same", second)
    git(mirrored.origin, "branch", first[:8], second)
    mirrored.fetch()
    assert asyncio.run(mirrored.mirrors.resolve("p", "same")).sha == second
    assert asyncio.run(mirrored.mirrors.resolve("p", first[:8])).sha == second
    assert asyncio.run(mirrored.mirrors.resolve("p", "refs/tags/same")).sha == first


def test_who_asks_for_the_unknown_is_told_what_is_near(mirrored: Mirrored) -> None:
    git(mirrored.origin, "branch", "feature/login")
    mirrored.fetch()
    with pytest.raises(UserError, match="no branch, tag or commit 'feature/logim'") as caught:
        asyncio.run(mirrored.mirrors.resolve("p", "feature/logim"))
    assert caught.value.hint == "did you mean feature/login?"
    with pytest.raises(UserError, match="no branch, tag or commit"):
        asyncio.run(mirrored.mirrors.resolve("p", "abcdef0123"))


def test_a_tag_of_something_else_than_a_commit_is_unknown(mirrored: Mirrored) -> None:
    git(mirrored.origin, "tag", "blob", "HEAD:wercker.yml")
    mirrored.fetch()
    with pytest.raises(UserError, match="no branch, tag or commit 'blob'"):
        asyncio.run(mirrored.mirrors.resolve("p", "blob"))


def test_nothing_can_be_read_before_a_fetch(tmp_path: Path) -> None:
    mirrors = Mirrors(tmp_path / "mirrors")
    with pytest.raises(UserError, match="no mirror") as caught:
        asyncio.run(mirrors.resolve("p", "main"))
    assert caught.value.hint == "fetch it first"


def test_a_file_is_read_as_it_was_committed(mirrored: Mirrored) -> None:
    strange = "a dir/-x [*] \N{SNOWMAN}"
    sha = commit(mirrored.origin, "more", **{strange: "1", "empty": ""})
    mirrored.fetch()
    assert mirrored.file(sha, "wercker.yml") == b"box: busybox\n"
    assert mirrored.file(sha, strange) == b"1"
    assert mirrored.file(sha, "empty", 0) == b""
    assert mirrored.file(sha, "none.yml") is None
    assert mirrored.file(sha, "wercker.yml/inner") is None
    assert mirrored.file(sha, "wercker.*") is None
    assert mirrored.file(sha, ":(top)wercker.yml") is None


def test_a_link_a_folder_and_a_large_file_are_refused(mirrored: Mirrored) -> None:
    (mirrored.origin / "wercker.yml").unlink()
    (mirrored.origin / "wercker.yml").symlink_to("/etc/passwd")
    (mirrored.origin / "way").symlink_to("dir")
    sha = commit(mirrored.origin, "link", **{"dir/large": "x" * 100})
    mirrored.fetch()
    with pytest.raises(UserError, match=r"wercker\.yml is a symbolic link"):
        mirrored.file(sha, "wercker.yml")
    with pytest.raises(UserError, match="dir is a folder"):
        mirrored.file(sha, "dir")
    with pytest.raises(UserError, match="larger than 99 bytes"):
        mirrored.file(sha, "dir/large", 99)
    assert mirrored.file(sha, "dir/large", 100) == b"x" * 100
    assert mirrored.file(sha, "way/large") is None


@pytest.mark.parametrize("path", ["", "/etc/passwd", "../x", "a/../b", "a//b", "./a", "a\0b", "a/"])
def test_a_path_that_leads_out_is_refused(mirrored: Mirrored, path: str) -> None:
    with pytest.raises(UserError, match="is not the path of a file"):
        mirrored.file(mirrored.fetch(), path)


def test_changed_paths_are_known_or_not(mirrored: Mirrored) -> None:
    first = git(mirrored.origin, "rev-parse", "HEAD")
    (mirrored.origin / "wercker.yml").rename(mirrored.origin / "moved.yml")
    second = commit(mirrored.origin, "second", **{"dir/tab\tbed": "1"})
    mirrored.fetch()
    assert mirrored.changed(first, second) == ("dir/tab\tbed", "moved.yml", "wercker.yml")
    assert mirrored.changed(second, second) == ()
    assert mirrored.changed(first, second, 3) is not None
    assert mirrored.changed(first, second, 2) is None
    assert mirrored.changed(ZEROS, second) is None
    assert mirrored.changed("1" * 40, second) is None


def test_messages_are_those_that_a_push_brought(mirrored: Mirrored) -> None:
    first = git(mirrored.origin, "rev-parse", "HEAD")
    commit(mirrored.origin, "second\n\n[skip ci]")
    third = commit(mirrored.origin, "third")
    mirrored.fetch()
    commits = mirrored.mirrors.commits
    assert asyncio.run(commits("p", first, third)) == ("third", "second\n\n[skip ci]")
    assert asyncio.run(commits("p", third, third)) == ()
    assert asyncio.run(commits("p", ZEROS, third)) == ("third",)
    assert asyncio.run(commits("p", "1" * 40, third)) == ("third",)
    assert asyncio.run(commits("p", first, third, 1)) == ("third",)


@pytest.mark.parametrize("text", ["--all", "main", "HEAD", "1" * 39, "1" * 40 + "\n", "A" * 40])
def test_only_a_whole_id_is_a_commit(mirrored: Mirrored, text: str) -> None:
    mirrored.fetch()
    with pytest.raises(UserError, match="is not the id of a commit"):
        asyncio.run(mirrored.mirrors.has("p", text))
    with pytest.raises(UserError, match="is not the id of a commit"):
        mirrored.file(text, "wercker.yml")
    with pytest.raises(UserError, match="is not the id of a commit"):
        mirrored.changed(ZEROS, text)
