"""Nothing that somebody sends is an error of ours: it is read, ignored or malformed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steersman.core.forges import Forge, Ignored, Malformed, Push, dialect
from steersman.core.triggers import Kind
from tests.core.forges.samples import EVENTS, forge, payload

EVENT_NAMES = st.sampled_from(sorted({event for _, event in EVENTS.values()}))
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(
        ["0" * 40, "push", "refs/heads/x", "\ud800", "branch", "opened", "https://x/y"]
    ),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=5,
)
PLACES = st.lists(st.integers(0, 10**6), max_size=3)


def places(found: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every place of a document: what holds it, and its key."""
    keys = found.keys() if isinstance(found, dict) else range(len(found))
    for key in keys:
        yield found, key
        if isinstance(found[key], dict | list):
            yield from places(found[key])


def check(kind: Forge, headers: dict[str, str], body: bytes) -> None:
    """Read, and look at what came out as closely as its reader may rely on it."""
    try:
        outcome = dialect(kind).read(headers, body)
    except Malformed:
        return
    if isinstance(outcome, Ignored):
        assert outcome.why.isprintable()
        return
    assert outcome
    for push in outcome:
        check_push(push)


def check_push(push: Push) -> None:
    json.dumps(push, ensure_ascii=False).encode()
    assert (push.commit == "") is push.deleted
    assert all(digit in "0123456789abcdef" for digit in push.commit + push.before)
    assert push.repository_url.startswith(("http://", "https://"))
    assert bool(push.tag) is (push.kind is Kind.TAG) is not bool(push.branch)
    assert bool(push.number) is (push.kind is Kind.PULL_REQUEST)
    assert not push.branch.startswith("-")


@pytest.mark.parametrize("name", EVENTS)
@given(st.data())
def test_a_payload_in_which_anything_was_changed(name: str, data: st.DataObject) -> None:
    found = payload(name)
    for _ in range(data.draw(st.integers(0, 3))):
        every = list(places(found))
        holder, key = every[data.draw(st.integers(0, len(every) - 1))]
        if isinstance(holder, dict) and data.draw(st.booleans()):
            del holder[key]
        else:
            holder[key] = data.draw(VALUES)
    header, event = EVENTS[name]
    check(forge(name), {header: event}, json.dumps(found).encode())


@given(VALUES, EVENT_NAMES)
def test_any_json_at_all(found: object, event: str) -> None:
    for header in ("x-github-event", "x-gitea-event", "x-event-key", "x-gitlab-event"):
        for kind in Forge:
            check(kind, {header: event}, json.dumps(found).encode())


@pytest.mark.parametrize("kind", Forge)
@pytest.mark.parametrize(
    "body",
    [b"", b"\xff", b"[" * 100_000, b'{"a":' * 100_000, b"1" * 5_000, b"null", b"{}", b"[{}]"],
)
@pytest.mark.parametrize("form", ["", "application/x-www-form-urlencoded"])
def test_a_body_that_is_no_object_is_malformed(kind: Forge, body: bytes, form: str) -> None:
    headers = {"x-github-event": "push", "x-gitea-event": "push", "x-event-key": "repo:push"}
    with pytest.raises(Malformed):
        dialect(kind).read({**headers, "content-type": form}, body)
