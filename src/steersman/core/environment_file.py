"""The file ENVIRONMENT: lines of `KEY=value` that stand for variables of the calling process."""

from __future__ import annotations

from collections.abc import Iterator, Mapping


def parse(text: str, existing: Mapping[str, str]) -> dict[str, str]:
    """Return the variables the file adds to *existing*, in order.

    A key that has a non-empty value already, there or on an earlier line, is left as it is. In a
    quoted value `\\"` and `\\n` are a quote and a newline; `$` means nothing here.
    """
    found: dict[str, str] = {}
    for key, value in _lines(text):
        if not existing.get(key) and not found.get(key):
            found[key] = value
    return found


def _lines(text: str) -> Iterator[tuple[str, str]]:
    for line in text.removeprefix("\ufeff").split("\n"):
        key, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            # Many people paste lines of a shell script; the original took `export X` as the name.
            yield key.strip().removeprefix("export ").strip(), _value(value.strip())


def _value(text: str) -> str:
    if len(text) >= 2 and text[0] == text[-1] and text[0] in "\"'":
        return text[1:-1].replace('\\"', '"').replace("\\n", "\n")
    return text
