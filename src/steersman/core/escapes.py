"""`~.` at the beginning of a line ends a terminal from this side, whatever hangs on the other."""

from __future__ import annotations

from typing import NamedTuple

_MARK = b"~"
_END = b"."


class Typed(NamedTuple):
    """What was typed so far: whether a line begins here, and whether a `~` is kept back."""

    at_start: bool = True
    kept: bool = False


class Passed(NamedTuple):
    """What goes to the other side, how typing stands after it, and whether it is the end."""

    data: bytes
    typed: Typed
    ended: bool = False


def passed(typed: Typed, data: bytes) -> Passed:
    """Return what of *data* goes on: all but `~.` and one of two `~` at the beginning of a line."""
    out = bytearray()
    at_start, kept = typed
    for byte in (data[place : place + 1] for place in range(len(data))):
        if kept and byte == _END:
            return Passed(bytes(out), Typed(), ended=True)
        if at_start and not kept and byte == _MARK:
            kept = True
            continue
        out += _MARK + byte if kept and byte != _MARK else byte
        at_start, kept = byte in (b"\r", b"\n"), False
    return Passed(bytes(out), Typed(at_start, kept))


def rest(typed: Typed) -> bytes:
    """Return what is still kept back when nothing more will be typed."""
    return _MARK if typed.kept else b""
