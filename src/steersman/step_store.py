"""The files of steps: found on this machine or fetched, and kept.

A folder `<owner>-<name>[@<version>]` that somebody put among the steps is used as it is. What was
fetched is kept beside them under `.fetched/`, by its address too, so that another address is
another step. A step that is known by its name alone is one of ours (builtin_steps/), or a registry
has it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from steersman import trees
from steersman.core import builtin_steps, manifests
from steersman.core.errors import UserError
from steersman.core.manifests import Manifest
from steersman.core.pipelines.findings import nearest
from steersman.core.pipelines.model import Step, StepKind
from steersman.core.problems import Problem, Severity
from steersman.trees import Entry, Kind

if TYPE_CHECKING:
    from steersman.step_archives import Fetcher

ANY_VERSION = "*"
MANIFESTS = ("step.yml", "wercker-step.yml")
LONGEST_MANIFEST = 1 << 20
BUILT_IN = Path(__file__).with_name("builtin_steps")


Registry = Callable[[Step], "Path | None"]
"""Brings the files of a step that a registry knows by its name; None for one it does not."""


class FetchedStep(NamedTuple):
    """A step's files, what it says of itself, and what is doubtful about its use.

    *name* is the one its files know it by, where that is another than in the pipeline's file.
    """

    entries: tuple[Entry, ...]
    manifest: Manifest | None = None
    warnings: tuple[str, ...] = ()
    name: str | None = None


class _Found(NamedTuple):
    """Where a step's files are. *name* is set for one of ours."""

    folder: Path
    name: str | None = None
    warnings: tuple[str, ...] = ()


def script_text(code: str) -> str:
    """Return the run.sh of a script step: it ends at the first command that fails.

    Code that begins with `#!` decides that for itself.
    """
    return code if code.startswith("#!") else f"set -e\n{code}\n"


class StepStore:
    """Finds the files of steps.

    *folder* keeps fetched steps; steps put there or into *steps_in_project* by hand are found
    too. *base* is where a relative `file://` address begins. With *refresh* what was fetched
    before is fetched again. *registry* is asked last.
    """

    def __init__(
        self,
        folder: Path,
        steps_in_project: Path | None = None,
        base: Path | None = None,
        *,
        refresh: bool = False,
        fetcher: Fetcher | None = None,
        registry: Registry | None = None,
    ) -> None:
        self._folders = list(dict.fromkeys([steps_in_project or folder, folder]))
        self._base = base or Path()
        self._refresh = refresh
        self._given = fetcher
        self._registry = registry

    @cached_property
    def _fetcher(self) -> Fetcher:
        # Most pipelines fetch nothing, and what it takes is slow to be imported.
        from steersman.step_archives import Fetcher

        return self._given or Fetcher(self._folders[-1] / ".fetched", refresh=self._refresh)

    @cached_property
    def init_script(self) -> str:
        """The functions every step may call, as shell text."""
        return Path(__file__).with_name("wercker_init.sh").read_text()

    def fetch(self, step: Step) -> FetchedStep:
        """Return the files of *step*, checked against what its manifest asks for.

        Only a step with an `http(s)://` address may take time. Links in a step stay links: its
        author does not choose which files of this machine are read.
        """
        _refuse_nul(step)
        if step.kind is StepKind.SCRIPT:
            data = script_text(step.properties.get("code", "")).encode()
            run = Entry("run.sh", Kind.FILE, 0o755, data, len(data))
            return FetchedStep(entries=(run,))
        found = self._find(step)
        entries = tuple(trees.scan(found.folder)) + (_shared() if found.name else ())
        manifest, warnings = read_manifest(found.folder, step)
        warnings = found.warnings + warnings + _idle(step, entries)
        if manifest is not None:
            warnings += _checked(step, manifest)
        return FetchedStep(entries, manifest, warnings, found.name)

    def _find(self, step: Step) -> _Found:
        if step.url is not None and step.url.startswith("file://"):
            return _Found(self._local(step, step.url.removeprefix("file://")))
        provided = self._provided(step)
        if provided is not None:
            return _Found(provided)
        if step.url is not None:
            return _Found(self._fetcher.fetch(step, step.url))
        return self._by_name(step)

    def _by_name(self, step: Step) -> _Found:
        """Find a step of which only the name is known: ours come first.

        Who asks for a version means what somebody published: then a registry comes first.
        """
        ours = built_in(step)
        if ours is not None and step.version == ANY_VERSION:
            return ours
        published = self._registry(step) if self._registry else None
        if published is not None:
            return _Found(published)
        if ours is not None:
            return ours
        raise self._unknown(step)

    def _local(self, step: Step, address: str) -> Path:
        path = self._base / address
        if path.is_dir():
            return path
        what = "is not a folder" if path.exists() else "does not exist"
        raise UserError(
            f"{step.place}: the step {step.name} is to be at {path}, which {what}",
            hint=f"a relative file:// address begins in {self._base.resolve()}",
        )

    def _provided(self, step: Step) -> Path | None:
        name = folder_name(step)
        for folder in self._folders:
            if (folder / name).is_dir():
                return folder / name
        return None

    def _unknown(self, step: Step) -> UserError:
        shown = f"{step.owner}/{step.name}"
        gone = builtin_steps.gone(step.owner, step.name)
        if gone is not None:
            return UserError(
                f"{step.place}: the step {shown} can do nothing any more: {gone.why}",
                hint=gone.instead,
            )
        wanted = folder_name(step)
        near = nearest(wanted, self._names())
        if near is None and step.owner == builtin_steps.OURS:
            near = nearest(step.name, built_in_names())
        hint = (
            f"there is a step {near}; did you mean that?"
            if near
            else f"put it at {self._folders[0] / wanted}, or give the address of a tarball: "
            f'{shown} "https://..."'
        )
        return UserError(
            f"{step.place}: the step {shown} is not here, and the Wercker registry is closed",
            hint=hint,
        )

    def _names(self) -> Iterator[str]:
        for folder in self._folders:
            try:
                names = sorted(os.listdir(folder))
            except OSError:
                continue
            yield from (name for name in names if not name.startswith("."))


def built_in_names() -> list[str]:
    """Return the names of the steps that come with us."""
    return sorted(path.name for path in BUILT_IN.iterdir() if path.is_dir())


def built_in(step: Step) -> _Found | None:
    """Find the step of ours that answers to this name, whatever version is asked for.

    Nobody has the versions of old any more: ours is used for them, and says so.
    """
    name = builtin_steps.shipped_as(step.owner, step.name)
    if name is None or not (BUILT_IN / name).is_dir():
        return None
    if step.version == ANY_VERSION:
        return _Found(BUILT_IN / name, name)
    said = f"version {step.version} of the step {step.owner}/{step.name} is not to be had"
    return _Found(BUILT_IN / name, name, (f"{step.place}: {said}; the built-in one is used",))


def _shared() -> tuple[Entry, ...]:
    """Return what our steps share, to stand beside the run.sh of each."""
    return tuple(
        Entry(path.name, Kind.FILE, 0o644, path, path.stat().st_size)
        for path in sorted(BUILT_IN.glob("*.sh"))
    )


def _refuse_nul(step: Step) -> None:
    for name, text in step.properties.items():
        if "\0" in text:
            raise UserError(
                f"{step.place}: the property {name} of the step {step.name} has a NUL character",
                hint="a shell cannot hold one; read it from a file instead",
            )


def folder_name(step: Step) -> str:
    """Return the name under which a step is put among the steps by hand."""
    version = "" if step.version == ANY_VERSION else f"@{step.version}"
    return f"{step.owner}-{step.name}{version}"


def read_manifest(folder: Path, step: Step) -> tuple[Manifest | None, tuple[str, ...]]:
    """Read the step's manifest; one that is broken is a warning, as the step may still run."""
    for name in MANIFESTS:
        path = folder / name
        if path.is_symlink() or not path.is_file():
            continue
        try:
            with path.open("rb") as file:
                return manifests.read(_plain(file.read(LONGEST_MANIFEST))), ()
        except (OSError, ValueError) as error:
            return None, (f"{step.place}: {name} of the step {step.name} is ignored: {error}",)
    return None, ()


def _plain(data: bytes) -> object:
    import yaml

    try:
        # The base loader makes nothing but texts, lists and maps.
        return yaml.load(data, yaml.BaseLoader)  # noqa: S506
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}: " if mark else ""
        raise ValueError(
            f"{where}{getattr(error, 'problem', None) or 'it cannot be read'}"
        ) from error


def _idle(step: Step, entries: tuple[Entry, ...]) -> tuple[str, ...]:
    if any(entry.name in ("run.sh", "init.sh") for entry in entries):
        return ()
    return (f"{step.place}: the step {step.name} has neither run.sh nor init.sh: it does nothing",)


def _checked(step: Step, manifest: Manifest) -> tuple[str, ...]:
    """Return the doubts about a step's properties; raise `UserError` for mistakes."""
    problems = list(manifests.check(step, manifest))
    mistakes = [problem for problem in problems if problem.severity is Severity.ERROR]
    if mistakes:
        hints = "; ".join(problem.hint for problem in mistakes if problem.hint)
        raise UserError("\n".join(map(_line, mistakes)), hint=hints or None)
    return tuple(_line(item) + (f" ({item.hint})" if item.hint else "") for item in problems)


def _line(problem: Problem) -> str:
    return f"{problem.place}: {problem.message}"
