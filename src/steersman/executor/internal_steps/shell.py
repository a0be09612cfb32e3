"""`internal/shell`: a shell in the box for whoever sits at the terminal."""

from __future__ import annotations

from steersman.containers.base import Capability
from steersman.containers.terminals import Shelled
from steersman.core import quoting, scripts
from steersman.core.errors import UserError
from steersman.core.pipelines.model import Step
from steersman.core.words import split
from steersman.executor import holding
from steersman.executor.internal_steps.base import Scene, failed, passed
from steersman.executor.stepping import Ended


class Shell:
    """The step. It passes however the shell ends: people try things in it."""

    needs: frozenset[Capability] = frozenset()
    instead = ""
    attended = True

    def check(self, step: Step) -> None:
        _command(step)

    async def run(self, scene: Scene, step: Step) -> Ended:
        box, attend = scene.prepared.box, scene.job.attend
        if attend is None:
            raise UserError(
                f"{step.place}: {step.id} needs a terminal, and there is none here",
                hint="run it by hand, without redirecting its input or output",
            )
        if not isinstance(box, Shelled):
            return failed("no shell can be opened where this box runs")
        path = f"{scene.job.root}/{holding.EXPORTS}"
        await holding.keep_exports(scene.prepared, path)
        prepare = f"{scripts.enter(path)}\n{step.properties.get('code', '')}\n"
        if words := _command(step):
            prepare += f"exec {' '.join(map(quoting.single, words))}\n"
        await attend(lambda size: box.terminal(prepare, size))
        return passed()


def _command(step: Step) -> tuple[str, ...]:
    try:
        return split(step.properties.get("cmd", ""))
    except ValueError as error:
        raise UserError(f"{step.place}: cmd of {step.id}: {error}") from error


STEP = Shell()
