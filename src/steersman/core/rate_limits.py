"""How often something may be tried: buckets of tokens that fill with time.

For attempts to log in: one bucket for each account and one for each address. How many buckets are
kept is bounded, since whoever tries names can name a million.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

# Times near today's are multiples of 2e-7 s: whoever waited as told must not find a hair missing.
_HAIR = 1e-6


class Bucket(NamedTuple):
    """How many tries are left, as of the time *at*."""

    level: float
    at: float


class Limit(NamedTuple):
    """*burst* tries at once, then *rate* for each second; at most *keys* buckets are kept."""

    rate: float
    burst: float
    keys: int = 10_000


def take(bucket: Bucket | None, now: float, rate: float, burst: float) -> tuple[Bucket, float]:
    """Try once: return the bucket after it, and 0.0 or the seconds to wait before it may be.

    No bucket yet is a full one, and a try that has to wait costs nothing. A clock that went back
    fills no bucket, and keeps nobody waiting longer than it takes to fill an empty one.
    """
    if not (0 < rate < math.inf and 1 <= burst < math.inf):
        raise ValueError(f"no rate limit: {rate} a second, {burst} at once")
    level, at = _filled(bucket or Bucket(burst, now), now, rate, burst)
    if level + _HAIR * (1 + rate) >= 1:
        return Bucket(max(0.0, level - 1), at), 0.0
    return Bucket(level, at), (1 - level) / rate + at - now


def _filled(bucket: Bucket, now: float, rate: float, burst: float) -> Bucket:
    level = bucket.level + max(0.0, now - bucket.at) * rate
    latest = now + (burst - 1) / rate
    return Bucket(min(burst, level), min(max(bucket.at, now), latest))


def forget(buckets: Mapping[str, Bucket], now: float, limit: Limit) -> dict[str, Bucket]:
    """Return the buckets worth keeping: those not full, and of too many the emptiest.

    So nobody gets rid of a bucket that keeps them waiting by trying many others.
    """
    levels = {key: _filled(each, now, limit.rate, limit.burst) for key, each in buckets.items()}
    kept = [key for key, each in levels.items() if each.level < limit.burst]
    if len(kept) > limit.keys:
        kept = sorted(kept, key=lambda key: levels[key].level)[: limit.keys]
    return {key: buckets[key] for key in kept}


class Limiter:
    """The buckets of one limit, each with its key."""

    def __init__(self, limit: Limit) -> None:
        self._limit = limit
        self._buckets: dict[str, Bucket] = {}

    def __len__(self) -> int:
        return len(self._buckets)

    def take(self, key: str, now: float) -> float:
        """Try once with *key*; return 0.0, or the seconds to wait before it may be."""
        bucket, wait = take(self._buckets.get(key), now, self._limit.rate, self._limit.burst)
        self._buckets[key] = bucket
        if len(self._buckets) > self._limit.keys:
            # Somewhat fewer than may be, or each further key would mean sorting them all.
            fewer = self._limit._replace(keys=max(1, self._limit.keys * 3 // 4))
            self._buckets = forget(self._buckets, now, fewer)
        return wait
