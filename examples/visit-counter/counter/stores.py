"""Where counts are kept: in a Redis, or in memory for tests and small machines."""

from __future__ import annotations

from typing import Protocol
from urllib.parse import urlsplit


class Store(Protocol):
    def add(self, page: str) -> int:
        """Count one visit of *page* and return the new count."""


class MemoryStore:
    def __init__(self) -> None:
        self.counts: dict[str, int] = {}

    def add(self, page: str) -> int:
        self.counts[page] = self.counts.get(page, 0) + 1
        return self.counts[page]


class RedisStore:
    def __init__(self, host: str, port: int) -> None:
        import redis

        self.redis = redis.Redis(host, port)

    def add(self, page: str) -> int:
        return int(self.redis.incr(f"visits:{page}"))


def open_store(address: str) -> Store:
    """Open the store at an address such as `redis://host:6379` or `memory:`."""
    parts = urlsplit(address)
    if parts.scheme == "memory":
        return MemoryStore()
    if parts.scheme == "redis" and parts.hostname:
        return RedisStore(parts.hostname, parts.port or 6379)
    raise ValueError(f"not the address of a store: {address}")
