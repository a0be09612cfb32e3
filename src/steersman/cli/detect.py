"""`steer detect`: say what a repository is written in, and print a pipeline file for it."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable
from pathlib import Path

import click

from steersman import trees
from steersman.cli.answering import as_text_or_json
from steersman.core import detecting, ignores
from steersman.core.detecting import Answer, Sight
from steersman.core.errors import UserError
from steersman.trees.base import READ

IGNORE_FILES = (".werckerignore", ".gitignore")
LONGEST = 256 * 1024
"""Bytes that are read of a file; what tells anything stands at the beginning."""
MOST_READ = 200
# What is made or fetched, never written by the project itself.
NOT_OURS = frozenset({
    ".git", ".hg", ".svn", ".wercker", "node_modules", "bower_components", "venv", ".venv",
    ".tox", ".nox", "__pycache__", ".eggs", "site-packages", "target", "dist", ".gradle",
    ".bundle", ".next", ".cache", ".idea", ".vscode",
})  # fmt: skip


@click.command("detect")
@click.argument("folder", default=".", type=click.Path(path_type=Path))
@as_text_or_json
def command(folder: Path, output: str) -> None:
    """Say what the repository in FOLDER is written in, and print a pipeline file for it.

    What was found, and by what, is written to stderr, the file to stdout; `steer init` writes it
    to wercker.yml. Only names and a few files are looked at: nothing is run.
    """
    found = look(folder)
    if output == "json":
        notes = [note._asdict() for note in found.notes]
        answer = {"stacks": list(found.stacks), "notes": notes, "file": found.text}
        click.echo(json.dumps(answer, indent=2, ensure_ascii=False))
        return
    tell(found)
    click.echo(found.text, nl=False)


def tell(found: Answer) -> None:
    """Say on stderr what was found."""
    for what, because in found.notes:
        click.echo(f"found {what} ({because})", err=True)


def look(folder: Path) -> Answer:
    """Look at a folder and decide."""
    if not folder.is_dir():
        raise UserError(f"there is no folder {folder}")
    names = frozenset(trees.names(folder, _skip(folder)))
    # The ones at the top tell the most.
    wanted = sorted(filter(detecting.is_read, names), key=lambda name: (name.count("/"), name))
    texts = {name: text for name in wanted[:MOST_READ] if (text := _text(folder / name))}
    sight = Sight(names, texts)
    if detecting.needs_address(sight):
        sight = sight._replace(address=_address(folder))
    return detecting.detect(sight)


def _address(folder: Path) -> str:
    from steersman.cli import git_facts

    git = git_facts.read(folder)
    known = git.domain and git.owner and git.repository
    return f"{git.domain}/{git.owner}/{git.repository}" if known else ""


def _skip(folder: Path) -> Callable[[str, bool], bool]:
    """Return which names are passed over: what is not the project's own, and what it ignores."""
    rules = ignores.parse("\n".join(_ignored(folder / name) for name in IGNORE_FILES))

    def skip(name: str, is_folder: bool) -> bool:  # noqa: FBT001 - the shape trees.scan takes
        above, _, last = name.rpartition("/")
        # Of what is vendored the list at the top may tell something, and no more.
        if is_folder and (last in NOT_OURS or above.rpartition("/")[2] == "vendor"):
            return True
        return rules.skips(name, is_folder)

    return skip


def _ignored(path: Path) -> str:
    try:
        with path.open(encoding="utf-8", errors="surrogateescape") as file:
            return file.read(LONGEST)
    except OSError:
        return ""


def _text(path: Path) -> str:
    """Return the beginning of a regular file; links are not followed out of the project."""
    try:
        with open(os.open(path, READ), "rb") as file:
            is_regular = stat.S_ISREG(os.fstat(file.fileno()).st_mode)
            return file.read(LONGEST).decode(errors="replace") if is_regular else ""
    except OSError:
        return ""
