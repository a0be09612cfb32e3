"""`.dockerignore`: which files of a build's context the engine does not get.

Other rules than those of an ignore file: every pattern is tied to the top folder, `**` crosses
folders, and the last pattern that matches decides, so that `!` brings a file back from a folder
that is left out.
"""

from __future__ import annotations

import re
from typing import NamedTuple


class _Rule(NamedTuple):
    pattern: re.Pattern[str]
    keeps: bool


class Rules(NamedTuple):
    """The patterns of a file, in order."""

    rules: tuple[_Rule, ...] = ()

    def leaves_out(self, name: str) -> bool:
        """Tell whether *name*, a path below the context, is left out."""
        out = False
        for rule in self.rules:
            if rule.keeps == out and rule.pattern.fullmatch(name):
                out = not rule.keeps
        return out


def parse(text: str) -> Rules:
    """Read the text of a .dockerignore."""
    found: list[_Rule] = []
    for line in text.removeprefix("\ufeff").splitlines():
        if line.startswith("#"):
            continue
        written = line.strip()
        keeps = written.startswith("!")
        parts = [part for part in written.removeprefix("!").strip().split("/") if part != "."]
        pattern = "/".join(part for part in parts if part)
        if pattern:
            found.append(_Rule(re.compile(_regex(pattern), re.DOTALL), keeps))
    return Rules(tuple(found))


def _regex(pattern: str) -> str:
    """Translate a pattern; what matches a folder matches all below it."""
    text, at = "", 0
    while at < len(pattern):
        if pattern.startswith("**", at):
            at += 2
            if pattern.startswith("/", at):
                at += 1
                text += "(?:.*/)?"
            else:
                text += ".*"
            continue
        piece, at = _piece(pattern, at)
        text += piece
    return f"{text}(?:/.*)?"


def _piece(pattern: str, at: int) -> tuple[str, int]:
    char = pattern[at]
    if char == "*":
        return "[^/]*", at + 1
    if char == "?":
        return "[^/]", at + 1
    if char == "\\" and at + 1 < len(pattern):
        return re.escape(pattern[at + 1]), at + 2
    if char == "[" and (end := pattern.find("]", at + 2)) > 0:
        inner = pattern[at + 1 : end].replace("\\", "\\\\").replace("[", "\\[")
        return f"[{inner}]", end + 1
    return re.escape(char), at + 1
