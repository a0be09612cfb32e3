"""Making mirrors and bringing them up to date."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from steersman.core.errors import Refused, Unavailable, UserError
from steersman.mirrors import Mirrors, Rules
from tests.mirrors.repositories import commit, git, repository

LOCAL = Rules(allow_local=True)
ABSENT = "1" * 40


@pytest.fixture
def mirrors(tmp_path: Path) -> Mirrors:
    return Mirrors(tmp_path / "mirrors", rules=LOCAL)


def fetch(mirrors: Mirrors, url: Path | str, *refs: str, project: str = "p1") -> None:
    asyncio.run(mirrors.fetch(project, str(url), credentials=None, refs=refs))


def has(mirrors: Mirrors, sha: str, project: str = "p1") -> bool:
    return asyncio.run(mirrors.has(project, sha))


def test_a_fetch_brings_heads_and_tags_and_drops_what_is_gone(
    tmp_path: Path, mirrors: Mirrors
) -> None:
    origin = repository(tmp_path / "origin")
    git(origin, "branch", "old")
    git(origin, "tag", "v1")
    fetch(mirrors, origin)
    assert asyncio.run(mirrors.resolve("p1", "old")).branch == "old"
    git(origin, "branch", "-D", "old")
    git(origin, "branch", "old/inner")
    newer = commit(origin, "second")
    fetch(mirrors, origin)
    assert asyncio.run(mirrors.resolve("p1", "main")).sha == newer
    assert asyncio.run(mirrors.resolve("p1", "old/inner")).branch == "old/inner"
    with pytest.raises(UserError, match="no branch, tag or commit 'old'"):
        asyncio.run(mirrors.resolve("p1", "old"))


def test_a_branch_that_was_rewritten_is_followed_and_its_old_commit_kept(
    tmp_path: Path, mirrors: Mirrors
) -> None:
    origin = repository(tmp_path / "origin")
    old = commit(origin, "regretted")
    fetch(mirrors, origin)
    git(origin, "reset", "-q", "--hard", "HEAD~1")
    new = commit(origin, "better")
    fetch(mirrors, origin)
    assert asyncio.run(mirrors.resolve("p1", "main")).sha == new
    assert has(mirrors, old)


def test_pull_requests_come_only_when_they_are_named(tmp_path: Path, mirrors: Mirrors) -> None:
    origin = repository(tmp_path / "origin")
    proposed = commit(origin, "proposed")
    git(origin, "update-ref", "refs/pull/7/head", proposed)
    git(origin, "reset", "-q", "--hard", "HEAD~1")
    fetch(mirrors, origin)
    assert not has(mirrors, proposed)
    fetch(mirrors, origin, "refs/pull/*/head")
    assert asyncio.run(mirrors.resolve("p1", "refs/pull/7/head")).sha == proposed
    with pytest.raises(UserError, match="no such ref"):
        fetch(mirrors, origin, "refs/merge-requests/8/head")


def test_a_commit_that_nothing_leads_to_can_be_named(tmp_path: Path, mirrors: Mirrors) -> None:
    origin = repository(tmp_path / "origin")
    git(origin, "config", "uploadpack.allowAnySHA1InWant", "true")
    lost = commit(origin, "lost")
    git(origin, "reset", "-q", "--hard", "HEAD~1")
    fetch(mirrors, origin)
    assert not has(mirrors, lost)
    fetch(mirrors, origin, lost)
    fetch(mirrors, origin)
    assert has(mirrors, lost)


def test_the_default_branch_is_that_of_the_origin(tmp_path: Path, mirrors: Mirrors) -> None:
    origin = repository(tmp_path / "origin")
    git(origin, "checkout", "-q", "-b", "trunk")
    fetch(mirrors, origin)
    assert asyncio.run(mirrors.resolve("p1", "HEAD")).branch == "trunk"


def test_an_empty_repository_can_be_mirrored_and_filled_later(
    tmp_path: Path, mirrors: Mirrors
) -> None:
    origin = tmp_path / "origin"
    origin.mkdir()
    git(origin, "init", "-q", "-b", "main")
    fetch(mirrors, origin)
    with pytest.raises(UserError) as caught:
        asyncio.run(mirrors.resolve("p1", "HEAD"))
    assert caught.value.hint == "nothing has been fetched yet"
    first = commit(origin, "first")
    fetch(mirrors, origin)
    assert asyncio.run(mirrors.resolve("p1", "HEAD")).sha == first


@pytest.mark.parametrize("make", [None, "folder"])
def test_what_is_no_repository_is_said_so(tmp_path: Path, mirrors: Mirrors, make: str) -> None:
    if make:
        (tmp_path / "nothing").mkdir()
    with pytest.raises(UserError, match=r"cannot fetch .*nothing: "):
        fetch(mirrors, tmp_path / "nothing")
    assert not has(mirrors, ABSENT)
    assert not list((tmp_path / "mirrors").glob("*.new"))


def test_a_host_that_cannot_be_reached_is_worth_another_try(tmp_path: Path) -> None:
    mirrors = Mirrors(tmp_path / "mirrors", rules=Rules(allow_http=True))
    with pytest.raises(Unavailable, match="the host does not answer"):
        fetch(mirrors, "http://ada:hunter22@127.0.0.1:1/x.git")


def test_a_mirror_has_a_size_and_can_be_packed_and_removed(
    tmp_path: Path, mirrors: Mirrors
) -> None:
    origin = repository(tmp_path / "origin")
    fetch(mirrors, origin)
    fetch(mirrors, origin, project="p12")
    asyncio.run(mirrors.compact("p1"))
    assert asyncio.run(mirrors.size("p1")) > 0
    sha = git(origin, "rev-parse", "HEAD")
    assert has(mirrors, sha)
    asyncio.run(mirrors.remove("p1"))
    asyncio.run(mirrors.remove("p1"))
    assert asyncio.run(mirrors.size("p1")) == 0
    assert not has(mirrors, sha)
    assert has(mirrors, sha, "p12")


@pytest.mark.parametrize("project", ["", "../x", "A", "p1-x", "p/1", "p1\n", ".lock"])
def test_only_an_id_is_a_project(mirrors: Mirrors, project: str) -> None:
    with pytest.raises(UserError, match="cannot be the id of a project"):
        has(mirrors, ABSENT, project)
    with pytest.raises(UserError, match="cannot be the id of a project"):
        asyncio.run(mirrors.remove(project))


def test_a_root_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Refused, match="cannot make"):
        fetch(Mirrors(tmp_path / "file" / "mirrors"), "https://example.com/x.git")
