"""A token tells its kind, a typo shows, and nobody makes an attempt's token without the key."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steersman.core import tokens
from steersman.core.tokens import Kind, Token

KEY = bytes(range(32))
ATTEMPT = "01hf7uaq00000g40o40k30e209"
STORED = [kind for kind in Kind if kind is not Kind.ATTEMPT]
TOKEN = Token("1", "ann", "laptop", tokens.digest("x"), frozenset(), created=100.0)


@given(st.sampled_from(STORED), st.binary(min_size=16, max_size=40))
def test_a_token_tells_its_kind(kind: Kind, randomness: bytes) -> None:
    made = tokens.make(kind, randomness)
    assert made.startswith(kind)
    assert tokens.kind_of(made) is kind
    assert not tokens.is_mistyped(made)


@given(st.integers(0, 200), st.sampled_from("abc27xyz_A"))
def test_one_wrong_character_makes_it_no_token(at: int, other: str) -> None:
    made = tokens.make(Kind.PERSONAL, bytes(range(20)))
    at %= len(made)
    wrong = made[:at] + other + made[at + 1 :]
    assert (tokens.kind_of(wrong) is None) == (wrong != made)


def test_a_typo_is_told_from_what_was_never_a_token_of_ours() -> None:
    made = tokens.make(Kind.HOOK, bytes(20))
    assert tokens.is_mistyped(made[:-1])
    assert tokens.is_mistyped("steer_att_1_short")
    assert not tokens.is_mistyped("ghp_something")
    assert not tokens.is_mistyped("")


@given(st.text() | st.text("steer_pat") | st.text().map(lambda text: f"steer_ses_{text}"))
def test_any_text_at_all_has_a_kind_or_none(text: str) -> None:
    assert tokens.kind_of(text) is None
    assert tokens.attempt_of(KEY, text) is None
    assert len(tokens.digest(text)) == 64


def test_a_lone_surrogate_is_no_token() -> None:
    assert tokens.kind_of("steer_pat_\udc80") is None
    assert len(tokens.digest("\udc80")) == 64


def test_what_is_stored_is_the_hash() -> None:
    assert tokens.digest("steer_pat_x") == hashlib.sha256(b"steer_pat_x").hexdigest()


@pytest.mark.parametrize(
    ("kind", "randomness"), [(Kind.PERSONAL, bytes(15)), (Kind.ATTEMPT, bytes(20))]
)
def test_a_token_that_would_be_guessed_is_not_made(kind: Kind, randomness: bytes) -> None:
    with pytest.raises(ValueError, match=r"too few|derived"):
        tokens.make(kind, randomness)


def test_the_token_of_an_attempt_can_be_made_again_and_read() -> None:
    made = tokens.attempt_token(KEY, ATTEMPT)
    assert made == tokens.attempt_token(KEY, ATTEMPT)
    assert made.startswith(f"steer_att_{ATTEMPT}_")
    assert tokens.kind_of(made) is Kind.ATTEMPT
    assert tokens.attempt_of(KEY, made) == ATTEMPT


def test_the_form_of_an_attempts_token_never_changes() -> None:
    digest = "b7c8c8e5cf02712977a068375c96ce15"
    assert tokens.digest(tokens.attempt_token(KEY, ATTEMPT))[:32] == digest


def test_another_key_or_another_attempt_makes_another_token() -> None:
    made = tokens.attempt_token(KEY, ATTEMPT)
    assert tokens.attempt_of(bytes(32), made) is None
    assert tokens.attempt_of(KEY, made.replace(ATTEMPT, ATTEMPT[:-1] + "3")) is None


@given(st.integers(0, 200), st.sampled_from("abcdefg234567"))
def test_no_character_of_an_attempts_token_can_be_changed(at: int, other: str) -> None:
    made = tokens.attempt_token(KEY, ATTEMPT)
    at %= len(made)
    wrong = made[:at] + other + made[at + 1 :]
    assert (tokens.attempt_of(KEY, wrong) is None) == (wrong != made)


@pytest.mark.parametrize(("key", "attempt"), [(b"", ATTEMPT), (KEY, ""), (KEY, "a_b"), (KEY, "ä")])
def test_no_token_is_derived_from_a_weak_key_or_an_odd_id(key: bytes, attempt: str) -> None:
    with pytest.raises(ValueError, match=r"too short|cannot stand"):
        tokens.attempt_token(key, attempt)


def test_a_token_works_until_it_expires_or_is_revoked() -> None:
    assert tokens.usable(TOKEN, 1e12)
    limited = TOKEN._replace(expires=200.0)
    assert tokens.usable(limited, 199.9)
    assert not tokens.usable(limited, 200.0)
    assert not tokens.usable(TOKEN._replace(revoked=150.0), 120.0)
