"""Streams that are left early: what is behind them is let go at once, not when memory is tidied."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeVar

T = TypeVar("T")


@asynccontextmanager
async def closed(pieces: AsyncIterator[T]) -> AsyncIterator[AsyncIterator[T]]:
    """Give *pieces*, and close the generator they come from in the end."""
    try:
        yield pieces
    finally:
        close = getattr(pieces, "aclose", None)
        if close is not None:
            await close()
