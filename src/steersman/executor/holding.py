"""Holds the box of a failed job, so that somebody may look into it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

from steersman.containers import terminals
from steersman.containers.terminals import Shelled
from steersman.core import scripts
from steersman.core.errors import SteersmanError
from steersman.core.events import Level
from steersman.executor.fetching import Notice
from steersman.executor.job import Job
from steersman.executor.setting_up import Prepared
from steersman.sessions.base import End, Ending

Open = terminals.Open
"""Opens a terminal in the box, in the source folder and with what the steps exported."""
Hold = terminals.Attend
"""Waits for people and lets them in; the box is held for as long as this takes."""
EXPORTS = "pipeline/.exports"
_PATIENCE = 10.0


async def hold(
    job: Job, prepared: Prepared, wait: Hold, cancelled: asyncio.Event, notice: Notice
) -> None:
    """Hold the box while *wait* takes, or until *cancelled*; the outcome is what it was.

    Whatever goes wrong with it is said, and is no error of the job.
    """
    box = prepared.box
    if not isinstance(box, Shelled):
        notice(Level.WARNING, "the box is not held: no shell can be opened where it runs")
        return
    path = f"{job.root}/{EXPORTS}"
    ending = await keep_exports(prepared, path)
    if ending.end is End.BOX_GONE:
        notice(Level.WARNING, "the box is not held: it is gone")
        return
    if not ending.passed:
        notice(Level.WARNING, "a shell in the box will lack the variables of the steps")
    try:
        await _until(cancelled, wait(lambda size: box.terminal(scripts.enter(path), size)))
    except SteersmanError as error:
        notice(Level.WARNING, f"the box is held no longer: {error}")


async def leave(job: Job, prepared: Prepared, notice: Notice) -> None:
    """Leave the box so that `steer shell` finds it as the steps did."""
    if isinstance(prepared.box, Shelled):
        await keep_exports(prepared, f"{job.root}/{EXPORTS}")
        notice(Level.INFO, f"the box is left standing: `steer shell {job.run_id}`")


async def keep_exports(prepared: Prepared, path: str) -> Ending:
    """Keep the exports for a terminal; where the step's shell was lost, those of a fresh one."""
    script = scripts.keep_exports(path)
    ending = await prepared.session.run(script, timeout=_PATIENCE)
    if ending.end is End.SHELL_LOST and await prepared.session.renew():
        ending = await prepared.session.run(script, timeout=_PATIENCE)
    return ending


async def _until(cancelled: asyncio.Event, waiting: Awaitable[None]) -> None:
    holding, ending = asyncio.ensure_future(waiting), asyncio.ensure_future(cancelled.wait())
    try:
        await asyncio.wait({holding, ending}, return_when=asyncio.FIRST_COMPLETED)
        if holding.done():
            holding.result()
    finally:
        holding.cancel()
        ending.cancel()
        await asyncio.gather(holding, ending, return_exceptions=True)
