"""The ids of steps: `[owner/]name[@version] ["url"]`."""

from __future__ import annotations

from functools import cache, lru_cache
from re import Pattern
from typing import NamedTuple

DEFAULT_OWNER = "wercker"
ANY_VERSION = "*"
_BLANKS = " \t\r\n"


class StepId(NamedTuple):
    """A step's id taken apart. *url* is where its files are, if the id says so."""

    owner: str
    name: str
    version: str
    url: str | None = None


class InvalidId(ValueError):
    """This cannot be the id of a step; the second argument says what to do."""


@lru_cache(maxsize=256)
def parse(text: str) -> StepId:
    """Take a step's id apart; `InvalidId` says why that is impossible."""
    word, url = text, None
    if any(char in _BLANKS for char in text):
        word, _, rest = text.strip().partition(" ")
        url = unquoted(rest.strip())
        if url is None:
            raise _not_an_id(text, rest.strip())
        if not url.startswith(("https://", "http://", "file://")):
            hint = 'write it as "https://...", "http://..." or "file://..."'
            raise InvalidId(f"{url!r} is not the address of a step", hint)
    owner, slash, name = word.partition("/")
    if not slash:
        owner, name = DEFAULT_OWNER, word
    name, at, version = name.partition("@")
    _check(text, owner, name, version if at else None)
    return StepId(owner, name, version if at else ANY_VERSION, url)


def unquoted(text: str) -> str | None:
    """Read the quoted text at the beginning of *text*: in double quotes, or raw in back quotes."""
    if text[:1] == "`":
        end = text.find("`", 1)
        return text[1:end] if end > 0 else None
    found = _quoted().match(text)
    if found is None:
        return None
    return _escapes().sub(_character, found.group(1))


def _check(text: str, owner: str, name: str, version: str | None) -> None:
    for part, what in ((owner, "owner"), (name, "name")):
        if not _names().fullmatch(part):
            hint = "a step is written as `name`, `owner/name` or `owner/name@1.2.3`"
            raise InvalidId(f"{text!r} is not the id of a step: {part!r} is no {what}", hint)
    if version is not None and not _versions().fullmatch(version):
        hint = "write a version such as `@1.2.3`, or leave out the `@`"
        raise InvalidId(f"{text!r} is not the id of a step: {version!r} is no version", hint)


def _not_an_id(text: str, rest: str) -> InvalidId:
    if rest[:1] in "'\"`" or "://" in rest:
        return InvalidId(
            f"the address in {text!r} cannot be read",
            'put it in double quotes: name "https://..."',
        )
    return InvalidId(
        f"{text!r} is a command, not the id of a step",
        f"write `- script:`, and below it, deeper, `code: {text.strip()}`",
    )


_SIMPLE = {
    "a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v",
    "\\": "\\", "'": "'", '"': '"',
}  # fmt: skip


def _character(found: object) -> str:
    escape = found.group(1)  # type: ignore[attr-defined]
    if escape in _SIMPLE:
        return _SIMPLE[escape]
    code = int(escape, 8) if escape[0] in "01234567" else int(escape[1:], 16)
    return chr(code) if code < 0x110000 and not 0xD800 <= code < 0xE000 else "\ufffd"


_ESCAPE = r"\\([abfnrtv\\'\"]|[0-7]{3}|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8})"


@cache
def _quoted() -> Pattern[str]:
    return _pattern(rf'"((?:[^"\\\n]|{_ESCAPE})*)"')


@cache
def _escapes() -> Pattern[str]:
    return _pattern(_ESCAPE)


@cache
def _names() -> Pattern[str]:
    return _pattern(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")


@cache
def _versions() -> Pattern[str]:
    return _pattern(r"[A-Za-z0-9_.+*^~<>=-]{1,100}")


def _pattern(text: str) -> Pattern[str]:
    import re

    return re.compile(text)
