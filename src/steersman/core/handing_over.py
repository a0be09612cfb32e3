"""What a pipeline of a workflow begins with: the project, or what those before it left."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from steersman.core.errors import UserError
from steersman.core.pipelines.model import WorkflowPipeline


class Handed(NamedTuple):
    """The source of a pipeline. Neither of the two: it is the project itself.

    *whole* is the one whose output it is, *parts* those whose outputs stand in it as folders, each
    under the name that follows.
    """

    whole: str = ""
    parts: tuple[tuple[str, str], ...] = ()

    @property
    def givers(self) -> tuple[str, ...]:
        """Name those whose output is needed."""
        return (self.whole,) if self.whole else tuple(name for name, _ in self.parts)


def handed(entry: WorkflowPipeline) -> Handed:
    """Return the source of *entry*: of several requirements each gives a folder."""
    if entry.artifact_pipeline or len(entry.requires) == 1:
        return Handed(entry.artifact_pipeline or entry.requires[0])
    return Handed(parts=tuple((name, folder_of(name)) for name in entry.requires))


def givers(entries: Iterable[WorkflowPipeline]) -> frozenset[str]:
    """Name those of a workflow whose output another one begins with."""
    return frozenset(name for entry in entries for name in handed(entry).givers)


def facts(what: Handed) -> dict[str, Any]:
    """Return *what* as it is kept with a job; nothing is said of the project itself."""
    return {"source": what.whole, "parts": [list(part) for part in what.parts]}


def of_facts(kept: Mapping[str, Any]) -> Handed:
    """Return the source of a job from what is kept with it; older ones have no parts."""
    parts = tuple((name, folder) for name, folder in kept.get("parts") or ())
    return Handed(kept.get("source") or "", parts)


def folder_of(name: str) -> str:
    """Return the folder for the output of *name*: one component, whatever the name is."""
    folder = name.replace("/", "-")
    return "-" * len(folder) if folder in (".", "..") else folder


def kept(
    entries: Iterable[WorkflowPipeline], ended_well: Mapping[str, bool], first: str
) -> frozenset[str]:
    """Name those that need not run again when a workflow is taken up at *first*.

    *ended_well* says of those that ran before whether they succeeded and what they left is there
    still. What *first* needs must be among these; what needs *first* runs again.
    """
    by_name = {entry.name: entry for entry in entries}
    if first not in by_name:
        raise UserError(
            f"the workflow has no pipeline {first}", hint=f"it has {', '.join(by_name)}"
        )
    again = _after(by_name, first)
    for name in sorted(_before(by_name, first)):
        if not ended_well.get(name):
            raise UserError(
                f"{first} needs {name}, of which no finished run is kept",
                hint=f"begin with that one: --from {name}",
            )
    return frozenset(name for name in by_name if ended_well.get(name) and name not in again)


def _before(by_name: Mapping[str, WorkflowPipeline], first: str) -> set[str]:
    found: set[str] = set()
    stack = list(by_name[first].requires)
    while stack:
        name = stack.pop()
        if name not in found:
            found.add(name)
            stack += by_name[name].requires
    return found


def _after(by_name: Mapping[str, WorkflowPipeline], first: str) -> set[str]:
    followers: dict[str, list[str]] = {}
    for entry in by_name.values():
        for name in entry.requires:
            followers.setdefault(name, []).append(entry.name)
    found, stack = {first}, [first]
    while stack:
        fresh = [name for name in followers.get(stack.pop(), ()) if name not in found]
        found.update(fresh)
        stack += fresh
    return found
