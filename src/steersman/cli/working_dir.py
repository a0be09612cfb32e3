"""The working directory, `.wercker/`: runs, their output, the cache and the fetched steps."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from steersman.core import old_runs
from steersman.core.errors import UserError
from steersman.core.old_runs import OldRun


def _is_plain(run_id: str) -> bool:
    """Tell whether an id may be part of a path and of a container's name."""
    text = run_id.replace("-", "").replace("_", "")
    return run_id[:1].isalnum() and text.isascii() and text.isalnum() and len(run_id) <= 64


class WorkingDir:
    """The folders below one `.wercker/`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.builds = path / "builds"
        self.cache = path / "cache"
        self.steps = path / "steps"
        self.workflows = path / "workflows"
        self.projects = path / "projects"

    def prepare(self, project: Path) -> None:
        """Make the folders, refusing places where a run would eat itself."""
        if self._swallows(project.resolve()):
            raise UserError(
                f"the project {project} is inside of the working directory {self.path}",
                hint="run steer in your project, or name another --working-dir",
            )
        try:
            for folder in (self.path, self.builds, self.steps):
                folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise  # no mistake of the user's
            in_the_way = isinstance(error, FileExistsError)
            why = f"{error.filename} is not a folder" if in_the_way else error.strerror
            raise UserError(
                f"cannot write to the working directory {self.path}: {why}",
                hint="name another one by --working-dir or WERCKER_WORKING_DIR",
            ) from error
        if not os.access(self.builds, os.W_OK | os.X_OK):
            raise UserError(
                f"cannot write to the working directory {self.path}: it is read-only for you",
                hint="name another one by --working-dir or WERCKER_WORKING_DIR",
            )

    def _swallows(self, project: Path) -> bool:
        """Tell whether *project* lies inside; the output of a run and what was fetched may."""
        here = self.path.resolve()
        if project != here and here not in project.parents:
            return False
        parts = project.relative_to(here).parts
        if len(parts) < 3:
            return True
        return not (parts[0] == "projects" or (parts[0] == "builds" and parts[2] == "output"))

    def new_run(self, run_id: str) -> Path:
        """Make the folder of a run that begins."""
        if not _is_plain(run_id):
            raise UserError(
                f"{run_id!r} cannot be the id of a run",
                hint="--run-id takes at most 64 letters, digits, `-` and `_`",
            )
        folder = self.builds / run_id
        try:
            folder.mkdir()
        except FileExistsError:
            raise UserError(f"there is a run {run_id} already", hint="leave out --run-id") from None
        return folder

    def point(self, name: str, run_id: str) -> None:
        """Let the link *name* (`latest`, `latest_deploy`) point to a run, in one step."""
        fresh = self.path / f".{name}.{run_id}"
        fresh.symlink_to(Path("builds") / run_id)
        try:
            fresh.replace(self.path / name)
        except IsADirectoryError as error:
            fresh.unlink()
            raise UserError(
                f"{self.path / name} is a folder, and should be a link to the last run",
                hint="move it out of the way",
            ) from error

    def drop_half_kept(self, run_id: str) -> None:
        """Delete the cache that a run was bringing home when it was killed."""
        cache = self.cache.resolve()
        shutil.rmtree(cache.with_name(f"{cache.name}.{run_id}.new"), ignore_errors=True)

    def remove_old_runs(
        self, now: float, *, keep: int = old_runs.KEEP, max_age: float = old_runs.MAX_AGE
    ) -> list[str]:
        """Delete folders of earlier runs by the plan of core.old_runs; return their names."""
        gone = old_runs.plan(
            self._old_runs(), now=now, referenced=self._referenced(), keep=keep, max_age=max_age
        )
        for name in gone:
            shutil.rmtree(self.builds / name, ignore_errors=True)
        return gone

    def _old_runs(self) -> Iterator[OldRun]:
        with contextlib.suppress(OSError), os.scandir(self.builds) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    yield OldRun(entry.name, entry.stat(follow_symlinks=False).st_mtime)

    def _referenced(self) -> frozenset[str]:
        links = (self.path / name for name in ("latest", "latest_deploy"))
        found = {os.readlink(link).rpartition("/")[2] for link in links if link.is_symlink()}
        if self.workflows.is_dir():
            from steersman.cli.workflows import memory

            found.update(memory.referenced(self.workflows))
        return frozenset(found)
