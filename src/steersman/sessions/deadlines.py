"""When a piece of script has run long enough, and how hard it is then killed: pure decisions."""

from __future__ import annotations

from steersman.sessions.base import End, Kill

_HARDER = (Kill.TERM, Kill.SPARE_SHELL, Kill.ALL)
_WORD = 2.0
"""Seconds in which word must come that all was killed, however short the grace: nothing is left
that a longer wait could spare, and a box that is given up loses its after-steps.
"""


class Deadlines:
    """The clocks of one piece of script; every time is given by the caller, in seconds.

    *cause* is why it is being killed; None while it may still end by itself.
    """

    def __init__(
        self, now: float, *, timeout: float | None, silence: float | None, grace: float
    ) -> None:
        self.cause: End | None = None
        self._end = None if timeout is None else now + timeout
        self._silence = silence
        self._heard = now
        self._grace = grace
        self._kills = 0
        self._next_kill = now

    def heard(self, now: float) -> None:
        """Note that there was output."""
        self._heard = now

    def cancel(self, now: float) -> None:
        """Let the killing begin, unless it has begun."""
        self._begin(End.CANCELLED, now)

    def due(self) -> float | None:
        """Return when `next_kill` is to be asked again; None means never."""
        if self.cause is not None:
            return self._next_kill
        quiet = None if self._silence is None else self._heard + self._silence
        return min((at for at in (self._end, quiet) if at is not None), default=None)

    def next_kill(self, now: float) -> Kill | None:
        """Return the kill that is due at *now*, if one is; each is given out once."""
        if self.cause is None:
            self._look(now)
        if self.cause is None or self.given_up(now) or now < self._next_kill:
            return None
        kill = _HARDER[self._kills]
        self._kills += 1
        self._next_kill = now + self._grace
        return kill

    def killed(self, now: float) -> None:
        """Note that a kill has been sent, which may have taken its time: its grace begins now."""
        last = self._kills == len(_HARDER)
        self._next_kill = now + (max(self._grace, _WORD) if last else self._grace)

    def given_up(self, now: float) -> bool:
        """Tell whether everything was killed in vain."""
        return self._kills == len(_HARDER) and now >= self._next_kill

    def _look(self, now: float) -> None:
        if self._end is not None and now >= self._end:
            self._begin(End.TIMED_OUT, now)
        elif self._silence is not None and now >= self._heard + self._silence:
            self._begin(End.SILENT, now)

    def _begin(self, cause: End, now: float) -> None:
        if self.cause is None:
            self.cause = cause
            self._next_kill = now
