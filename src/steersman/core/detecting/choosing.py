"""From what is seen of a repository to a pipeline file, with the reason for every part of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from steersman.core.detecting import go, java, node, php, python, ruby, rust, sites, writing
from steersman.core.detecting.base import Sight, Stack
from steersman.core.detecting.writing import Part

# Whoever comes first gives the pipeline `build`: package.json is often there for the others' sake.
_LANGUAGES = (go, rust, java, php, ruby, python, node)
_SIGNS = frozenset(sign for each in (*_LANGUAGES, sites) for sign in each.SIGNS)
_READ = frozenset(name.rpartition("/")[2] for each in (*_LANGUAGES, sites) for name in each.READ)
DEPTH = 3
"""How many folders deep a project of a larger repository is looked for."""
_MOST_PARTS = 8
_MOST_PROJECTS = 32
# What stands there is no project of its own.
_NO_PROJECTS = frozenset(
    {"doc", "docs", "example", "examples", "fixtures", "sample", "samples", "test", "tests", "spec"}
)


class Note(NamedTuple):
    """Something that was found, and *because* of what."""

    what: str
    because: str


class Answer(NamedTuple):
    """What was found, as lines for people and by the stacks' titles, and a file for it."""

    notes: tuple[Note, ...]
    text: str
    stacks: tuple[str, ...] = ()


def is_read(name: str) -> bool:
    """Tell whether the text of the file *name* (relative, with `/`) is of use."""
    folder, _, last = name.rpartition("/")
    return last in _READ and folder.count("/") < DEPTH


def detect(sight: Sight) -> Answer:
    """Decide what a repository needs."""
    parts = tuple(_named(_parts(sight)))
    notes = [note for part in parts for note in _notes(part)]
    notes += _further(sight, parts)
    if not parts:
        notes.append(Note("nothing that is known", "the file is one to begin with"))
    shown = tuple(Note(writing.shown(note.what), writing.shown(note.because)) for note in notes)
    return Answer(shown, writing.text(parts), tuple(part.stack.title for part in parts))


def _parts(sight: Sight) -> Iterator[tuple[str, Stack]]:
    """Return each folder with what is in it: the top alone, or else the projects below it."""
    top = list(_stacks(sight))
    if top:
        yield from (("", stack) for stack in top)
        return
    for folder in _projects(sight.names):
        yield from ((folder, stack) for stack in _stacks(sight.below(folder)))


def _stacks(sight: Sight) -> Iterator[Stack]:
    languages = [stack for each in _LANGUAGES if (stack := each.detect(sight))]
    for place, stack in enumerate(languages):
        # Beside another language one that has nothing but an installation does nothing.
        if place == 0 or len(stack.runs) > 1:
            yield stack
    if not languages and (site := sites.detect(sight)):
        yield site


def _projects(names: Iterable[str]) -> list[str]:
    """Return the folders that look like projects, none of them inside of another."""
    found: set[str] = set()
    for name in names:
        folder, _, last = name.rpartition("/")
        if last in _SIGNS and folder.count("/") < DEPTH and writing.is_plain(folder):
            found.add(folder)
    kept: dict[str, None] = {}
    for folder in sorted(found, key=lambda each: (each.count("/"), each)):
        parts = folder.split("/")
        above = ("/".join(parts[:count]) for count in range(1, len(parts)))
        if folder and _NO_PROJECTS.isdisjoint(parts) and not any(each in kept for each in above):
            kept[folder] = None
    return list(kept)[:_MOST_PROJECTS]


def _named(parts: Iterable[tuple[str, Stack]]) -> Iterator[Part]:
    taken: set[str] = set()
    for place, (folder, stack) in enumerate(parts):
        if place == _MOST_PARTS:
            return
        plain = "build" if place == 0 else (folder.replace("/", "-") or stack.key)
        names = (plain, f"{plain}-{stack.key}", f"{stack.key}-{plain}")
        free = (each for each in names if each not in taken and writing.is_name(each))
        name = next(free, names[-1])
        taken.add(name)
        yield Part(name, folder, stack)


def _notes(part: Part) -> Iterator[Note]:
    stack = part.stack
    where = f"{part.folder}/" if part.folder else ""
    yield Note(stack.title, f"{where}{stack.because}")
    yield Note(f"image {stack.image}", stack.image_because)
    for service in stack.services:
        yield Note(f"service {service.image}", service.because)
    if stack.base_path:
        yield Note(f"base-path {stack.base_path}", "that is where Go looks for it")
    for run in stack.runs:
        yield Note(f"step {run.name}", run.because)


def _further(sight: Sight, parts: tuple[Part, ...]) -> Iterator[Note]:
    if sight.has("Dockerfile"):
        yield Note("a Dockerfile", "no step builds it; internal/docker-build would")
    if parts and not parts[0].folder:
        for folder in _projects(sight.names)[:3]:
            yield Note(f"another project in {folder}", "it has no pipeline here")
