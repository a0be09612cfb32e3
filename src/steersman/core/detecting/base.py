"""What is seen of a folder, and what follows from it."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from typing import Any, NamedTuple


class Sight(NamedTuple):
    """The files of a folder by their names (relative, with `/`), and the texts of a few of them.

    *address* is where its repository lives, as `github.com/owner/name`, or empty.
    """

    names: frozenset[str]
    texts: Mapping[str, str]
    address: str = ""

    def has(self, *names: str) -> str:
        """Return the first of *names* that is here, or the empty text."""
        return next((name for name in names if name in self.names), "")

    def text(self, *names: str) -> str:
        """Return the text of the first of *names* that is here and was read."""
        return self.texts.get(self.has(*names), "")

    def matching(self, pattern: str) -> str:
        """Return the first name, in order, that *pattern* matches as a whole, or the empty text."""
        match = re.compile(pattern).fullmatch
        return min(filter(match, self.names), default="")

    def below(self, folder: str) -> Sight:
        """Return the sight of a folder in this one."""
        head = f"{folder}/"
        cut = len(head)
        names = frozenset(name[cut:] for name in self.names if name.startswith(head))
        texts = {name[cut:]: text for name, text in self.texts.items() if name.startswith(head)}
        return Sight(names, texts, self.address)


class Run(NamedTuple):
    """A script step, and *because* of what it is there."""

    name: str
    code: str
    because: str


class Service(NamedTuple):
    """A container beside the box, what it is told, and what the box is told of it."""

    image: str
    because: str
    env: tuple[tuple[str, str], ...] = ()
    told: tuple[tuple[str, str], ...] = ()


class Stack(NamedTuple):
    """One language or tool of a repository, with all that a pipeline for it needs."""

    key: str
    title: str
    because: str
    image: str
    image_because: str
    runs: tuple[Run, ...] = ()
    services: tuple[Service, ...] = ()
    base_path: str = ""


def json_map(text: str) -> dict[str, Any]:
    """Read the text of a JSON object; what is none is an empty one."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}


def toml_map(text: str) -> dict[str, Any]:
    """Read the text of a TOML file; what is none is empty."""
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError):
        return {}


def inside(data: object, *keys: str) -> Any:
    """Return what stands in maps below *keys*; an empty map where something else does."""
    for key in keys:
        data = data.get(key, {}) if isinstance(data, dict) else {}
    return data


def found(pattern: str, text: str) -> str:
    """Return the first group of the first match of *pattern*, or the empty text."""
    match = re.search(pattern, text, re.MULTILINE)
    return match.group(1) if match else ""


def number(text: str) -> tuple[int, ...]:
    """Return a version of digits and dots as numbers, so that the newer one is greater."""
    return tuple(int(part) for part in text.split(".") if part.isascii() and part.isdecimal())
