"""One step in the session: its script sent, its ending put in words."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

from steersman.core import scripts, steps
from steersman.core.steps import Cause, State
from steersman.core.variables import step_variables
from steersman.executor import measuring
from steersman.executor.fetching import ReadyStep
from steersman.executor.job import Job, Settings
from steersman.executor.looking import Seen, look
from steersman.executor.setting_up import Prepared
from steersman.sessions.base import End, Ending


class Ended(NamedTuple):
    """A step's end as the attempt needs it; *seen* is what it left, where the box said so."""

    state: State
    end: End
    message: str
    exit_code: int | None
    cause: Cause = ""
    seen: Seen | None = None


async def run_step(
    job: Job, prepared: Prepared, ready: ReadyStep, cancel: asyncio.Event | None
) -> Ended:
    """Run one step to its end, however it ends."""
    variables = step_variables(ready.step, ready.manifest, root=ready.root, report=ready.report)
    script = scripts.step(
        variables=variables.exported,
        unset=prepared.unset_next,
        cwd=ready.step.cwd,
        has_init=ready.has_init,
        has_run=ready.has_run,
    )
    prepared.unset_next = variables.unset_after
    timeout, silence = timeouts(job)
    ending = await prepared.session.run(script, timeout=timeout, silence=silence, cancel=cancel)
    if ending.end is End.EXITED and ending.passed:
        # The fresh shell has the exports, but no functions.
        await prepared.session.run(prepared.prelude)
    if ending.oom_kills and ending.end is End.SHELL_LOST:
        await prepared.session.restarted()
    seen = await look(job, prepared, ready)
    ended = _ended(ending, seen.message if seen else "", job)._replace(seen=seen)
    if ending.oom_kills and ending.end is not End.BOX_GONE:
        words = steps.memory_words(await measuring.memory(prepared))
        ended = ended._replace(message=f"{ended.message}{words}")
    return ended


def _ended(ending: Ending, report: str, job: Job) -> Ended:
    if ending.passed:
        message = report
        if ending.oom_kills:
            message = "; ".join(
                filter(None, [report, f"passed, but {steps.oom_words(ending.oom_kills)}"])
            )
        return Ended(State.SUCCEEDED, ending.end, message, ending.status)
    state = State.CANCELLED if ending.end is End.CANCELLED else State.FAILED
    message = f"{report} ({words(ending, job)})" if report else words(ending, job)
    return Ended(state, ending.end, message, ending.status, _cause(ending))


def _cause(ending: Ending) -> Cause:
    if ending.end is End.BOX_GONE:
        return "out-of-memory" if ending.oom_kills else "box-lost"
    if ending.oom_kills:
        return "out-of-memory"
    return "timed-out" if ending.end in (End.TIMED_OUT, End.SILENT) else ""


def timeouts(job: Job) -> tuple[float, float]:
    """Return the deadline and the longest silence of a step, in seconds."""
    settings: Settings = job.settings
    return settings.command_timeout, settings.no_response_timeout


def words(ending: Ending, job: Job) -> str:
    """Say why a step failed."""
    timeout, silence = timeouts(job)
    match ending.end:
        case End.RETURNED | End.EXITED:
            return steps.exit_words(ending.status or 0, oom_kills=ending.oom_kills)
        case End.TIMED_OUT:
            text = f"timed out after {steps.minutes_words(timeout)} (command-timeout)"
        case End.SILENT:
            text = f"no output for {steps.minutes_words(silence)} (no-response-timeout)"
        case End.CANCELLED:
            text = "interrupted"
        case End.BOX_GONE:
            text = "the box ended before the step did"
        case End.SHELL_LOST:
            by = f" by SIG{ending.signal}" if ending.signal else ""
            text = f"the shell of the step was killed{by}"
    return f"{text}; {steps.oom_words(ending.oom_kills)}" if ending.oom_kills else text
