"""Passwords: hashed with Argon2id, a few at once, and for nobody as slowly as for somebody."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from steersman.core.errors import UserError

LEAST = 10
MOST = 1024
_HASHER = PasswordHasher()
# Each of them takes 64 MiB while it works: more logins than these wait for their turn.
_THREADS = ThreadPoolExecutor(2, "passwords")


def check(password: str) -> None:
    """Raise `UserError` for a password that nobody should have."""
    if not LEAST <= len(password) <= MOST:
        raise UserError(f"a password has {LEAST} to {MOST} characters")


async def hashed(password: str) -> str:
    """Return what is stored of *password*."""
    return await asyncio.get_running_loop().run_in_executor(_THREADS, _hash, password)


async def matches(stored: str | None, password: str) -> bool:
    """Tell whether *password* is the one that was *stored*.

    Without a stored one the answer takes as long, so that nobody learns who exists.
    """
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_THREADS, _matches, stored, password)


def _matches(stored: str | None, password: str) -> bool:
    against = stored or _nobodys()
    try:
        fits = _HASHER.verify(against, _spelled(password))
    except (VerificationError, InvalidHashError):
        return False
    return fits and stored is not None


@cache
def _nobodys() -> str:
    """Return the hash of a password that opens nothing, made with today's costs."""
    return _hash("nobody has this")


def _hash(password: str) -> str:
    return _HASHER.hash(_spelled(password))


def _spelled(password: str) -> bytes:
    return password.encode("utf-8", "surrogatepass")
