"""Values in shell text: nothing a value holds can break out of its place.

Two forms: `single` keeps a value as it is; `double` lets the shell expand `$NAME` and `${...}` in
it, as Wercker did, but runs no commands.
"""

from __future__ import annotations

import re
from functools import cache


def is_name(text: str) -> bool:
    """Tell whether *text* can be the name of a shell variable."""
    return text.isascii() and text.isidentifier()


def single(value: str) -> str:
    """Quote *value* so that the shell sees exactly it, newlines and control characters included."""
    if "\0" in value:
        raise ValueError("a shell cannot hold a value with a NUL character")
    return "'" + value.replace("'", "'\\''") + "'"


@cache
def _reference() -> re.Pattern[str]:
    # `${NAME-default}` and its kin too, but only where they cannot be malformed: a shell would die.
    return re.compile(
        r"(?<!\$)\$(?:[A-Za-z_]\w*|\{[A-Za-z_]\w*(?:(?::?[-+=]|##?|%%?)[^{}$`\"\\']*)?\})", re.ASCII
    )


def double(value: str) -> str:
    """Quote *value* so that the shell expands references to variables in it, and nothing else.

    Any other `$` is a plain character, as are back-ticks and backslashes: a value never runs a
    command, and `p$$word` or `${{ x }}` stay what they are.
    """
    if "\0" in value:
        raise ValueError("a shell cannot hold a value with a NUL character")
    parts: list[str] = []
    end = 0
    for found in _reference().finditer(value):
        parts += [_escaped(value[end : found.start()]), found[0]]
        end = found.end()
    return '"' + "".join(parts) + _escaped(value[end:]) + '"'


def _escaped(text: str) -> str:
    for character in '\\"$`':
        text = text.replace(character, "\\" + character)
    return text


def refers(value: str) -> bool:
    """Tell whether *value* holds a reference that `double` would let the shell expand."""
    return "$" in value and _reference().search(value) is not None


def export(name: str, value: str, *, expand: bool) -> str:
    """Return the line that exports a variable."""
    if not is_name(name):
        raise ValueError(f"{name!r} is not the name of a shell variable")
    return f"export {name}={double(value) if expand else single(value)}"
