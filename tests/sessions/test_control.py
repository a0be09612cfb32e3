"""Finding control lines in a stream, however it is cut."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from steersman.sessions.base import Output, Said
from steersman.sessions.control import MAX_LINE, Splitter, parse

MARK = "0123456789abcdef"

pieces = st.lists(
    st.one_of(
        st.binary(max_size=40),
        st.sampled_from(
            [b"\n", MARK.encode(), MARK.encode() + b" ", MARK.encode()[:7], b"0", b" "]
        ),
        st.builds(
            lambda words: MARK.encode() + b" " + " ".join(words).encode() + b"\n",
            st.lists(st.text("abc019", max_size=5), min_size=1, max_size=4),
        ),
        st.just(MARK.encode() + b" " + b"x" * (MAX_LINE + 5)),
    ),
    max_size=12,
)


def split(chunks: list[bytes]) -> tuple[list[Said | bytes], bytes]:
    """Return what was said with the output between, and all output."""
    splitter = Splitter(MARK)
    messages: list[Output | Said] = []
    for chunk in chunks:
        messages += splitter.feed(chunk)
    messages += splitter.end()
    joined: list[Said | bytes] = []
    for message in messages:
        if isinstance(message, Said):
            joined.append(message)
        elif joined and isinstance(joined[-1], bytes):
            joined[-1] += message.data
        else:
            joined.append(message.data)
    return joined, b"".join(part for part in joined if isinstance(part, bytes))


@given(pieces, st.lists(st.integers(0, 5000), max_size=30))
def test_a_stream_means_the_same_however_it_is_cut(parts: list[bytes], cuts: list[int]) -> None:
    data = b"".join(parts)
    ends = sorted({min(cut, len(data)) for cut in cuts} | {0, len(data)})
    chunks = [data[a:b] for a, b in pairwise(ends)]
    assert split(chunks) == split([data])
    some = data[: 2 * MAX_LINE]
    assert split([some[i : i + 1] for i in range(len(some))]) == split([some])


@given(pieces)
def test_nothing_is_lost(parts: list[bytes]) -> None:
    data = b"".join(parts)
    rebuilt = b"".join(
        part
        if isinstance(part, bytes)
        else MARK.encode() + b" " + " ".join(part.words).encode("utf-8", "surrogateescape") + b"\n"
        for part in split([data])[0]
    )
    assert rebuilt == data


@given(st.binary())
def test_a_line_can_be_put_together_again(line: bytes) -> None:
    assert " ".join(parse(line).words).encode("utf-8", "surrogateescape") == line


@given(st.binary(max_size=200))
def test_only_what_may_begin_a_mark_is_held_back(data: bytes) -> None:
    shown = b"".join(m.data for m in Splitter(MARK).feed(data) if isinstance(m, Output))
    held = data[len(shown) :]
    assert data.startswith(shown)
    assert (MARK + " ").encode().startswith(held)


def test_a_mark_is_found_in_the_middle_of_a_line() -> None:
    assert Splitter(MARK).feed(b"noi" + MARK.encode() + b" done 1 0 0\nse") == [
        Output(b"noi"),
        Said(("done", "1", "0", "0")),
        Output(b"se"),
    ]


def test_a_forged_mark_does_not_swallow_the_real_line() -> None:
    forged, real = f"{MARK} forged".encode(), f"{MARK} done 1 0 0\n".encode()
    assert Splitter(MARK).feed(forged + real) == [Output(forged), Said(("done", "1", "0", "0"))]
