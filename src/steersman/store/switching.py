"""Plain functions that wait without keeping the loop: each runs in a greenlet.

What talks to PostgreSQL is written as if it waited for each answer. On a thread of its own it would
be handed the interpreter back late, whenever the loop is busy; here the loop goes on with others
until the answer is there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, cast

from greenlet import getcurrent, greenlet

T = TypeVar("T")


class _Apart(greenlet):
    """Runs a function that may wait; its parent is what runs the loop."""


async def run(function: Callable[[], T]) -> T:
    """Return what *function* returns, which may wait by `wait_for`."""
    apart = _Apart(function)
    told = apart.switch()
    while not apart.dead:
        try:
            found = await told
        except BaseException as error:  # noqa: BLE001 - it is raised where it was waited for
            told = apart.throw(error)
        else:
            told = apart.switch(found)
    return cast(T, told)


def may_wait() -> bool:
    """Tell whether the caller is run by `run`."""
    return isinstance(getcurrent(), _Apart)


def wait_for(what: Awaitable[T]) -> T:
    """Let the loop go on until *what* is there, and return it; only where one `may_wait`."""
    parent = getcurrent().parent
    assert parent is not None  # noqa: S101 - one that may wait has a parent
    return cast(T, parent.switch(what))


def until_ready(descriptor: int, *, writing: bool) -> None:
    """Wait until there is something to read, or with *writing* until something can be written."""
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()
    loop.add_reader(descriptor, _tell, ready)
    if writing:
        loop.add_writer(descriptor, _tell, ready)
    try:
        wait_for(ready)
    finally:
        loop.remove_reader(descriptor)
        if writing:
            loop.remove_writer(descriptor)


def _tell(ready: asyncio.Future[Any]) -> None:
    if not ready.done():
        ready.set_result(None)
