"""Splitting a command line into words, as a shell would without expanding anything."""

from __future__ import annotations

from collections.abc import Iterable

BLANKS = " \t\r\n"
# What a backslash protects between double quotes; before anything else it stays.
_ESCAPED_IN_QUOTES = '"\\$`'


class UnclosedQuote(ValueError):
    """A quote is opened and never closed."""


def split(text: str) -> tuple[str, ...]:
    """Split *text* at blanks; quotes and backslashes protect, a word with `#` begins a comment."""
    words: list[str] = []
    word: list[str] | None = None
    at = 0
    while at < len(text):
        char = text[at]
        if char in BLANKS:
            if word is not None:
                words.append("".join(word))
                word = None
            at += 1
        elif char == "#" and word is None:
            at = _end_of_line(text, at)
        else:
            piece, at = _piece(text, at)
            word = [*(word or ()), piece]
    if word is not None:
        words.append("".join(word))
    return tuple(words)


def join(words: Iterable[str]) -> str:
    """Join *words* into a text that `split` takes apart into the same words."""
    return " ".join(_quoted(word) for word in words)


def _quoted(word: str) -> str:
    if word and not any(char in BLANKS or char in "'\"\\#" for char in word):
        return word
    return "'" + word.replace("'", "'\\''") + "'"


def _piece(text: str, at: int) -> tuple[str, int]:
    """Read one quoted, escaped or plain piece of a word."""
    char = text[at]
    if char == "'":
        end = text.find("'", at + 1)
        if end < 0:
            raise UnclosedQuote("a single quote is never closed")
        return text[at + 1 : end], end + 1
    if char == '"':
        return _double_quoted(text, at + 1)
    if char == "\\":
        # A backslash before the end of a line joins the lines, as in a shell.
        escaped = text[at + 1 : at + 2]
        return ("" if escaped == "\n" else escaped), at + 2
    end = at
    while end < len(text) and text[end] not in BLANKS and text[end] not in "'\"\\":
        end += 1
    return text[at:end], end


def _double_quoted(text: str, at: int) -> tuple[str, int]:
    piece: list[str] = []
    while at < len(text):
        char = text[at]
        if char == '"':
            return "".join(piece), at + 1
        if char == "\\" and text[at + 1 : at + 2]:
            escaped = text[at + 1]
            if escaped == "\n":
                pass
            elif escaped in _ESCAPED_IN_QUOTES:
                piece.append(escaped)
            else:
                piece.append("\\" + escaped)
            at += 2
            continue
        piece.append(char)
        at += 1
    raise UnclosedQuote("a double quote is never closed")


def _end_of_line(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end
