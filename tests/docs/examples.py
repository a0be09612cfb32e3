"""Finds what the pages show: blocks of YAML, and lines that somebody is to type."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

import yaml

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("docs/*.md"), *ROOT.glob("*.md"), *ROOT.glob("examples/*/*.md")])
_FENCED = re.compile(r"^```(\w*)\n(.*?)^```", re.DOTALL | re.MULTILINE)
_INDENTED = re.compile(r"^(?: {4})(steer (?:\\\n|.)+)$", re.MULTILINE)
_COMMAND = re.compile(r"^(?:\$ )?(steer (?:\\\n|.)+)$", re.MULTILINE)


class Kind(StrEnum):
    """What a block of YAML is."""

    PIPELINE_FILE = "a pipeline file"
    STEPS = "steps"
    MANIFEST = "a step's manifest"
    OBJECT = "an object of Kubernetes"
    POOLS = "settings of pools"


class Block(NamedTuple):
    """A block of YAML with the page and the line it stands at."""

    page: str
    line: int
    text: str

    @property
    def data(self) -> Any:
        """The plain data, all scalars being texts."""
        return yaml.load(self.text, yaml.BaseLoader)  # noqa: S506 - it makes nothing else

    @property
    def kind(self) -> Kind:
        """What this is, told by its keys."""
        data = self.data
        if isinstance(data, list):
            return Kind.STEPS
        if "apiVersion" in data:
            return Kind.OBJECT
        if {"name", "version"} <= data.keys():
            return Kind.MANIFEST
        if data.keys() & {"box", "workflows", "build"} or any(map(_has_steps, data.values())):
            return Kind.PIPELINE_FILE
        return Kind.POOLS


def _has_steps(value: object) -> bool:
    return isinstance(value, dict) and "steps" in value


class Line(NamedTuple):
    """A command line of ours, with the page it stands on."""

    page: str
    text: str


def blocks() -> Iterator[Block]:
    """Return every block of YAML of every page."""
    for page in PAGES:
        text = page.read_text()
        for match in _FENCED.finditer(text):
            if match[1] in ("yaml", "yml"):
                yield Block(_name(page), text.count("\n", 0, match.start()) + 2, match[2])


def lines() -> Iterator[Line]:
    """Return every line that calls `steer`, without what is said beside it."""
    for page in PAGES:
        text = page.read_text()
        fenced = [match[2] for match in _FENCED.finditer(text) if match[1] in ("", "sh", "console")]
        found = [*_INDENTED.findall(_FENCED.sub("", text))]
        found += [line for block in fenced for line in _COMMAND.findall(block)]
        for line in found:
            yield Line(_name(page), _bare(line))


def _bare(line: str) -> str:
    """Return a line without its comment; what is joined by a backslash is one line."""
    joined = re.sub(r"\s*\\\n\s*", " ", line)
    return re.sub(r"\s+#.*$", "", joined).strip()


def _name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()
