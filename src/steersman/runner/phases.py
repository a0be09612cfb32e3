"""One attempt in two processes, as in a pod: one fills the box's volume, the next runs the steps.

Both are one runner to the server: the second takes up the first one's id, log and steps.
"""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from steersman.containers.base import Containers
from steersman.core import steps
from steersman.core.errors import Interrupted
from steersman.core.events import Level, Notice
from steersman.core.masking import Masker
from steersman.core.steps import Outcome, State
from steersman.executor.beginning import Fill, begin
from steersman.runner import carrying, handing_over
from steersman.runner.audience import Audience
from steersman.runner.handing_over import Standing
from steersman.runner.program import Ending, Runner
from steersman.runner.reporting import Fenced

if TYPE_CHECKING:
    from steersman.wire import JobSpec, Note

TERMINATED = 143
LATER = 2.0
RECORDED = 3
"""The exit code of a first process that recorded an ending: the second is not to begin."""


Hear = Callable[["list[Note]", Callable[[str], None]], None]


class Pod(NamedTuple):
    """What the two processes of a pod need beyond a runner.

    *standing* is the file that one leaves to the other. *choose* opens the door, *fill* fills the
    box's volume, and *hear* takes what is seen of the pod, with a way to tell people.
    """

    standing: Path
    choose: Callable[[], Containers]
    fill: Fill
    hear: Hear


async def prepare(runner: Runner, pod: Pod, started: Awaitable[JobSpec]) -> int:
    """Fetch everything and fill the box's volume; 0 when the second process is to go on."""
    try:
        spec = await started
        audience = runner.audience(spec)
        await runner.supervised(spec, audience, lambda: _filled(runner, pod, spec, audience))
    except Fenced:
        return 1
    return 0 if pod.standing.exists() else RECORDED


async def _filled(runner: Runner, pod: Pod, spec: JobSpec, audience: Audience) -> None:
    work = asyncio.ensure_future(_fill(runner, pod, spec, audience))
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


async def _fill(runner: Runner, pod: Pod, spec: JobSpec, audience: Audience) -> None:
    # What a process left that was killed here is fetched again.
    for left in (runner.places.source, runner.places.cache):
        await asyncio.to_thread(shutil.rmtree, left, ignore_errors=True)
    await runner.fetch(spec)
    has_cache = runner.places.cache.is_dir()
    containers = pod.choose()
    job = runner.job(spec, containers)
    begun = await begin(job, pod.fill, audience, time.monotonic)
    handing_over.write(
        pod.standing,
        Standing(
            spec=spec,
            begun=handing_over.told(begun),
            steps=audience.steps(),
            log_sent=audience.spool.sent,
            has_cache=has_cache,
        ),
    )


async def go_on(runner: Runner, pod: Pod) -> int:
    """Run the steps of an attempt that was prepared, to its acknowledged record."""
    standing = handing_over.take(pod.standing)
    spec = standing.spec
    audience = runner.audience(spec, standing.steps, standing.log_sent)
    secrets = Masker(tuple(spec["hidden"].values()))

    def say(text: str) -> None:
        audience(Notice(Level.INFO, secrets.text(text)))

    runner.reporter.hear = lambda notes: pod.hear(notes, say)
    try:
        if spec["settings"].get("repeatable") is False:
            # Nobody may have heard of us for a while: another may have been told to do this.
            await runner.reporter.present()
        await runner.supervised(spec, audience, lambda: _ran(runner, pod, standing, audience))
    except Fenced:
        return 1
    return 0


async def _ran(runner: Runner, pod: Pod, standing: Standing, audience: Audience) -> Ending:
    spec, cache = standing.spec, runner.places.cache
    if standing.has_cache:
        # The volume holds what came; when this is still here then, it was not replaced.
        cache.mkdir(exist_ok=True)
    before = cache.stat().st_ino if standing.has_cache else 0
    containers = pod.choose()
    try:
        job = runner.job(spec, containers)
        begun = handing_over.heard(job, standing.begun)
        outcome = await runner.attempted(spec, job, containers, audience, begun)
    finally:
        await containers.close()
    if outcome.state is State.FAILED and await _is_ended(runner, outcome):
        ending = runner.stopped()
    else:
        ending = runner.ending(outcome)
    await runner.send(audience)
    if cache.is_dir() and cache.stat().st_ino != before:
        await carrying.send_cache(runner.client, runner.places)
    return ending


async def _is_ended(runner: Runner, outcome: Outcome) -> bool:
    """Tell whether what ends our pod has hit the box too: then no step is to blame."""
    if steps.exit_words(TERMINATED) in outcome.message:
        # Its containers are told one by one, and we may be the later one.
        with suppress(TimeoutError):
            async with asyncio.timeout(LATER):
                await runner.cancelled.wait()
    return runner.signalled and not runner.overdue
