"""What a run leaves on this machine: its output, its reports and the cache.

Everything is collected into a new folder beside the old one and then put in its place, so that an
interrupted collection loses nothing.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from steersman.containers.base import Sharing
from steersman.core import patterns, scripts
from steersman.core.errors import Unavailable, UserError
from steersman.core.events import Level
from steersman.executor import cache_lock
from steersman.executor.fetching import ReadyStep
from steersman.executor.job import MIB, Job
from steersman.executor.setting_up import Prepared
from steersman.trees import Collected, Limits, TooLarge

Notice = Callable[[Level, str], None]
MOST_REPORTS = 200
SHARING = 120.0
"""Seconds a box has to make a folder readable for us."""


async def what_to_keep(job: Job, prepared: Prepared) -> str | None:
    """Return the folder of the box to keep: the output, or else the source if it is wanted."""
    output = f"{job.root}/pipeline/output"
    if await _is_full(prepared, output):
        return output
    if job.settings.keep_source and not job.settings.direct_mount:
        return job.base_path
    return None


async def _is_full(prepared: Prepared, folder: str) -> bool:
    if (known := prepared.full.get(folder)) is not None:
        return known
    try:
        return b"full" in await prepared.session.ask(scripts.is_full(folder))
    except Unavailable:
        return True  # a step killed whoever answers; fetching it will tell


async def keep_output(job: Job, prepared: Prepared, folder: str, notice: Notice) -> None:
    """Bring *folder* home as the output of this run."""
    try:
        kept = await _fetch(prepared, folder, job.folder / "output", job.settings.output_limits)
    except TooLarge:
        limit = job.settings.output_limits.size // MIB
        raise UserError(
            f"the output is larger than {limit} MiB and was not stored",
            hint=f"put less into $WERCKER_OUTPUT_DIR ({folder})",
        ) from None
    _report(kept, "output", notice)
    notice(Level.INFO, f"stored {kept.files} files, {size_words(kept.size)}")


async def keep_report(job: Job, prepared: Prepared, ready: ReadyStep, notice: Notice) -> None:
    """Bring the artifacts of one step home, when it left any."""
    folder = f"{ready.report}/artifacts"
    if not await _is_full(prepared, folder):
        return
    into = job.folder / "reports" / ready.root.rpartition("/")[2]
    into.parent.mkdir(parents=True, exist_ok=True)
    try:
        kept = await _fetch(prepared, folder, into, job.settings.report_limits)
    except TooLarge:
        notice(Level.WARNING, f"the artifacts of step {ready.step.display_name} are too large")
        return
    _report(kept, f"artifacts of {ready.step.display_name}", notice)


async def keep_tests(job: Job, prepared: Prepared, notice: Notice) -> None:
    """Bring the reports of tests home: the XML files that the patterns let through."""
    try:
        listed = await prepared.session.ask(scripts.list_xml(job.base_path), seconds=60)
        names = [
            name.removeprefix("./")
            for name in listed.decode("utf-8", "surrogateescape").splitlines()
            if patterns.allows(job.settings.reports, name.removeprefix("./"))
        ]
        if not names:
            notice(Level.WARNING, f"no report matches {', '.join(job.settings.reports)}")
            return
        folder = f"{job.root}/report/tests"
        await prepared.session.ask(scripts.copy_files(job.base_path, names[:MOST_REPORTS], folder))
        kept = await _fetch(prepared, folder, job.folder / "tests", job.settings.report_limits)
    except (Unavailable, TooLarge) as error:
        notice(Level.WARNING, f"the reports of tests were not kept: {error}")
        return
    _report(kept, "reports", notice)


async def keep_cache(job: Job, prepared: Prepared, notice: Notice) -> None:
    """Replace the cache by what the run left in it; a cache past its limit leaves the old one."""
    folder = f"{job.root}/pipeline/cache"
    if not job.cache.is_dir() and not await _is_full(prepared, folder):
        return
    home = job.cache.resolve()  # the user may have linked it to a larger disk
    fresh = home.with_name(f"{home.name}.{job.run_id}.new")
    try:
        kept = await _fetch(prepared, folder, fresh, job.settings.cache_limits)
    except TooLarge:
        limit = job.settings.cache_limits.size // MIB
        notice(Level.WARNING, f"the cache is larger than {limit} MiB; the old one is kept")
        return
    _report(kept, "cache", notice)
    fresh.mkdir(exist_ok=True)
    async with cache_lock.replacing(job.cache):
        await asyncio.to_thread(_replace, home, fresh)


def _replace(folder: Path, fresh: Path) -> None:
    old = folder.with_name(f"{fresh.name}.old")
    if folder.exists():
        os.rename(folder, old)
    os.rename(fresh, folder)
    if old.is_file():
        old.unlink()
    shutil.rmtree(old, ignore_errors=True)


async def _fetch(prepared: Prepared, folder: str, into: Path, limits: Limits) -> Collected:
    if isinstance(prepared.box, Sharing):
        # What it cannot make readable is left out, and named.
        with suppress(Unavailable):
            await prepared.session.ask(prepared.box.sharing(folder), seconds=SHARING)
    await asyncio.to_thread(shutil.rmtree, into, ignore_errors=True)
    return await prepared.box.fetch(folder, into, limits)


def _report(kept: Collected, what: str, notice: Notice) -> None:
    for name in kept.skipped:
        notice(Level.WARNING, f"left out of the {what}: {name}")


def size_words(size: int) -> str:
    """Say a size in the unit a person would choose."""
    amount = float(size)
    for unit in ("bytes", "KiB", "MiB"):
        if amount < 1024:
            return f"{amount:.0f} {unit}" if unit == "bytes" else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} GiB"
