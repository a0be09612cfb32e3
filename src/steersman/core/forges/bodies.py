"""The bodies of webhooks, read with distrust: what is not as it should be is `Malformed`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple, NoReturn
from urllib.parse import parse_qs

from steersman.core.forges.base import Headers, Malformed
from steersman.core.triggers import Kind

_HINT = "look at the delivery on the forge's page of the webhook; it must be one of this forge"
_FORM = "application/x-www-form-urlencoded"
_LARGEST = 2**31 - 1
"""What the number of a pull request may be: more fits no database."""

# What git allows in a name, less those that could be taken for an option.
_REFUSED_NAME = re.compile(r"^[-/.]|[\x00-\x20\x7f~^:?*\[\\]|\.\.|//|@\{|[/.]$|\.lock$")


class Fields(NamedTuple):
    """An object of a body, and the way to it."""

    found: Mapping[str, object]
    place: str = ""

    def text(self, key: str) -> str:
        """Return the text at *key*, which must be there."""
        return self.optional(key) or self._wrong(key, "no text")

    def optional(self, key: str) -> str:
        """Return the text at *key*, empty without one."""
        value = self.found.get(key)
        if value is None:
            return ""
        return _clean(value) if isinstance(value, str) else self._wrong(key, "something but a text")

    def inner(self, key: str) -> Fields:
        """Return the object at *key*, which must be there."""
        return self.maybe(key) or self._wrong(key, "no object")

    def maybe(self, key: str) -> Fields | None:
        """Return the object at *key*, None without one."""
        value = self.found.get(key)
        if value is None:
            return None
        if not isinstance(value, dict):
            self._wrong(key, "something but an object")
        return Fields(value, self._at(key))

    def many(self, key: str) -> tuple[Fields, ...]:
        """Return the objects listed at *key*; none when there is no list."""
        return tuple(
            Fields(each, f"{self._at(key)}[{index}]")
            if isinstance(each, dict)
            else self._wrong(f"{key}[{index}]", "something but an object")
            for index, each in enumerate(self._list(key))
        )

    def texts(self, key: str) -> tuple[str, ...] | None:
        """Return the texts listed at *key*, None when there is no list."""
        if self.found.get(key) is None:
            return None
        return tuple(
            _clean(each) if isinstance(each, str) else self._wrong(key, "something but texts")
            for each in self._list(key)
        )

    def number(self, key: str) -> int:
        """Return the positive number at *key*, which must be there."""
        value = self.found.get(key)
        if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= _LARGEST:
            self._wrong(key, "no number of a pull request")
        return value

    def name(self, key: str) -> str:
        """Return the branch or tag at *key*."""
        return _named(self.text(key)) or self._wrong(key, "no name that git would take")

    def ref(self, key: str) -> tuple[Kind, str] | None:
        """Return what the reference at *key* is and its name, None for no branch and no tag."""
        text = self.text(key)
        for prefix, kind in (("refs/heads/", Kind.PUSH), ("refs/tags/", Kind.TAG)):
            if text.startswith(prefix):
                name = _named(text.removeprefix(prefix))
                return kind, name or self._wrong(key, "no name that git would take")
        return None

    def commit(self, key: str, *, shortest: int = 40) -> str:
        """Return the commit at *key*, which must be one."""
        return self.maybe_commit(key, shortest=shortest) or self._wrong(key, "no commit")

    def maybe_commit(self, key: str, *, shortest: int = 40) -> str:
        """Return the commit at *key*, empty for the zeros that stand for none."""
        text = self.text(key)
        if not re.fullmatch(r"[0-9a-f]{7,64}", text) or len(text) < shortest:
            self._wrong(key, "no commit")
        return text if text.strip("0") else ""

    def address(self, key: str) -> str:
        """Return the address at *key*, from which git is to fetch."""
        # git would run a program for an address like `ext::...`.
        return self.link(key) or self._wrong(key, "no http address")

    def link(self, key: str) -> str:
        """Return the page at *key*, empty without one that a browser may follow safely."""
        text = self.optional(key)
        return text if re.fullmatch(r"https?://[!-~]+", text) else ""

    def _list(self, key: str) -> list[object]:
        value = self.found.get(key)
        if value is None:
            return []
        return value if isinstance(value, list) else self._wrong(key, "something but a list")

    def _at(self, key: str) -> str:
        return f"{self.place}.{key}" if self.place else key

    def _wrong(self, key: str, what: str) -> NoReturn:
        raise Malformed(f"the webhook's body has {what} at {self._at(key)}", hint=_HINT)


def document(headers: Headers, body: bytes) -> Fields:
    """Return the object in *body*, be it JSON or a form with JSON in it."""
    try:
        text = body.decode()
        if headers.get("content-type", "").lower().startswith(_FORM):
            text = parse_qs(text, max_num_fields=10).get("payload", [""])[0]
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise Malformed(
            "the webhook's body is not JSON", hint="choose application/json at the forge"
        ) from None
    if not isinstance(found, dict):
        raise Malformed("the webhook's body is not a JSON object", hint=_HINT)
    return Fields(found)


def changed(commits: Iterable[Fields]) -> tuple[str, ...] | None:
    """Return every path that *commits* touch, None when one of them does not say."""
    paths: set[str] = set()
    for commit in commits:
        for key in ("added", "removed", "modified"):
            texts = commit.texts(key)
            if texts is None:
                return None
            paths.update(texts)
    return tuple(sorted(paths))


def listed(commits: Iterable[Fields], commit: str) -> Fields | None:
    """Return the one of *commits* that is *commit*, None when the list leaves it out."""
    return next((each for each in commits if commit and each.optional("id") == commit), None)


def _named(name: str) -> str:
    return "" if len(name) > 1000 or _REFUSED_NAME.search(name) else name


def _clean(text: str) -> str:
    # JSON may hold halves of characters, and NUL, which no database takes.
    return text.encode("utf-8", "replace").decode().replace("\0", "")
