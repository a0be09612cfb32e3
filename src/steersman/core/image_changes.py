"""What an internal step wants of an image it makes: its properties, read and checked.

Texts are filled before they are taken apart at commas, but words only afterwards, so that a value
with blanks stays one word. `cmd` and `entrypoint` keep their `$NAME`: who runs the image has it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from steersman.core import words
from steersman.core.errors import UserError

Fill = Callable[[str], str]
Properties = Mapping[str, str]
_TRUE = frozenset({"1", "t", "T", "TRUE", "true", "True"})
_FALSE = frozenset({"0", "f", "F", "FALSE", "false", "False", ""})
_PROTOCOLS = ("tcp", "udp", "sctp")


class ImageChanges(NamedTuple):
    """What an image is given beside its files; None and empty leave what it has."""

    cmd: tuple[str, ...] | None = None
    entrypoint: tuple[str, ...] | None = None
    env: Mapping[str, str] = MappingProxyType({})
    labels: Mapping[str, str] = MappingProxyType({})
    ports: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    working_dir: str = ""
    user: str = ""
    stop_signal: str = ""


class Commit(NamedTuple):
    """How a box becomes an image."""

    changes: ImageChanges = ImageChanges()
    author: str = ""
    message: str = ""


def changes(properties: Properties, fill: Fill) -> ImageChanges:
    """Read the properties that say how an image is to be run."""
    return ImageChanges(
        cmd=command(properties, "cmd"),
        entrypoint=command(properties, "entrypoint"),
        env=pairs(properties, "env", fill),
        labels=pairs(properties, "labels", fill),
        ports=tuple(_port(text) for text in listed(properties, "ports", fill)),
        volumes=tuple(_volume(text) for text in listed(properties, "volumes", fill)),
        working_dir=_absolute(fill(properties.get("working-dir", ""))),
        user=fill(properties.get("user", "")),
        stop_signal=fill(properties.get("stopsignal", "")),
    )


def commit(properties: Properties, fill: Fill) -> Commit:
    """Read how the box becomes an image."""
    return Commit(
        changes(properties, fill),
        author=fill(properties.get("author", "")),
        message=fill(properties.get("message", "")),
    )


def split(properties: Properties, name: str) -> tuple[str, ...]:
    """Split a property into words."""
    try:
        return words.split(properties.get(name, ""))
    except words.UnclosedQuote as error:
        raise UserError(f"{name}: {error}", hint="close it, or put a `\\` before it") from None


def command(properties: Properties, name: str) -> tuple[str, ...] | None:
    """Read a command line; None where there is none."""
    return split(properties, name) or None


def pairs(properties: Properties, name: str, fill: Fill) -> dict[str, str]:
    """Read words of the form NAME=value; only the first `=` counts."""
    found: dict[str, str] = {}
    for word in split(properties, name):
        key, equals, value = word.partition("=")
        if not equals or not key:
            raise UserError(
                f"{name}: {word!r} is not of the form NAME=value",
                hint="separate them by blanks, and quote values that hold some: A=1 B='x y'",
            )
        found[fill(key)] = fill(value)
    return found


def listed(properties: Properties, name: str, fill: Fill) -> tuple[str, ...]:
    """Read texts separated by blanks or commas."""
    return tuple(fill(properties.get(name, "")).replace(",", " ").split())


def boolean(properties: Properties, name: str) -> bool:
    """Read a boolean; absent is false."""
    text = properties.get(name, "")
    if text not in _TRUE | _FALSE:
        raise UserError(f"{name}: {text!r} is neither true nor false", hint="write true or false")
    return text in _TRUE


def _port(text: str) -> str:
    number, slash, protocol = text.partition("/")
    known = protocol in _PROTOCOLS if slash else True
    if not (number.isascii() and number.isdigit() and 0 < int(number) < 65536 and known):
        raise UserError(
            f"ports: {text!r} is not a port of an image", hint="write `8080` or `53/udp`"
        )
    return f"{int(number)}/{protocol or 'tcp'}"


def _volume(text: str) -> str:
    if not text.startswith("/"):
        raise UserError(
            f"volumes: {text!r} is no folder of an image", hint="begin with a `/`, as in `/data`"
        )
    return text


def _absolute(text: str) -> str:
    if text and not text.startswith("/"):
        raise UserError(f"working-dir: {text!r} must begin with a `/`", hint="as in `/pipeline`")
    return text
