"""Too many tries wait, time gives them back, and no clock and no flood of names helps."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steersman.core import rate_limits
from steersman.core.rate_limits import Bucket, Limit, Limiter

NOW = 1_700_000_000.0
RATES = st.floats(0.01, 1000)
BURSTS = st.integers(1, 50)


def test_the_burst_passes_and_the_next_waits() -> None:
    bucket = None
    waits = []
    for _ in range(4):
        bucket, wait = rate_limits.take(bucket, NOW, 0.5, 3)
        waits.append(wait)
    assert waits == [0.0, 0.0, 0.0, 2.0]


def test_a_try_that_has_to_wait_costs_nothing() -> None:
    empty = Bucket(0.0, NOW)
    once, wait = rate_limits.take(empty, NOW, 1, 5)
    assert rate_limits.take(once, NOW, 1, 5) == (once, wait)


def test_no_more_than_the_burst_is_saved_up() -> None:
    bucket, _ = rate_limits.take(Bucket(0.0, NOW), NOW + 1e6, 1, 5)
    assert bucket == Bucket(4.0, NOW + 1e6)


@given(RATES, BURSTS, st.floats(0, 1), st.floats(-100, 100))
def test_whoever_waits_as_told_may_try(rate: float, burst: int, level: float, off: float) -> None:
    bucket, wait = rate_limits.take(Bucket(level, NOW + off), NOW, rate, burst)
    if wait:
        _, again = rate_limits.take(bucket, NOW + wait, rate, burst)
        assert again == 0.0


@given(RATES, BURSTS, st.floats(0, 50), st.floats(0, 1e9))
def test_a_clock_that_went_back_neither_gives_nor_locks_out(
    rate: float, burst: int, level: float, back: float
) -> None:
    before = Bucket(min(level, burst), NOW)
    after, wait = rate_limits.take(before, NOW - back, rate, burst)
    assert after.level <= before.level
    assert wait <= burst / rate * 1.001 + 1e-3


@given(RATES, BURSTS, st.lists(st.floats(0, 100), min_size=1, max_size=60))
def test_no_more_pass_than_burst_and_rate_allow(
    rate: float, burst: int, pauses: list[float]
) -> None:
    bucket, passed, now = None, 0, NOW
    for pause in pauses:
        now += pause
        bucket, wait = rate_limits.take(bucket, now, rate, burst)
        passed += not wait
    hairs = len(pauses) * 1e-6 * (1 + rate)
    assert passed <= burst + (now - NOW) * rate + hairs


@pytest.mark.parametrize(
    ("rate", "burst"), [(0, 1), (-1, 1), (1, 0.5), (float("nan"), 1), (1, float("inf"))]
)
def test_a_limit_that_is_none_is_refused(rate: float, burst: float) -> None:
    with pytest.raises(ValueError, match="no rate limit"):
        rate_limits.take(None, NOW, rate, burst)


def test_full_buckets_are_forgotten_and_of_too_many_the_emptiest_kept() -> None:
    levels = {"full": 5.0, "filled by now": 4.5, "a": 3.0, "b": 0.0, "c": 2.0}
    buckets = {key: Bucket(level, NOW) for key, level in levels.items()}
    assert list(rate_limits.forget(buckets, NOW + 1, Limit(1, 5))) == ["a", "b", "c"]
    assert list(rate_limits.forget(buckets, NOW + 1, Limit(1, 5, keys=2))) == ["b", "c"]


def test_forgetting_what_is_full_changes_no_answer() -> None:
    buckets = {"full": Bucket(0.0, NOW), "not": Bucket(0.0, NOW + 9)}
    kept = rate_limits.forget(buckets, NOW + 10, Limit(1, 5))
    for key in buckets:
        with_it = rate_limits.take(buckets[key], NOW + 10, 1, 5)
        assert rate_limits.take(kept.get(key), NOW + 10, 1, 5) == with_it


def test_keys_do_not_share_a_bucket() -> None:
    limiter = Limiter(Limit(0.1, 1))
    assert [limiter.take(key, NOW) for key in ("ann", "bob", "ann")] == [0.0, 0.0, 10.0]


def test_a_flood_of_names_is_bounded_and_sets_nobody_free() -> None:
    limiter = Limiter(Limit(0.001, 3, keys=100))
    for _ in range(4):
        limiter.take("attacked", NOW)
    for number in range(1000):
        limiter.take(f"name {number}", NOW)
        assert len(limiter) <= 100
    assert limiter.take("attacked", NOW) > 0
