"""The `volumes` of a box or service: folders of this machine that it sees.

| text | on this machine | in the container |
|---|---|---|
| `/data` | `/data` | the same |
| `/srv/a:/data` | `/srv/a` | `/data` |
| `./fixtures:/data:ro` | below the project | `/data`, read only |
| `cache:/data` | a volume of the engine by this name | `/data` |
"""

from __future__ import annotations

from typing import NamedTuple

from steersman.core.errors import UserError


class Volume(NamedTuple):
    """One volume. *source* is absolute, or the name of a volume of the engine."""

    source: str
    target: str
    read_only: bool = False


def parse(text: str, project: str) -> tuple[Volume, ...]:
    """Read volumes separated by blanks or commas; *project* is an absolute path."""
    return tuple(_volume(word, project) for word in text.replace(",", " ").split())


def _volume(word: str, project: str) -> Volume:
    source, _, rest = word.partition(":")
    target, _, mode = rest.partition(":")
    target = target or source
    if mode not in ("", "rw", "ro"):
        raise _mistake(word, f"{mode!r} is neither `ro` nor `rw`")
    if not target.startswith("/"):
        raise _mistake(word, f"{target!r} is no folder of the container: it must begin with `/`")
    if not source:
        raise _mistake(word, "it names nothing on this machine")
    if source.startswith("."):
        source = f"{project}/{source}"
    elif "/" in source and not source.startswith("/"):
        raise _mistake(word, f"{source!r} begins with neither `/` nor `./`")
    return Volume(source, target, mode == "ro")


def _mistake(word: str, why: str) -> UserError:
    return UserError(
        f"{word!r} is not a volume: {why}",
        hint="write `/on/this/machine:/in/the/box`, `./in/the/project:/in/the/box:ro`",
    )
