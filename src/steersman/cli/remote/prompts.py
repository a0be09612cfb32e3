"""What is asked of a person without showing it, or read from a pipe."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from steersman.core.errors import UserError


def hidden(what: str) -> str:
    """Return a secret: asked without echo on a terminal, else the first line of the input."""
    if sys.stdin.isatty():
        said: str = click.prompt(what, hide_input=True, err=True)
        return said
    line = _text(sys.stdin.buffer.readline(), "the input").strip()
    if not line:
        raise UserError(f"there is no {what}: the input is empty", hint="write it to the input")
    return line


def value(file: Path | None, what: str) -> str:
    """Return a secret's value: a file as it is, the input but for its last newline, or asked."""
    if file is not None:
        try:
            return _text(file.read_bytes(), str(file))
        except OSError as error:
            raise UserError(f"cannot read {file}: {error.strerror}") from error
    if sys.stdin.isatty():
        said: str = click.prompt(what, hide_input=True, confirmation_prompt=True, err=True)
        return said
    return _text(sys.stdin.buffer.read(), "the input").removesuffix("\n")


def _text(data: bytes, where: str) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise UserError(
            f"{where}: byte {error.start} is not UTF-8", hint="give binary values as base64"
        ) from error
