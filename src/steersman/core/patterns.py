"""Patterns of branches, tags and paths: `main`, `release/*`, `docs/**`, `!wip/**`.

`?` and `*` stay within one part between slashes, `**` does not, and a pattern that ends with a
slash means all below. Texts match when one pattern does and none with `!` before it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

_ANY, _PART, _ALL, _FOLDERS = "?", "*", "**", "**/"


def allows(patterns: Sequence[str], text: str) -> bool:
    """Tell whether *patterns* let *text* through; only excluding ones let all others through."""
    wanted = [each for each in patterns if not each.startswith("!")]
    refused = (each[1:] for each in patterns if each.startswith("!"))
    if wanted and not any(matches(each, text) for each in wanted):
        return False
    return not any(matches(each, text) for each in refused)


def matches(pattern: str, text: str) -> bool:
    """Tell whether *pattern* describes the whole of *text*, in time bounded by their lengths."""
    tokens = _tokens(pattern + "**" if pattern.endswith("/") else pattern)
    at = _skipped(tokens, {0})
    for character in text:
        at = _skipped(tokens, _step(tokens, at, character), folders=character == "/")
        if not at:
            return False
    return len(tokens) in at


def _tokens(pattern: str) -> list[str]:
    tokens: list[str] = []
    at = 0
    while at < len(pattern):
        starts = at == 0 or pattern[at - 1] == "/"
        if starts and pattern.startswith(_FOLDERS, at):
            token = _FOLDERS
        elif pattern.startswith(_ALL, at):
            token = _ALL
        else:
            token = pattern[at]
        tokens.append(token)
        at += len(token)
    return tokens


def _skipped(tokens: list[str], at: Iterable[int], *, folders: bool = True) -> set[int]:
    """Add the places that are reached from *at* by stars that stand for nothing (more)."""
    reached: set[int] = set()
    stack = list(at)
    while stack:
        place = stack.pop()
        if place in reached:
            continue
        reached.add(place)
        if place < len(tokens):
            token = tokens[place]
            if token in (_PART, _ALL) or (token == _FOLDERS and folders):
                stack.append(place + 1)
    return reached


def _step(tokens: list[str], at: Iterable[int], character: str) -> set[int]:
    """Return the places that are reached from *at* by one character."""
    reached: set[int] = set()
    for place in at:
        if place == len(tokens):
            continue
        token = tokens[place]
        if token in (_ALL, _FOLDERS) or (token == _PART and character != "/"):
            reached.add(place)
        elif (token == _ANY and character != "/") or token == character:
            reached.add(place + 1)
    return reached
