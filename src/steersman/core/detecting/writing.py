"""The text of a pipeline file for what was found."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from steersman.core.detecting.base import Run, Stack
from steersman.core.pipelines.fields import FILE
from steersman.core.pipelines.report import printable

_HEAD = """\
# Begun by `steer init`. `steer check` says what is wrong with it, `steer build` runs it.
"""
_EMPTY = """\
box: debian:bookworm-slim    # the image in which the steps run

build:
  steps:
    - script:
        name: test
        code: |
          echo "write the commands that test your project here"
"""
_PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*(?:/[A-Za-z0-9_][A-Za-z0-9._-]*)*")


class Part(NamedTuple):
    """A pipeline to be written: for *stack*, in *folder* (empty for the top)."""

    name: str
    folder: str
    stack: Stack


def is_plain(folder: str) -> bool:
    """Tell whether the name of a folder can be written without quotes, in YAML and for a shell."""
    return not folder or _PLAIN.fullmatch(folder) is not None


def is_name(text: str) -> bool:
    """Tell whether *text* may be the name of a pipeline, and YAML reads it as a text."""
    return text not in {field.name for field in FILE} and not text.startswith("x-")


def shown(text: str) -> str:
    """Return a text that may hold the name of any file as one line, without tricks."""
    return printable(text)[:200]


def text(parts: Sequence[Part]) -> str:
    """Return the text of a pipeline file."""
    if not parts:
        return f"{_HEAD}\n{_EMPTY}"
    lines = [_HEAD.rstrip()]
    for part in parts:
        lines += ["", *_pipeline(part)]
    if len(parts) > 1:
        lines += ["", "workflows:", "  - name: all", "    pipelines:"]
        # They do not need each other, and that is meant.
        lines += [f"      - {{name: {_quoted(part.name)}, requires: []}}" for part in parts]
    return "\n".join(lines) + "\n"


def _pipeline(part: Part) -> Iterator[str]:
    stack = part.stack
    where = f"{part.folder}/" if part.folder else ""
    yield f"# {shown(stack.title)}, since there is {shown(where + stack.because)}."
    yield f"{_quoted(part.name)}:"
    yield from _box(stack)
    yield from _services(stack)
    if stack.base_path:
        yield f"  base-path: {stack.base_path}"
    yield "  steps:"
    for run in stack.runs:
        yield from _step(run, part.folder)


def _box(stack: Stack) -> Iterator[str]:
    told = [pair for service in stack.services for pair in service.told]
    yield f"  # {shown(stack.image_because)}"
    if not told:
        yield f"  box: {stack.image}"
        return
    yield "  box:"
    yield f"    id: {stack.image}"
    yield "    env:"
    yield from (f"      {name}: {value}" for name, value in told)


def _services(stack: Stack) -> Iterator[str]:
    if not stack.services:
        return
    yield "  services:    # take out what your tests do not need"
    for service in stack.services:
        why = f"    # {shown(service.because)}"
        if service.env:
            pairs = ", ".join(f"{name}: {value}" for name, value in service.env)
            yield f"    - id: {service.image}{why}"
            yield f"      env: {{{pairs}}}"
        else:
            yield f"    - {service.image}{why}"


def _step(run: Run, folder: str) -> Iterator[str]:
    yield f"    # {shown(run.because)}"
    yield "    - script:"
    yield f"        name: {run.name}"
    if folder:
        yield f"        cwd: {_quoted(folder)}"
    yield "        code: |"
    yield from (f"          {line}" for line in run.code.split("\n"))


def _quoted(name: str) -> str:
    """Quote what YAML would read as a number or a word of its own."""
    is_word = re.fullmatch(r"[a-z][a-z/-]+", name) and len(name) > 3
    return name if is_word and name not in ("true", "false", "null") else f'"{name}"'
