"""What git says of the project, for the variables of a run."""

from __future__ import annotations

import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from steersman.core import remotes


class GitFacts(NamedTuple):
    """Empty texts where git (or the repository) does not say."""

    branch: str = ""
    tag: str = ""
    commit: str = ""
    message: str = ""
    author: str = ""
    domain: str = ""
    owner: str = ""
    repository: str = ""
    url: str = ""


def read(project: Path) -> GitFacts:
    """Ask git about *project*; costs nothing where there is no repository."""
    project = project.resolve()
    if not any((folder / ".git").exists() for folder in (project, *project.parents)):
        return GitFacts()
    with ThreadPoolExecutor(4) as pool:
        branch, tags, log, url = pool.map(
            lambda words: _git(project, *words),
            (
                ("rev-parse", "--abbrev-ref", "HEAD"),
                ("tag", "--points-at", "HEAD"),
                ("log", "-1", "--format=%H%n%an%n%s"),
                ("config", "--get", "remote.origin.url"),
            ),
        )
    commit, author, message = (*log.split("\n", 2), "", "", "")[:3]
    domain, owner, repository = remotes.parts(url)
    return GitFacts(
        branch="" if branch == "HEAD" else branch,
        tag=tags.rpartition("\n")[2],
        commit=commit,
        message=message,
        author=author,
        domain=domain,
        owner=owner,
        repository=repository,
        url=remotes.shown(url),  # a token in the address is nobody's business
    )


def _git(project: Path, *words: str) -> str:
    try:
        done = subprocess.run(
            ["git", *words],
            cwd=project,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
