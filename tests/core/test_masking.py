"""Secrets never come out, however the stream is cut, and nothing else changes."""

from __future__ import annotations

import base64
import json
import random
import time
from itertools import pairwise
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steersman.core.masking import Masker, forms_of

SECRET = "s3cr3t-v$lue/é !"
KEY = "-----BEGIN KEY-----\nAbCdEfGhIjKlMnOp+/\nQrStUvWx==\n-----END KEY-----\n"


def masked(data: bytes, *values: str) -> bytes:
    masker = Masker(values)
    return masker.feed(data) + masker.flush()


def test_without_secrets_the_very_same_object_is_handed_on() -> None:
    data = b"anything at all"
    assert Masker([]).feed(data) is data


def test_a_value_is_masked_wherever_it_stands() -> None:
    data = f"{SECRET} and ({SECRET}){SECRET}\n".encode()
    assert masked(data, SECRET) == b"*** and (***)***\n"


@pytest.mark.parametrize(
    "form",
    [
        quote(SECRET),
        quote(SECRET, safe=""),
        quote(SECRET, safe="").lower(),
        json.dumps(SECRET)[1:-1],
        json.dumps(SECRET, ensure_ascii=False)[1:-1],
    ],
)
def test_forms_in_urls_and_json_are_masked(form: str) -> None:
    assert masked(f"<{form}>".encode(), SECRET) == b"<***>"


def test_the_trace_of_a_shell_shows_no_quoted_value() -> None:
    assert masked(b"+ echo 'it'\\''s it'", "it's it") == b"+ echo '***'"


@pytest.mark.parametrize("before", ["", "a", "ab", "abc"])
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_base64_is_masked_at_each_alignment(before: str, encode: object) -> None:
    text = encode(f"{before}{SECRET}?".encode())  # type: ignore[operator]
    left = masked(text, SECRET).replace(b"***", b"")
    assert len(left) <= 8
    assert left != text


def test_base64_that_was_cut_into_lines_keeps_little_of_a_long_secret() -> None:
    secret = "".join(random.Random(3).choices("abcdefghijklmnop0123456789", k=600))
    printed = masked(base64.encodebytes(b"user:" + secret.encode()), secret)
    assert max(map(len, printed.replace(b"***", b"\n").splitlines())) < 16 + 6


def test_each_line_of_a_long_value_is_masked_by_itself() -> None:
    lines = KEY.splitlines()
    printed = masked(f"x {lines[2]} y\n{lines[1]}\r\n".encode(), KEY)
    assert printed == b"x *** y\n***\r\n"


def test_short_values_are_named_but_not_masked() -> None:
    masker = Masker(["yes", "", "long enough"])
    assert masker.ignored == ("yes",)
    assert masker.feed(b"yes\n") == b"yes\n"


def test_a_short_line_of_a_long_value_is_not_masked() -> None:
    assert masked(b'  }\n"id": 12345\n', '{\n"id": 12345\n  }\n') == b"  }\n***\n"


def test_a_secret_within_a_secret_leaves_nothing_of_the_longer() -> None:
    assert masked(b"abcdefgh abcd", "abcd", "abcdefgh") == b"*** ***"


def test_secrets_that_overlap_are_masked_as_one() -> None:
    assert masked(b"<abcdefgh>", "abcdef", "defgh") == b"<***>"


def test_only_what_may_be_a_secret_is_held_back() -> None:
    masker = Masker(["hunter22"])
    assert masker.feed(b"Password: ") == b"Password: "
    assert masker.feed(b"hunt") == b""
    assert masker.feed(b"ing\n") == b"hunting\n"


@pytest.mark.parametrize("more", [[], [f"other{n:04}" for n in range(60)]], ids=["few", "many"])
def test_a_cut_anywhere_in_a_secret_lets_nothing_through(more: list[str]) -> None:
    for data in (b"<hunter22>", b"<" + base64.b64encode(b"hunter22")[:10] + b">"):
        for at in range(len(data) + 1):
            masker = Masker(["hunter22", *more])
            assert masker.feed(data[:at]) + masker.feed(data[at:]) + masker.flush() == b"<***>"


def test_what_is_held_back_comes_out_in_the_end() -> None:
    masker = Masker(["hunter22"])
    assert masker.feed(b"go hunt") == b"go "
    assert masker.flush() == b"hunt"
    assert masker.flush() == b""


def test_text_is_masked_by_itself() -> None:
    masker = Masker(["hunter22"])
    assert masker.feed(b"hunt") == b""
    assert masker.text("er22 hunter22") == "er22 ***"


alphabet = st.sampled_from("ab$ \n")
values = st.lists(st.text(alphabet, min_size=1, max_size=9), max_size=60)


@given(values, st.text(alphabet, max_size=80), st.lists(st.integers(0, 80), max_size=12))
def test_any_cutting_gives_the_same_and_no_secret(
    secrets: list[str], text: str, cuts: list[int]
) -> None:
    data = text.encode()
    masker = Masker(secrets)
    ends = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    pieces = [masker.feed(data[start:end]) for start, end in pairwise(ends)]
    cut = b"".join(pieces) + masker.flush()
    assert cut == masked(data, *secrets)
    if any(form in data for value in secrets for form in forms_of(value)):
        assert b"***" in cut
    else:
        assert cut == data


@given(st.lists(st.text(min_size=4, max_size=30), min_size=1, max_size=40), st.data())
def test_no_secret_comes_out(secrets: list[str], draw: st.DataObject) -> None:
    parts = st.one_of(st.sampled_from(secrets), st.text("xyz*#", max_size=5))
    text = "\x00".join(draw.draw(st.lists(parts, max_size=8)))
    printed = masked(text.encode("utf-8", "surrogateescape"), *secrets)
    for secret in secrets:
        if len(secret.strip()) >= 4 and "*" not in secret:
            assert secret.encode("utf-8", "surrogateescape") not in printed


def test_many_long_secrets_do_not_make_it_crawl() -> None:
    chance = random.Random(1)
    secrets = ["".join(chance.choices("abcdefghABCDEFGH012345", k=1000)) for _ in range(20)]
    masker = Masker(secrets)
    line = b"2030-01-01T00:00:00Z INFO request handled path=/api/v1/users/1234 status=200\n"
    started = time.process_time()
    for _ in range(20_000):
        masker.feed(line)
    assert time.process_time() - started < 5
