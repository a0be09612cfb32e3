"""Conducting a run: what runs at once, what follows, and what `steer` ends with."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Mapping
from types import MappingProxyType

import pytest

from steersman.cli.workflows.conducting import HERE, Conductor, Means, exit_code
from steersman.core import retries
from steersman.core.attempts import Attempt
from steersman.core.reports import Errored, Failed, Reason, Record, Stopped, Succeeded
from steersman.core.runs import Job, Run, State

End = Callable[[int], Record]
DIAMOND = (
    Job("build", "build"),
    Job("left", "left", ("build",)),
    Job("right", "right", ("build",)),
    Job("ship", "ship", ("left", "right")),
)


class Stage:
    """Plays the attempts: each ends when its turn comes, as *ends* says, else well."""

    def __init__(
        self, jobs: tuple[Job, ...], ends: Mapping[str, End] = MappingProxyType({}), slots: int = 2
    ):
        self.cancelled = asyncio.Event()
        self.begun: list[str] = []
        self.at_once = 0
        self.told: list[tuple[str, State]] = []
        self._open = 0
        self._ends = ends
        ids = map(str, itertools.count())
        means = Means(self.execute, slots, self.hear, lambda: next(ids), lambda: 0.0)
        self._conductor = Conductor(Run("r", jobs), means, self.cancelled)

    def hear(self, job: str, state: State, why: str) -> None:
        self.told.append((job, state))

    async def execute(self, job: Job, attempt: Attempt) -> Record:
        self.begun.append(job.name)
        self._open += 1
        self.at_once = max(self.at_once, self._open)
        for _ in range(5):  # let whatever else can begin, begin
            await asyncio.sleep(0)
        self._open -= 1
        make = self._ends.get(job.name)
        return make(attempt.number) if make else Succeeded(attempt.number, HERE)

    def play(self) -> Run:
        return asyncio.run(self._conductor.conduct())


def states(stage: Stage) -> dict[str, State]:
    """Return the last state that was told of each job."""
    return dict(stage.told)


def failed(number: int) -> Record:
    return Failed(number, HERE)


def test_what_does_not_need_each_other_runs_at_once_within_the_slots() -> None:
    stage = Stage(DIAMOND)
    assert exit_code(stage.play()) == 0
    assert (stage.begun, stage.at_once) == (["build", "left", "right", "ship"], 2)
    alone = Stage(DIAMOND, slots=1)
    alone.play()
    assert alone.at_once == 1


def test_a_failure_holds_up_only_what_needs_it() -> None:
    stage = Stage(DIAMOND, {"left": failed})
    assert exit_code(stage.play()) == 1
    assert states(stage) == {
        "build": State.SUCCEEDED,
        "left": State.FAILED,
        "right": State.SUCCEEDED,
        "ship": State.SKIPPED,
    }


def test_a_failure_is_repeated_as_often_as_retries_says() -> None:
    once = Job("build", "build", policy=retries.Policy(1, repeat_errors=False))
    stage = Stage((once,), {"build": lambda n: failed(n) if n == 1 else Succeeded(n, HERE)})
    assert exit_code(stage.play()) == 0
    assert stage.begun == ["build", "build"]


def test_an_allowed_failure_fails_nothing() -> None:
    stage = Stage((Job("lint", "lint", allow_failure=True),), {"lint": failed})
    assert exit_code(stage.play()) == 0


def test_once_cancelled_nothing_more_begins() -> None:
    def interrupt(number: int) -> Record:
        stage.cancelled.set()
        return Stopped(number, HERE)

    stage = Stage(DIAMOND, {"left": interrupt})
    assert exit_code(stage.play()) == 130
    assert "ship" not in stage.begun
    assert states(stage)["ship"] is State.CANCELLED


@pytest.mark.parametrize(
    ("ends", "code"),
    [
        ({"left": lambda n: Errored(n, HERE)}, 3),
        ({"left": lambda n: Errored(n, HERE), "right": failed}, 3),
        ({"left": lambda n: Failed(n, HERE, Reason.REJECTED)}, 2),
        ({"left": lambda n: Failed(n, HERE, Reason.REJECTED), "right": failed}, 1),
    ],
)
def test_the_exit_code_says_whose_it_is_to_mend(ends: dict[str, End], code: int) -> None:
    jobs = tuple(job._replace(policy=retries.Policy(repeat_errors=False)) for job in DIAMOND)
    assert exit_code(Stage(jobs, ends).play()) == code
