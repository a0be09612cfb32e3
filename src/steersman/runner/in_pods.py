"""An attempt in a pod: what is seen of the pod is heard, and what ends it is no step's fault."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from steersman.core import steps
from steersman.core.errors import Interrupted
from steersman.core.events import Level, Notice
from steersman.core.masking import Masker
from steersman.core.steps import Outcome, State
from steersman.runner import carrying
from steersman.runner.reporting import Fenced

if TYPE_CHECKING:
    from steersman.runner.audience import Audience
    from steersman.runner.program import Runner
    from steersman.runner.reporting import Ending
    from steersman.wire import JobSpec, Note

TERMINATED = 143
LATER = 2.0

Hear = Callable[["list[Note]", Callable[[str], None]], None]


async def run(runner: Runner, started: Awaitable[JobSpec], hear: Hear) -> int:
    """Run the attempt of which *started* will tell; an exit code, as of `Runner.run`.

    *hear* takes what is seen of the pod, with a way to tell people.
    """
    try:
        spec = await started
        audience = runner.audience(spec)
        secrets = Masker(tuple(spec["hidden"].values()))

        def say(text: str) -> None:
            audience(Notice(Level.INFO, secrets.text(text)))

        runner.reporter.hear = lambda notes: hear(notes, say)
        await runner.supervised(spec, audience, lambda: _attempt(runner, spec, audience))
    except Fenced:
        return 1
    return 0


async def _attempt(runner: Runner, spec: JobSpec, audience: Audience) -> Ending:
    await _unless_cancelled(runner, asyncio.gather(runner.fetch(spec), asyncio.to_thread(_import)))
    cache = runner.places.cache
    before = cache.stat().st_ino if cache.is_dir() else 0
    containers = runner.choose()
    try:
        job = runner.job(spec, containers)
        outcome = await runner.attempted(spec, job, containers, audience)
    finally:
        await containers.close()
    if outcome.state is State.FAILED and await _is_ended(runner, outcome):
        ending = runner.stopped()
    else:
        ending = runner.ending(outcome)
    await runner.send(audience)
    # What came was given to the box: when it is still here, it was not replaced.
    if cache.is_dir() and cache.stat().st_ino != before:
        await carrying.send_cache(runner.client, runner.places)
    return ending


def _import() -> None:
    """Import what runs the steps while there is nothing to do but to wait for the source.

    All that was imported stays, so nobody need ever look through it for what does not.
    """
    from steersman.executor import attempt  # noqa: F401 - `Runner.attempted` wants it

    gc.freeze()
    gc.enable()


async def _unless_cancelled(runner: Runner, fetching: Awaitable[Any]) -> None:
    """Wait for what may take minutes, but not when somebody cancels."""
    work = asyncio.ensure_future(fetching)
    cancelled = asyncio.ensure_future(runner.cancelled.wait())
    try:
        await asyncio.wait({work, cancelled}, return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            raise Interrupted("interrupted while the environment was set up")
        work.result()
    finally:
        cancelled.cancel()
        work.cancel()
        await asyncio.gather(work, cancelled, return_exceptions=True)


async def _is_ended(runner: Runner, outcome: Outcome) -> bool:
    """Tell whether what ends our pod has hit the box too: then no step is to blame."""
    if steps.exit_words(TERMINATED) in outcome.message:
        # Its containers are told one by one, and we may be the later one.
        with suppress(TimeoutError):
            async with asyncio.timeout(LATER):
                await runner.cancelled.wait()
    return runner.signalled and not runner.overdue
