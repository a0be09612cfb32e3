"""One attempt from its first event to its last: set up, steps, output, after-steps, cache, remove.

A failing step is an outcome and not an exception. What is raised is what a person has to mend:
`UserError` for the file, `Unavailable` and `Refused` for the door; by then all is removed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from steersman.containers.base import Containers
from steersman.core import events, scripts, steps
from steersman.core.errors import Interrupted, SteersmanError
from steersman.core.events import Level
from steersman.core.pipelines.model import StepKind
from steersman.core.steps import Outcome, Phase, Result, State
from steersman.core.variables import Variable, after_step_variables
from steersman.executor import faults, holding, storing
from steersman.executor.fetching import ReadyStep, read_steps
from steersman.executor.job import Job
from steersman.executor.launching import masker
from steersman.executor.looking import Seen, look
from steersman.executor.setting_up import Prepared, set_up
from steersman.executor.stepping import Ended, run_step
from steersman.sessions.base import End

T = TypeVar("T")
SETUP = "setup environment"
STORE = "store"


class Attempt:
    """Runs one job once. *cancelled* may be set at any time; after-steps still run then.

    *hold* is waited for before the box of a job that failed is removed.
    """

    def __init__(
        self,
        job: Job,
        containers: Containers,
        tell: events.Audience,
        *,
        cancelled: asyncio.Event,
        clock: Callable[[], float],
        hold: holding.Hold | None = None,
    ) -> None:
        self.job = job
        self.containers = containers
        self.cancelled = cancelled
        self.clock = clock
        self.results: list[Result] = []
        self.masker = masker(job)
        self._tell = tell
        self._hold = hold
        self._number = 0
        self._box_gone = False
        self._cut = False

    async def run(self) -> Outcome:
        """Run the attempt and return its outcome."""
        started = self.clock()
        error: SteersmanError | None = None
        self._announce()
        try:
            await self._run()
        except SteersmanError as raised:
            error = raised
        except OSError as raised:
            error = faults.explained(raised)
            if error is None:
                raise
        finally:
            if not self.job.settings.keep:
                await self._remove()
        outcome = steps.outcome(self.results)
        if error and outcome.state is State.SUCCEEDED:  # it came outside of any step that counts
            outcome = Outcome(state=_state(error), message=self.masker.text(str(error)))
        self._tell(
            events.RunEnded(
                outcome=outcome,
                seconds=self.clock() - started,
                failed_after_steps=steps.failed_after_steps(self.results),
            )
        )
        if error:
            raise self._without_secrets(error)
        return outcome

    async def _remove(self) -> None:
        """Remove what was made, also when we are told to hurry; told once more, leave it."""
        removing = asyncio.ensure_future(self.containers.remove(self.job.run_id))
        try:
            await asyncio.shield(removing)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or task.cancelling() > 1:
                removing.cancel()
            await asyncio.gather(removing, return_exceptions=True)
            raise

    def _without_secrets(self, error: SteersmanError) -> SteersmanError:
        """Mask what an error says: it may quote an image's name, or what the box printed."""
        error.args = (self.masker.text(str(error)),)
        error.hint = error.hint and self.masker.text(error.hint)
        return error

    async def _run(self) -> None:
        prepared = await self._step(SETUP, Phase.SETUP, self._set_up)
        try:
            await self._main_steps(prepared)
            if self.job.settings.reports and not self._box_gone:
                await storing.keep_tests(self.job, prepared, self.notice)
            if self._succeeded and (folder := await storing.what_to_keep(self.job, prepared)):
                keep = storing.keep_output(self.job, prepared, folder, self.notice)
                await self._step(STORE, Phase.STORE, lambda: keep)
            if self._succeeded and self.job.settings.commit:
                await self._step("commit", Phase.STORE, self._commit)
            await self._after_steps(prepared)
            if not self.job.settings.direct_mount:
                await self._keep_cache(prepared)
            if any(item.state is State.CANCELLED for item in self.results) and self._succeeded:
                raise Interrupted("interrupted during the after-steps")
            await self._hold_box(prepared)
        finally:
            if self.job.settings.keep and self.job.settings.attended and not self._box_gone:
                await holding.leave(self.job, prepared, self.notice)
            await prepared.session.close()

    async def _commit(self) -> None:
        from steersman.executor import committing

        name, message = self.job.settings.commit, self.job.settings.message
        if name is not None:
            await committing.commit(self.job, self.containers, name, message)
            self.notice(Level.INFO, f"the box is the image {name}")

    async def _hold_box(self, prepared: Prepared) -> None:
        """Hold the box of a job that failed, where somebody asked for that."""
        if self._hold is None or self._box_gone or self.cancelled.is_set():
            return
        if steps.outcome(self.results).state is State.FAILED:
            await holding.hold(self.job, prepared, self._hold, self.cancelled, self.notice)

    def _announce(self) -> None:
        self._tell(
            events.RunStarted(
                run_id=self.job.run_id,
                pipeline=self.job.pipeline.name,
                where=self.containers.name,
                steps=tuple(step.display_name for step in self.job.steps),
                after_steps=tuple(step.display_name for step in self.job.pipeline.after_steps),
            )
        )

    @property
    def _succeeded(self) -> bool:
        return steps.outcome(self.results).state is State.SUCCEEDED

    def notice(self, level: Level, text: str) -> None:
        """Tell the audience *text*, with secrets masked."""
        self._tell(events.Notice(level, self.masker.text(text)))

    def output(self, data: bytes) -> None:
        """Take what the box printed."""
        if masked := self.masker.feed(data):
            self._tell(events.Output(masked))

    async def _set_up(self) -> Prepared:
        """Set up, but stop as soon as somebody cancels: a pull may take minutes."""
        if self.masker.ignored:
            count = len(self.masker.ignored)
            self.notice(
                Level.WARNING,
                f"{count} hidden value(s) are too short to be masked in the output",
            )
        ready = await read_steps(self.job, self.notice)
        setting_up = asyncio.ensure_future(
            set_up(self.job, ready, self.containers, self.output, self.notice)
        )
        cancelled = asyncio.ensure_future(self.cancelled.wait())
        try:
            await asyncio.wait({setting_up, cancelled}, return_when=asyncio.FIRST_COMPLETED)
            if not setting_up.done():
                raise Interrupted("interrupted while the environment was set up")
            return await setting_up
        finally:
            cancelled.cancel()
            setting_up.cancel()
            await asyncio.gather(setting_up, cancelled, return_exceptions=True)

    async def _step(self, name: str, phase: Phase, work: Callable[[], Awaitable[T]]) -> T:
        """Do a piece of our own work as a step that is seen, and errors as its result."""
        number, started = self._start(name, phase)
        try:
            value = await work()
        except SteersmanError as error:
            self._end(number, name, phase, _state(error), started, self.masker.text(str(error)))
            raise
        self._end(number, name, phase, State.SUCCEEDED, started)
        return value

    def _start(self, name: str, phase: Phase) -> tuple[int, float]:
        self._number += 1
        self._tell(events.StepStarted(number=self._number, name=name, phase=phase))
        return self._number, self.clock()

    def _end(
        self, number: int, name: str, phase: Phase, state: State, started: float, message: str = ""
    ) -> None:
        self._record(
            number,
            Result(
                name=name, phase=phase, state=state, seconds=self.clock() - started, message=message
            ),
        )

    def _record(self, number: int, result: Result) -> None:
        if rest := self.masker.flush():
            self._tell(events.Output(rest))
        self.results.append(result)
        self._tell(events.StepEnded(number=number, result=result))

    async def _main_steps(self, prepared: Prepared) -> None:
        for ready in prepared.steps:
            if not self._succeeded:
                return
            if self.cancelled.is_set():
                self._never_ran(ready)
            elif await self._run_step(prepared, ready, Phase.MAIN) and ready.step.checkpoint:
                from steersman.executor import committing

                name = ready.step.checkpoint
                await committing.checkpoint(self.job, self.containers, name, self.notice)

    def _never_ran(self, ready: ReadyStep) -> None:
        name = ready.step.display_name
        number, started = self._start(name, Phase.MAIN)
        self._end(number, name, Phase.MAIN, State.CANCELLED, started, "interrupted before it began")

    async def _run_step(self, prepared: Prepared, ready: ReadyStep, phase: Phase) -> bool:
        number, started = self._start(ready.step.display_name, phase)
        # After-steps that follow an interruption run; an interruption that comes later ends them.
        cancel = None if phase is Phase.AFTER and self._cut else self.cancelled
        prepared.full.clear()
        if ready.step.kind is StepKind.INTERNAL:
            ended = await self._carry_out(prepared, ready, number, phase, cancel)
        else:
            ended = await run_step(self.job, prepared, ready, cancel)
        if ended.end is End.BOX_GONE:
            self._box_gone = True
            ended = await faults.named(ended, self.containers)
        result = Result(
            name=ready.step.display_name,
            phase=phase,
            state=ended.state,
            seconds=self.clock() - started,
            message=self.masker.text(ended.message),
            exit_code=ended.exit_code,
            cause=ended.cause,
        )
        if not self._box_gone:
            seen = ended.seen or await look(self.job, prepared, ready) or Seen()
            result = result._replace(memory=seen.memory, cpu=seen.cpu)
        self._record(number, result)
        if self.job.settings.artifacts and not self._box_gone:
            await storing.keep_report(self.job, prepared, ready, self.notice)
        return result.state is State.SUCCEEDED

    async def _carry_out(
        self,
        prepared: Prepared,
        ready: ReadyStep,
        number: int,
        phase: Phase,
        cancel: asyncio.Event | None,
    ) -> Ended:
        """Do what an internal step asks of us; a door that does not answer ends the attempt."""
        from steersman.executor.internal_steps import base, dispatch

        scene = base.Scene(
            self.job, prepared, self.containers, self.output, self.notice, self.cancelled
        )
        started = self.clock()
        try:
            return await dispatch.run(scene, ready.step, cancel)
        except SteersmanError as error:
            text = self.masker.text(str(error))
            self._end(number, ready.step.display_name, phase, _state(error), started, text)
            raise

    async def _after_steps(self, prepared: Prepared) -> None:
        """Run the after-steps once, in a fresh shell; the first that fails is the last."""
        if not prepared.after_steps:
            return
        if self._box_gone or not await prepared.session.renew():
            self.notice(Level.WARNING, "after-steps are skipped: the box is gone")
            return
        variables = after_step_variables(steps.outcome(self.results))
        await prepared.session.run(prepared.prelude + scripts.exports(self._masked(variables)))
        self._cut = self.cancelled.is_set()
        for ready in prepared.after_steps:
            if not await self._run_step(prepared, ready, Phase.AFTER):
                return

    def _masked(self, variables: tuple[Variable, ...]) -> list[Variable]:
        return [item._replace(value=self.masker.text(item.value)) for item in variables]

    async def _keep_cache(self, prepared: Prepared) -> None:
        if self._box_gone:
            self.notice(Level.WARNING, "the cache is left as it was: the box is gone")
            return
        await storing.keep_cache(self.job, prepared, self.notice)


def _state(error: SteersmanError) -> State:
    return State.CANCELLED if isinstance(error, Interrupted) else State.ERRORED
