"""What git says of a project; and nothing, quickly, where there is no repository."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from steersman.cli import git_facts
from steersman.core import remotes


def git(folder: Path, *words: str) -> None:
    identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com"]
    subprocess.run(["git", *identity, *words], cwd=folder, check=True, capture_output=True)


def test_a_repository_tells_branch_tag_commit_and_remote(tmp_path: Path) -> None:
    git(tmp_path, "init", "-b", "feature/x")
    git(tmp_path, "commit", "--allow-empty", "-m", "First: a subject")
    git(tmp_path, "tag", "v1")
    git(tmp_path, "remote", "add", "origin", "https://token@forge.example/team/app.git")
    below = tmp_path / "below"
    below.mkdir()
    facts = git_facts.read(below)
    assert (facts.branch, facts.tag) == ("feature/x", "v1")
    assert (facts.author, facts.message) == ("Ada", "First: a subject")
    assert len(facts.commit) == 40
    assert (facts.domain, facts.owner, facts.repository) == ("forge.example", "team", "app")
    assert facts.url == "https://forge.example/team/app.git"


def test_a_folder_without_a_repository_tells_nothing(tmp_path: Path) -> None:
    assert git_facts.read(tmp_path) == git_facts.GitFacts()


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("https://github.com/owner/name.git", ("github.com", "owner", "name")),
        ("https://gitlab.com/group/sub/name", ("gitlab.com", "group/sub", "name")),
        ("git@github.com:owner/name.git", ("github.com", "owner", "name")),
        ("ssh://git@forge.example:2222/owner/name.git/", ("forge.example", "owner", "name")),
        ("/srv/git/name.git", ("", "", "")),
        ("", ("", "", "")),
    ],
)
def test_the_address_of_a_remote_is_taken_apart(url: str, parts: tuple[str, str, str]) -> None:
    assert remotes.parts(url) == parts
