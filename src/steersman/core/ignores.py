"""The ignore file: which names of a project are not copied.

One pattern a line; `#` begins a comment, `!` a pattern that accepts. A name is left out when a
pattern matches it and no accepting one does; the order of lines means nothing. A leading `/` ties
a pattern to the top folder, else it may match at any depth; a trailing `/` matches only folders;
`*` and `?` do not cross a `/`. What lies in a folder that is left out cannot be accepted again.
"""

from __future__ import annotations

import re
from typing import NamedTuple


class _Pattern(NamedTuple):
    parts: tuple[re.Pattern[str] | str, ...]
    anchored: bool
    only_folders: bool

    def matches(self, components: list[str], *, is_folder: bool) -> bool:
        count = len(self.parts)
        if (self.only_folders and not is_folder) or len(components) < count:
            return False
        taken = components[:count] if self.anchored else components[-count:]
        return all(
            part == name if isinstance(part, str) else part.fullmatch(name) is not None
            for part, name in zip(self.parts, taken, strict=True)
        )


class Rules(NamedTuple):
    """The patterns of an ignore file. *literal* are plain names without a `/`, the common case."""

    ignore: tuple[_Pattern, ...] = ()
    accept: tuple[_Pattern, ...] = ()
    literal: frozenset[str] = frozenset()

    def skips(self, name: str, is_folder: bool) -> bool:  # noqa: FBT001 - the shape trees.scan takes
        """Tell whether *name* (relative, with `/`) is left out."""
        if not self.ignore and not self.literal:
            return False
        components = name.split("/")
        ignored = components[-1] in self.literal or any(
            pattern.matches(components, is_folder=is_folder) for pattern in self.ignore
        )
        return ignored and not any(
            pattern.matches(components, is_folder=is_folder) for pattern in self.accept
        )


def parse(text: str) -> Rules:
    """Read the text of an ignore file."""
    ignore: list[_Pattern] = []
    accept: list[_Pattern] = []
    literal: set[str] = set()
    for line in map(str.strip, text.split("\n")):
        if not line or line.startswith("#"):
            continue
        if line.startswith("!"):
            accept += _pattern(line[1:].strip())
        elif not any(character in line for character in "/*?[\\"):
            literal.add(line)
        else:
            ignore += _pattern(line)
    return Rules(tuple(ignore), tuple(accept), frozenset(literal))


def _pattern(text: str) -> list[_Pattern]:
    """Read one pattern; one without any name in it matches nothing."""
    parts = [part for part in text.split("/") if part not in ("", ".")]
    if not parts:
        return []
    compiled = tuple(_component(part) for part in parts)
    return [_Pattern(compiled, text.startswith("/"), text.endswith("/"))]


def _component(text: str) -> re.Pattern[str] | str:
    """Read one component of a pattern: plain text stays text."""
    if not any(character in text for character in "*?[\\"):
        return text
    parts: list[str] = []
    at = 0
    while at < len(text):
        piece, at = _piece(text, at)
        parts.append(piece)
    try:
        return re.compile("".join(parts), re.DOTALL)
    except re.error:
        return text


def _piece(text: str, at: int) -> tuple[str, int]:
    """Translate one metacharacter or plain character into a regular expression."""
    character = text[at]
    if character == "*":
        return "[^/]*", at + 1
    if character == "?":
        return "[^/]", at + 1
    if character == "\\" and at + 1 < len(text):
        return re.escape(text[at + 1]), at + 2
    end = text.find("]", at + 2) if character == "[" else -1
    if end < 0:
        return re.escape(character), at + 1
    inside = text[at + 1 : end]
    negated = inside[0] in "^!"
    chosen = re.sub(r"([\[\]&~|^])", r"\\\1", inside[negated:])
    return f"[{'^' * negated}{chosen.replace('--', '-')}]", end + 1
