"""`internal/watch`: runs code until somebody presses Ctrl-C, and anew when the project changes."""

from __future__ import annotations

import asyncio
from typing import Any

from steersman.containers.base import Capability
from steersman.core import ports, scripts, steps, watching
from steersman.core.errors import UserError
from steersman.core.pipelines.model import Step
from steersman.core.steps import State
from steersman.executor.internal_steps.base import Scene, failed
from steersman.executor.internal_steps.changing import Changes
from steersman.executor.stepping import Ended, words
from steersman.sessions.base import End, Ending

YES, NO = ("true", "1", "t"), ("false", "0", "f", "")
INTERRUPTED = Ended(State.CANCELLED, End.CANCELLED, "interrupted", None)
GONE = Ended(State.FAILED, End.BOX_GONE, "the box ended before the step did", None, "box-lost")


class Watch:
    """The step. It has no deadlines: a server that is developed may well say nothing for hours."""

    needs: frozenset[Capability] = frozenset()
    instead = ""
    attended = True

    def check(self, step: Step) -> None:
        if not step.properties.get("code", "").strip():
            raise UserError(
                f"{step.place}: the step {step.id} has no code", hint="write `code: ...` below it"
            )
        reload = step.properties.get("reload", "")
        if reload.lower() not in (*YES, *NO):
            raise UserError(
                f"{step.place}: {reload!r} is no value for reload", hint="write true or false"
            )

    async def run(self, scene: Scene, step: Step) -> Ended:
        reload = step.properties.get("reload", "").lower() in YES
        _refuse(scene, step, reload=reload)
        _name_ports(scene)
        changes = Changes(scene.job.source, scene.job.skip) if reload else None
        script = scripts.watched(step.properties["code"], step.cwd)
        while True:
            ending, changed = await _round(scene, script, changes)
            if scene.cancelled.is_set():
                return INTERRUPTED
            if ending.end is End.BOX_GONE:
                return GONE
            if not changed:
                return failed(words(ending, scene.job))
            scene.say(f"--> {watching.words(changed)}: starting again")
            # Whatever it has started ends too, however well it hides.
            if not await scene.prepared.session.renew():
                return GONE
            await scene.prepared.session.run(scene.prepared.prelude)


def _refuse(scene: Scene, step: Step, *, reload: bool) -> None:
    if reload and not scene.job.settings.direct_mount:
        raise UserError(
            f"{step.place}: the box has a copy of the project, so no change would reach it",
            hint="`steer dev`, or --direct-mount, lets it work on the project itself",
        )


def _name_ports(scene: Scene) -> None:
    box = scene.job.pipeline.box
    if box is not None and scene.job.settings.expose_ports:
        for port in ports.bindings(box.ports, publish=True):
            where = f"{port.host_ip or 'localhost'}:{port.host_port}"
            scene.say(f"--> port {port.container_port} of the box is at {where}")


async def _round(
    scene: Scene, script: str, changes: Changes | None
) -> tuple[Ending, tuple[str, ...]]:
    """Run the code once, until somebody cancels, a file changes, or it is of no use any more.

    Code that ends well may have left a server behind, so that its end is waited beyond.
    """
    stop = asyncio.Event()
    session = scene.prepared.session
    running = asyncio.ensure_future(session.run(script, cancel=stop))
    cancelled = asyncio.ensure_future(scene.cancelled.wait())
    changing = asyncio.ensure_future(changes.next()) if changes else None
    ends: set[asyncio.Future[Any]] = {cancelled, *((changing,) if changing else ())}
    try:
        await asyncio.wait({running, *ends}, return_when=asyncio.FIRST_COMPLETED)
        if running.done() and _waits(scene, running.result(), reload=changes is not None):
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        stop.set()
        ending = await running
        return ending, changing.result() if changing and changing.done() else ()
    finally:
        for task in (running, cancelled, *((changing,) if changing else ())):
            task.cancel()
        await asyncio.gather(running, *ends, return_exceptions=True)


def _waits(scene: Scene, ending: Ending, *, reload: bool) -> bool:
    """Tell whether there is something to wait for once the code has ended, and say for what."""
    if scene.cancelled.is_set() or ending.end not in (End.RETURNED, End.EXITED):
        return False
    until = "a file changes or Ctrl-C is pressed" if reload else "Ctrl-C is pressed"
    if ending.passed:
        scene.say(f"--> the code has ended; waiting until {until}")
    elif reload:
        scene.say(
            f"--> the code ended: {steps.exit_words(ending.status or 0)}; waiting until {until}"
        )
    return ending.passed or reload


STEP = Watch()
