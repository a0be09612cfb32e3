"""One shell in a box, driven over any transport: deadlines, killing, what an ending means."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from steersman.core.errors import Refused, Unavailable, UserError
from steersman.sessions.base import End, Ending, Gone, Kill, Message, Output, Said, Transport
from steersman.sessions.deadlines import Deadlines

Sink = Callable[[bytes], Awaitable[None] | None]

_ANSWER = 30.0
_POLL = 0.02


class _Report(NamedTuple):
    """A control line that says how something ended, checked. *which* is the number it concerns."""

    what: str
    which: int
    status: int
    oom_kills: int


def _numbers(*words: str) -> bool:
    return all(word.isascii() and word.isdigit() and len(word) < 10 for word in words)


def _report(words: tuple[str, ...]) -> _Report | None:
    """Check the words of an ending; None for anything else, garbage included."""
    match words:
        case (("done" | "exit" | "ended") as what, which, status, kills):
            pass
        case ("stale" as what, which, kills):
            status = "0"
        case _:
            return None
    if not _numbers(which, status, kills):
        return None
    return _Report(what, int(which), int(status) & 255, int(kills))


def _now() -> float:
    return asyncio.get_running_loop().time()


def _signal_name(status: int) -> str | None:
    try:
        return signal.Signals(status - 128).name.removeprefix("SIG")
    except ValueError:
        return None


class Session:
    """Runs pieces of shell text in the one shell of a box.

    *sink* gets all output; when it returns something to wait for, nothing more is read until
    then. *grace* is the time between TERM and each harder kill.
    """

    shell = ""
    """What the box's shell is called, known once the session is open."""

    def __init__(self, transport: Transport, sink: Sink, *, grace: float = 5.0) -> None:
        self._transport = transport
        self._sink = sink
        self._grace = grace
        self._prelude = ""
        self._number = 0
        self._generation = 0
        self._reach = "nothing"
        self._kills: set[str] = set()
        self._ready = False
        self._lost = False
        self._gone = False
        self._stuck = False
        self._oom_kills = 0
        self._newest_oom_kills = 0
        self._alarm: asyncio.Timeout | None = None

    async def open(self, prelude: str, seconds: float, once: str = "") -> None:
        """Wait for the shell and run *once* and *prelude* in it, all within *seconds*.

        A shell that has to be started anew later runs *prelude* only.
        """
        self._prelude = prelude
        try:
            async with asyncio.timeout(seconds):
                await self._start()
                ending = await self.run(once + prelude)
        except TimeoutError:
            raise Unavailable(
                f"the box's shell did not answer within {seconds:g} s",
                hint="look at what the box runs first: its entrypoint must give way to its command",
            ) from None
        if not ending.passed:
            how = ending.signal or ending.status or ending.end
            raise Refused(f"the box's shell did not take its environment: {how}")

    async def _start(self) -> None:
        tail = b""
        while not self._ready:
            message = await self._transport.receive()
            report = await self._take(message)
            if isinstance(message, Output):
                tail = (tail + message.data)[-500:]
            said = tail.decode("utf-8", "replace").strip()
            hint = f"it said: {said}" if said else "the box needs a POSIX shell as /bin/sh"
            if self._gone:
                raise Refused("the box ended before its shell was ready", hint=hint)
            if report is not None and report.what == "ended":
                how = f"the box's shell ended at once with status {report.status}"
                # Another try, or another node, has the same image.
                raise UserError(how, hint=f"{hint}; the box's cmd must be a POSIX shell")
        self._oom_kills = self._newest_oom_kills

    async def run(
        self,
        script: str,
        *,
        timeout: float | None = None,  # noqa: ASYNC109 (ends the script, not our waiting for it)
        silence: float | None = None,
        cancel: asyncio.Event | None = None,
    ) -> Ending:
        """Run *script* in the shell and say how it ended; its output goes to the sink.

        Past *timeout*, after *silence* seconds without output, or once *cancel* is set, it is
        killed, and whatever status arrives from then on counts for nothing.
        """
        if self._gone or not self._ready:
            return Ending(end=End.BOX_GONE if self._gone else End.SHELL_LOST)
        if cancel is not None and cancel.is_set():
            return Ending(end=End.CANCELLED)
        limits = Deadlines(_now(), timeout=timeout, silence=silence, grace=self._grace)
        watching = None if cancel is None else asyncio.create_task(self._watch(cancel, limits))
        try:
            ending = await self._run(self._command("run", script), limits)
            await self._settle()
            return ending
        finally:
            self._oom_kills = self._newest_oom_kills
            if watching is not None:
                watching.cancel()

    async def _run(self, command: bytes, limits: Deadlines) -> Ending:
        number = self._number
        while True:
            message = await self._receive(limits.due(), command)
            command = b""
            if message is not None:
                report = await self._take(message)
                if isinstance(message, Output):
                    limits.heard(_now())
                elif (ending := self._ending(report, number, limits.cause)) is not None:
                    return ending
            if kill := limits.next_kill(_now()):
                await self._kill(kill)
                limits.killed(_now())
            elif limits.given_up(_now()):
                self._stuck = True
                return Ending(end=limits.cause or End.SHELL_LOST)

    async def _kill(self, what: Kill) -> None:
        if self._reach != "nothing":
            self._kills.add(what)
        await self._transport.kill(what)

    async def _settle(self) -> None:
        """Wait until kills were done, lest a late one hits what comes after."""
        end = _now() + max(self._grace, 1.0)
        while self._kills and not self._gone:
            message = await self._receive(end)
            if message is None:
                self._kills.clear()
                return
            await self._take(message)

    async def _watch(self, cancel: asyncio.Event, limits: Deadlines) -> None:
        await cancel.wait()
        limits.cancel(_now())
        if self._alarm is not None:
            self._alarm.reschedule(_now())

    async def _receive(self, deadline: float | None, command: bytes = b"") -> Message | None:
        """Send *command* and return the next message, or None when *deadline* has come."""
        try:
            async with asyncio.timeout_at(deadline) as self._alarm:
                if command:
                    await self._transport.send(command)
                return await self._transport.receive()
        except TimeoutError:
            return None
        finally:
            self._alarm = None

    async def _take(self, message: Message) -> _Report | None:
        """Hand output on, note what a control line tells of the shell, return an ending."""
        if isinstance(message, Output):
            waiting = self._sink(message.data)
            if waiting is not None:
                await waiting
            return None
        if isinstance(message, Gone):
            self._gone = True
            return None
        return self._note(message.words)

    def _note(self, words: tuple[str, ...]) -> _Report | None:
        match words:
            case ("ready", generation, reach, *name, kills) if _numbers(generation, kills):
                self._generation = int(generation)
                self._reach, self.shell = reach, " ".join(name)
                self._ready, self._newest_oom_kills = True, int(kills)
                return None
            case ("killed", what):
                self._kills.discard(what)
                return None
        report = _report(words)
        if report is None or (report.what == "ended" and report.which != self._generation):
            return None if report is None or self._ready else report
        self._newest_oom_kills = max(self._newest_oom_kills, report.oom_kills)
        if report.what == "ended":
            self._ready = False
            self._lost = True
        return report

    def _ending(self, report: _Report | None, number: int, cause: End | None) -> Ending | None:
        """Say what *report* means for command *number*; None where it means nothing."""
        if self._gone:
            return Ending(end=cause or End.BOX_GONE)
        if report is None:
            return None
        lost = report.what == "ended"
        if not lost and report.which != number:
            return None
        kills = max(0, self._newest_oom_kills - self._oom_kills)
        if cause is not None:
            return Ending(end=cause, oom_kills=kills)
        if lost or report.what == "stale":
            name = _signal_name(report.status) if lost else None
            return Ending(end=End.SHELL_LOST, signal=name, oom_kills=kills)
        end = End.RETURNED if report.what == "done" else End.EXITED
        return Ending(end=end, status=report.status, oom_kills=kills)

    async def ask(self, script: str, *, seconds: float = _ANSWER) -> bytes:
        """Return what *script* prints, run aside so that it changes nothing in the shell.

        At most 1,000 lines of 700 characters; trailing newlines are dropped.
        """
        try:
            async with asyncio.timeout(seconds):
                lines = await self._question("ask", script)
        except TimeoutError:
            raise Unavailable(f"the box did not answer a question within {seconds:g} s") from None
        if lines is None:
            raise Unavailable("the box ended before it answered a question")
        return "\n".join(lines).encode("utf-8", "surrogateescape")

    async def _question(self, kind: str, script: str = "") -> list[str] | None:
        """Send a command of ours and return the lines of its answer; None where none will come."""
        if self._gone or not self._ready:
            return None
        await self._transport.send(self._command(kind, script))
        number, lines = self._number, list[str]()
        while True:
            message = await self._transport.receive()
            report = await self._take(message)
            if isinstance(message, Said) and message.words[:2] == ("line", str(number)):
                lines.append(" ".join(message.words[2:]))
            elif report is not None and report.what == "done" and report.which == number:
                return lines
            elif self._gone or not self._ready or (report and report.what == "stale"):
                return None

    async def restarted(self) -> bool:
        """Wait for the shell that follows one that was lost; only questions are for it."""
        try:
            async with asyncio.timeout(_ANSWER):
                while not (self._ready or self._gone or self._stuck):
                    await self._take(await self._transport.receive())
        except TimeoutError:
            return False
        return self._ready and not self._gone

    async def renew(self) -> bool:
        """Kill all else in the box and take a fresh shell that has the exports of this one.

        A shell that was lost took its exports along: then the prelude is run again. False where
        the box is gone or does not answer.
        """
        if self._gone or self._stuck:
            return False
        try:
            async with asyncio.timeout(2 * self._grace + 10):
                return await self._renew()
        except TimeoutError:
            self._stuck = True
            return False

    async def _renew(self) -> bool:
        while not (self._ready or self._gone):
            await self._take(await self._transport.receive())
        await (self._clear() if self._reach == "box" else self._kill(Kill.SPARE_SHELL))
        await self._settle()
        self._ready = False
        await self._transport.send(self._command("renew"))
        while not (self._ready or self._gone):
            await self._take(await self._transport.receive())
        if self._lost and not self._gone:
            self._lost = False
            return (await self.run(self._prelude)).passed
        return not self._gone

    async def _clear(self) -> None:
        """End what else lives in the box: TERM first, KILL for what is left after the grace."""
        if not await self._others():
            return
        await self._question("term")
        end = _now() + self._grace
        while await self._others():
            if _now() >= end:
                await self._kill(Kill.SPARE_SHELL)
                return
            await asyncio.sleep(_POLL)

    async def _others(self) -> bool:
        return await self._question("others") not in (None, ["0"])

    def _command(self, kind: str, script: str = "") -> bytes:
        """Frame a command: a header, then lines up to a mark nobody can guess."""
        self._number += 1
        mark = os.urandom(16).hex()
        header = f"@steer {kind} {self._number} {self._generation} {mark}"
        text = f"{header}\n{script}\n{mark}\n"
        return text.encode("utf-8", "surrogateescape").replace(b"\0", b"")

    async def close(self) -> None:
        """Let go of the transport; the box may live on."""
        await self._transport.close()
