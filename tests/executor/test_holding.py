"""The box of a job that failed, held for whoever was announced; the outcome stays what it was."""

from __future__ import annotations

import asyncio
import itertools
import time
from pathlib import Path
from typing import NamedTuple

from steersman import pipeline_file
from steersman.containers.fake import FakeContainers
from steersman.containers.terminals import Size
from steersman.core.errors import Unavailable
from steersman.core.events import Event, Notice, StepEnded
from steersman.core.steps import Outcome, State
from steersman.core.variables import Command, RunFacts, of_run
from steersman.executor import Job, Settings
from steersman.executor.attempt import Attempt
from steersman.executor.holding import Open
from steersman.step_store import StepStore

FAILS = "export GIVEN='by a step'; exit 3"


class Held:
    """Waits as the runner does: types *keys*, and keeps what it saw and found standing."""

    def __init__(self, boxes: Path, keys: bytes = b"") -> None:
        self.boxes = boxes
        self.keys = keys
        self.seen = b""
        self.standing: list[Path] = []
        self.told: list[Event] = []
        self.cancelled = asyncio.Event()

    async def wait(self, enter: Open) -> None:
        self.standing = list(self.boxes.iterdir())
        if not self.keys:
            return
        terminal = await enter(Size())
        try:
            await terminal.write(self.keys)
            async with asyncio.timeout(30):
                while data := await terminal.read():
                    self.seen += data
        finally:
            await terminal.close()

    async def cancel(self, enter: Open) -> None:
        await self.wait(enter)
        self.cancelled.set()
        await asyncio.Event().wait()

    async def fail(self, enter: Open) -> None:
        await self.wait(enter)
        raise Unavailable("the server is away")


class Ran(NamedTuple):
    """How the attempt ended, and who held its box."""

    outcome: Outcome
    held: Held

    @property
    def notices(self) -> str:
        return "\n".join(event.text for event in self.held.told if isinstance(event, Notice))


def run(folder: Path, code: str, way: str = "wait", keys: bytes = b"") -> Ran:
    """Run one step and an after-step in a fake box, held as *way* says."""
    after = "script: {name: after, code: 'export AFTER=$WERCKER_RESULT'}"
    text = (
        f"box: busybox\nbuild:\n  steps:\n    - script: {{name: s, code: {code!r}}}\n"
        f"  after-steps:\n    - {after}\n"
    )
    containers = FakeContainers(folder / "boxes")
    pipeline = pipeline_file.parse(text, "wercker.yml").checked().pipelines["build"]
    (folder / "source").mkdir()
    root = containers.root_of("r1")
    numbers = itertools.count()
    facts = RunFacts(Command.BUILD, "r1", "build", f"{root}/pipeline/source", root=root)
    job = Job(
        run_id="r1",
        pipeline=pipeline,
        steps=pipeline.steps,
        public=tuple(of_run(facts)),
        hidden={},
        source=folder / "source",
        skip=lambda name, is_folder: False,
        base_path=facts.base_path,
        root=root,
        folder=folder / "run",
        cache=folder / "cache",
        step_store=StepStore(folder / "steps"),
        new_id=lambda: str(next(numbers)),
        settings=Settings(),
    )

    async def whole() -> Ran:
        held = Held(folder / "boxes", keys)
        hold = {"wait": held.wait, "cancel": held.cancel, "fail": held.fail}[way]
        attempt = Attempt(
            job,
            containers,
            held.told.append,
            cancelled=held.cancelled,
            clock=time.monotonic,
            hold=hold,
        )
        return Ran(await attempt.run(), held)

    return asyncio.run(whole())


def test_a_box_is_held_after_the_after_steps_and_removed_then(tmp_path: Path) -> None:
    ran = run(tmp_path, FAILS, keys=b'echo "<$AFTER>"\nexit\n')
    assert len(ran.held.standing) == 1
    assert b"<failed>" in ran.held.seen
    assert list((tmp_path / "boxes").iterdir()) == []
    assert ran.outcome.state is State.FAILED


def test_a_shell_finds_what_the_step_exported_and_stands_in_the_source(tmp_path: Path) -> None:
    ran = run(tmp_path, FAILS, keys=b'echo "<$GIVEN>" "<$PWD>"\nexit\n')
    assert f"<by a step> <{tmp_path}/boxes/r1/pipeline/source>".encode() in ran.held.seen


def test_a_step_whose_shell_was_killed_is_held_with_the_variables_of_the_job(
    tmp_path: Path,
) -> None:
    ran = run(tmp_path, "kill -9 $$", keys=b'echo "<$WERCKER_RUN_ID>"\nexit\n')
    assert b"<r1>" in ran.held.seen
    assert ran.outcome.state is State.FAILED


def test_a_job_that_succeeded_is_not_held(tmp_path: Path) -> None:
    ran = run(tmp_path, "true")
    assert ran.outcome.state is State.SUCCEEDED
    assert ran.held.standing == []


def test_a_cancellation_ends_the_hold_and_the_verdict_stays(tmp_path: Path) -> None:
    ran = run(tmp_path, FAILS, "cancel")
    assert len(ran.held.standing) == 1
    assert ran.outcome.state is State.FAILED
    ends = [event.result.state for event in ran.held.told if isinstance(event, StepEnded)]
    assert State.CANCELLED not in ends


def test_a_hold_that_breaks_is_said_and_is_no_error_of_the_job(tmp_path: Path) -> None:
    ran = run(tmp_path, FAILS, "fail")
    assert "the box is held no longer: the server is away" in ran.notices
    assert ran.outcome.state is State.FAILED
