"""Who leads: a term is renewed long before its end, and given up before another may take it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import NoReturn

from steersman.core.errors import SteersmanError
from steersman.cron.ledger.base import LEADING, Ledger
from steersman.cron.logs import Event, say
from steersman.cron.times import Times

MARGIN = 1.5
"""A leader stops to believe in itself so many seconds before its term ends."""


class Leading:
    """Keeps asking *ledger* for the leadership, and knows whether we have it."""

    def __init__(
        self, ledger: Ledger, holder: str, times: Times, changed: Callable[[], None],
        seconds: float = LEADING,
    ) -> None:  # fmt: skip
        self.holder = holder
        self.fence = 0
        self._ledger = ledger
        self._times = times
        self._changed = changed
        self._seconds = seconds
        self._until = 0.0

    def leads(self) -> bool:
        """Tell whether nobody else can be leading at this moment.

        The end of a term is counted from before it was asked for, by a clock that goes on while a
        process or its machine is stopped.
        """
        return self.fence > 0 and self._times.elapsed() < self._until

    async def run(self) -> NoReturn:
        """Ask for ever."""
        away = stands_by = False
        while True:
            before = self._times.elapsed()
            try:
                term = await self._ledger.lead(self.holder, self._seconds)
                away = False
            except SteersmanError as error:
                if not away:
                    say(Event.LEDGER_AWAY, str(error))
                away, term = True, None
            if term is not None:
                self._until = before + self._seconds - MARGIN
                if term.fence != self.fence:
                    self.fence = term.fence
                    say(Event.LEADING, f"{self.holder}, leadership {term.fence}")
                    self._changed()
            elif not away and self.fence:
                self.lose("another instance leads")
            elif not away and not stands_by:
                say(Event.STANDING_BY, f"{self.holder}: another instance leads on this ledger")
            stands_by = not self.fence and not away
            if self.fence and not self.leads():
                self.lose("the ledger did not confirm it in time")
            await asyncio.sleep(self._seconds / 5)

    def lose(self, why: str) -> None:
        """Lead no more."""
        if self.fence:
            say(Event.LEADING_ENDED, f"{self.holder}: {why}")
        self.fence = 0
        self._changed()

    async def resign(self) -> None:
        """Let another one lead at once."""
        if self.fence:
            self.fence = 0
            await self._ledger.resign(self.holder)
