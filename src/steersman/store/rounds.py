"""Transactions of a few rows: those that come at the same moment are committed together.

Beginning and committing cost more than what such a transaction does. A round is all that was asked
for since the last one, in one transaction. One that fails without having changed anything fails
alone; otherwise the round is given up, and each is tried by itself by whoever has patience.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from functools import partial
from typing import Any, NamedTuple

from steersman.core.errors import SteersmanError
from steersman.store.base import Transaction

Work = Callable[[Transaction], Any]


class NotNow(Exception):
    """It could not be done at once, and nothing of it was: it takes patience."""


class Done(NamedTuple):
    """What became of one: a result, or the *error* to be raised where it was asked for."""

    result: Any = None
    error: Exception | None = None


class Round(NamedTuple):
    """What became of all of a round, and the topics it wakes."""

    done: list[Done]
    wakes: Iterable[str] = ()


Apart = Callable[[Callable[[], Round]], Coroutine[Any, Any, Round]]


class _Wanted(NamedTuple):
    work: Work
    future: asyncio.Future[Any]


class Rounds:
    """Gathers works and lets *commit* do each round of them; *wake* hears what was committed.

    The loop does them at once, as long as nobody else is *busy* with the connection; or *apart*
    from others, with which it goes on meanwhile. Then the next round begins when one has ended.
    """

    def __init__(
        self,
        commit: Callable[[list[Work]], Round],
        wake: Callable[[str], None],
        *,
        busy: Callable[[], bool] = lambda: False,
        apart: Apart | None = None,
    ) -> None:
        self._commit = commit
        self._wake = wake
        self._busy = busy
        self._apart = apart
        self._waiting: list[_Wanted] = []
        self._at_work: asyncio.Task[Round] | None = None

    async def run(self, work: Work) -> Any:
        """Return what *work* returned, once it is committed; `NotNow` where it has to wait."""
        loop = asyncio.get_running_loop()
        wanted = _Wanted(work, loop.create_future())
        if not self._waiting and self._at_work is None:
            loop.call_soon(self._next)
        self._waiting.append(wanted)
        return await wanted.future

    def _next(self) -> None:
        waiting = [each for each in self._waiting if not each.future.done()]
        self._waiting.clear()
        if not waiting:
            return
        works = [each.work for each in waiting]
        if self._apart is not None:
            doing = self._apart(partial(self._try, works))
            self._at_work = asyncio.get_running_loop().create_task(doing)
            self._at_work.add_done_callback(partial(self._came_back, waiting))
        elif self._busy():
            self._tell(waiting, _given_up(works))
        else:
            self._tell(waiting, self._try(works))

    def _try(self, works: list[Work]) -> Round:
        try:
            return self._commit(works)
        except Exception:  # noqa: BLE001 - whoever tries each by itself finds out what it is
            return _given_up(works)

    def _came_back(self, waiting: list[_Wanted], doing: asyncio.Task[Round]) -> None:
        self._at_work = None
        works = [each.work for each in waiting]
        self._tell(waiting, _given_up(works) if doing.cancelled() else doing.result())
        if self._waiting:
            self._next()

    def _tell(self, waiting: list[_Wanted], ended: Round) -> None:
        for topic in ended.wakes:
            self._wake(topic)
        for (_, future), (result, error) in zip(waiting, ended.done, strict=True):
            if future.done():
                continue  # nobody waits any more; it is committed all the same
            if error is not None:
                future.set_exception(error)
            else:
                future.set_result(result)


def one_of(work: Work, transaction: Transaction) -> Done:
    """Run one of a round; raise what ends the whole round."""
    transaction.changed = False
    try:
        return Done(work(transaction))
    except SteersmanError as error:
        if transaction.changed:
            raise NotNow from error
        return Done(error=error)


def _given_up(works: list[Work]) -> Round:
    return Round([Done(error=NotNow()) for _ in works])
