"""Splitting command lines, and the names of images and registries."""

from __future__ import annotations

import shlex
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steersman.core import references, words
from steersman.core.references import InvalidReference, Reference

SPLITS = {
    "": (),
    "   ": (),
    "a b\tc\nd": ("a", "b", "c", "d"),
    "'a b' c": ("a b", "c"),
    '"a b"c': ("a bc",),
    '"a \\"b\\" \\$c \\d"': ('a "b" $c \\d',),
    "'a\\b'": ("a\\b",),
    "a\\ b": ("a b",),
    "a\\\nb": ("ab",),
    "a # b c": ("a",),
    "a#b #c\nd": ("a#b", "d"),
    "'' \"\"": ("", ""),
    "$A ${B}": ("$A", "${B}"),
    "a\\": ("a",),
}


@pytest.mark.parametrize(("text", "expected"), SPLITS.items())
def test_a_command_line_is_split_into_words(text: str, expected: tuple[str, ...]) -> None:
    assert words.split(text) == expected


@pytest.mark.parametrize("text", ["'a", '"a', 'a "b\\"', "a'b"])
def test_an_open_quote_is_an_error(text: str) -> None:
    with pytest.raises(words.UnclosedQuote, match="never closed"):
        words.split(text)


@given(st.lists(st.text(max_size=8), max_size=6))
def test_joined_words_are_split_into_the_same_words(some: list[str]) -> None:
    assert words.split(words.join(some)) == tuple(some)


@given(st.text(alphabet=string.ascii_letters + " \t'\"\\$-", max_size=20))
def test_splitting_agrees_with_a_shell_lexer(text: str) -> None:
    try:
        expected = tuple(shlex.split(text))
    except ValueError:
        return
    assert words.split(text.replace("\\$", "$")) == tuple(shlex.split(text.replace("\\$", "$"))), (
        expected
    )


DIGEST = "sha256:" + "0123456789abcdef" * 4
REFERENCES = {
    "busybox": Reference(None, "busybox"),
    "node:20": Reference(None, "node", "20"),
    "owner/image:tag": Reference(None, "owner/image", "tag"),
    "localhost:5000/foo:1": Reference("localhost:5000", "foo", "1"),
    "localhost/foo": Reference("localhost", "foo"),
    "quay.io/a/b/c": Reference("quay.io", "a/b/c"),
    f"gcr.io/a/b:1@{DIGEST}": Reference("gcr.io", "a/b", "1", DIGEST),
    "a__b/c---d.e": Reference(None, "a__b/c---d.e"),
    "[::1]:5000/a:b": Reference("[::1]:5000", "a", "b"),
}


@pytest.mark.parametrize(("text", "expected"), REFERENCES.items())
def test_an_image_name_is_taken_apart_and_written_again(text: str, expected: Reference) -> None:
    assert references.parse(text) == expected
    assert str(references.parse(text)) == text


INVALID = {
    "": "is not the name",
    "A/b": "capital letters",
    "a:": "is not a tag",
    "a:b:c": "is not the name",
    "a b": "is not the name",
    "a//b": "is not the name",
    "/a": "is not the name",
    "a/": "is not the name",
    "-a": "is not the name",
    "a@1.0": "is not a digest",
    "a@sha256:12": "is not a digest",
    "https://a.b/c": "is an address",
    "a:" + "t" * 129: "is not a tag",
    "x" * 600: "longer",
}


@pytest.mark.parametrize(("text", "words_in_message"), INVALID.items())
def test_what_is_no_image_name_is_refused_in_words(text: str, words_in_message: str) -> None:
    with pytest.raises(InvalidReference, match=words_in_message):
        references.parse(text)


def test_capital_letters_are_refused_with_the_name_in_small_ones() -> None:
    with pytest.raises(InvalidReference) as caught:
        references.parse("Quay.io/Owner/Name:Tag")
    assert caught.value.hint == "write `Quay.io/owner/name:Tag`"


IMAGES = {
    ("node", None): "node:latest",
    ("node:20", None): "node:20",
    ("node:20", "22"): "node:22",
    (f"node@{DIGEST}", None): f"node@{DIGEST}",
    ("localhost:5000/a", "b"): "localhost:5000/a:b",
}


@pytest.mark.parametrize(("given_", "expected"), IMAGES.items())
def test_the_tag_of_a_box_overrides_that_of_its_name(
    given_: tuple[str, str | None], expected: str
) -> None:
    assert str(references.image(*given_)) == expected


HOSTS = {
    "https://quay.io/v2/": "quay.io",
    "http://quay.io/v1": "quay.io",
    "quay.io": "quay.io",
    "QUAY.IO/v2": "quay.io",
    "registry.example.org:5000": "registry.example.org:5000",
    "https://index.docker.io/v1/": "docker.io",
    "https://registry.hub.docker.com": "docker.io",
    "": "docker.io",
}


@pytest.mark.parametrize(("address", "host"), HOSTS.items())
def test_the_address_of_a_registry_becomes_its_host(address: str, host: str) -> None:
    assert references.registry_host(address) == host


def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(InvalidReference, match="not the address"):
        references.registry_host("https://a b/")


@pytest.mark.parametrize(
    ("host", "here"),
    [
        ("localhost", True),
        ("localhost:5000", True),
        ("127.0.0.2:5000", True),
        ("[::1]:5000", True),
        ("10.0.0.1:5000", False),
        ("localhost.example.org", False),
        ("docker.io", False),
    ],
)
def test_a_registry_on_this_machine_is_known(host: str, *, here: bool) -> None:
    assert references.is_loopback(host) is here


def test_the_short_name_is_the_last_part() -> None:
    assert references.parse("localhost:5000/a/redis:7").short_name == "redis"
