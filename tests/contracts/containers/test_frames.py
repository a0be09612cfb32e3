"""The frames of an attached stream, cut anywhere."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from steersman.containers.docker.frames import Frames


def frame(payload: bytes) -> bytes:
    return b"\x01\0\0\0" + len(payload).to_bytes(4, "big") + payload


@given(st.lists(st.binary(max_size=40), max_size=8), st.integers(1, 30))
def test_the_payload_is_whole_wherever_the_stream_is_cut(payloads: list[bytes], size: int) -> None:
    stream = b"".join(map(frame, payloads))
    frames = Frames()
    pieces = [frames.feed(stream[at : at + size]) for at in range(0, len(stream), size)]
    assert b"".join(pieces) == b"".join(payloads)
