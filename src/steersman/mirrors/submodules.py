"""Which submodules a commit has: read off what git says of its tree and of `.gitmodules`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from steersman.core.errors import UserError

DEEPEST = 5
MOST = 100
FILE = ".gitmodules"
_KEY = re.compile(r"submodule\.(.*)\.(path|url)\n(.*)", re.DOTALL)


class Submodule(NamedTuple):
    """A commit of another repository, *url* as it is written, at *path*."""

    path: str
    url: str
    commit: str


def addresses(settings: bytes) -> dict[str, str]:
    """Return the addresses of submodules by path, as `config -z` says of `.gitmodules`."""
    found: dict[str, dict[str, str]] = {}
    for entry in settings.decode(errors="surrogateescape").split("\0"):
        if match := _KEY.fullmatch(entry):
            name, key, value = match.groups()
            found.setdefault(name, {})[key] = value
    if len(found) > MOST:
        raise UserError(f"{FILE} names {len(found)} submodules, {MOST} is the most")
    return {one["path"]: one["url"] for one in found.values() if {"path", "url"} <= one.keys()}


def linked(tree: bytes, urls: Mapping[str, str]) -> Iterator[Submodule]:
    """Yield what of *urls* the commit has, as `ls-tree -z` says; the rest is of other commits."""
    for line in tree.split(b"\0"):
        facts, _, path = line.partition(b"\t")
        if facts.startswith(b"160000 "):
            name = path.decode(errors="surrogateescape")
            yield Submodule(name, urls[name], facts.split()[2].decode())
