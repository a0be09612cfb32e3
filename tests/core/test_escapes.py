"""`~.` at the beginning of a line, and everything else as it was typed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steersman.core.escapes import Typed, passed, rest


def typed(*pieces: bytes) -> tuple[bytes, bool]:
    """Type piece by piece; return what went on, and whether it was ended."""
    out, state = b"", Typed()
    for piece in pieces:
        data, state, ended = passed(state, piece)
        out += data
        if ended:
            return out, True
    return out + rest(state), False


@pytest.mark.parametrize("before", [b"", b"ls\r", b"ls\n", b"~~x\r"])
def test_the_escape_ends_only_at_the_beginning_of_a_line(before: bytes) -> None:
    assert typed(before + b"~.ignored")[1]
    assert not typed(before + b" ~.")[1]
    assert not typed(before + b"~~.")[1]


def test_what_is_no_escape_goes_on_as_it_is() -> None:
    assert typed(b"~/file\r~") == (b"~/file\r~", False)
    assert typed(b"~~\r") == (b"~\r", False)
    assert typed(b"~\r~.") == (b"~\r", True)


@given(st.lists(st.sampled_from([b"~", b".", b"\r", b"\n", b"a"])))
def test_it_does_not_matter_how_typing_is_cut_into_pieces(pieces: list[bytes]) -> None:
    assert typed(*pieces) == typed(b"".join(pieces))


@given(st.binary())
def test_bytes_without_a_tilde_all_go_on(data: bytes) -> None:
    plain = data.replace(b"~", b"")
    assert typed(plain) == (plain, False)
