"""Output, artifacts and cache past their limits: said, and nothing half kept."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from steersman import pipeline_file
from steersman.containers.fake import FakeContainers
from steersman.core.errors import Interrupted, Unavailable, UserError
from steersman.core.events import Event, Notice, Output, RunEnded
from steersman.core.steps import State
from steersman.core.variables import Command, RunFacts, of_run
from steersman.executor import Job, Settings
from steersman.executor.attempt import Attempt
from steersman.step_store import StepStore
from steersman.trees import Limits

SMALL = Limits(size=1 << 20)


class Ran(NamedTuple):
    """An attempt that is over: what it told, what it raised, and where it kept things."""

    told: list[Event]
    error: BaseException | None
    folder: Path
    cache: Path

    @property
    def notices(self) -> str:
        return "\n".join(event.text for event in self.told if isinstance(event, Notice))

    @property
    def state(self) -> State:
        (ended,) = [event for event in self.told if isinstance(event, RunEnded)]
        return ended.outcome.state


def run(
    folder: Path,
    code: str,
    settings: Settings,
    meanwhile: Callable[[Event, asyncio.Event], None] = lambda event, cancelled: None,
) -> Ran:
    """Run one script step in a fake box."""
    told: list[Event] = []
    text = (
        f"box: busybox\nbuild:\n  steps:\n    - script:\n        name: s\n        code: {code!r}\n"
    )
    containers = FakeContainers(folder / "boxes")
    config = pipeline_file.parse(text, "wercker.yml").checked()
    (folder / "source").mkdir(exist_ok=True)
    root = containers.root_of("r1")
    facts = RunFacts(Command.BUILD, "r1", "build", f"{root}/pipeline/source", root=root)
    job = Job(
        run_id="r1",
        pipeline=config.pipelines["build"],
        steps=config.pipelines["build"].steps,
        public=tuple(of_run(facts)),
        hidden={},
        source=folder / "source",
        skip=lambda name, is_folder: False,
        base_path=facts.base_path,
        root=root,
        folder=folder / "run",
        cache=folder / "cache",
        step_store=StepStore(folder / "steps"),
        new_id=lambda: "id",
        settings=settings,
    )

    async def whole() -> None:
        cancelled = asyncio.Event()

        def tell(event: Event) -> None:
            told.append(event)
            meanwhile(event, cancelled)

        attempt = Attempt(job, containers, tell, cancelled=cancelled, clock=time.monotonic)
        await attempt.run()

    try:
        asyncio.run(whole())
    except Exception as error:  # noqa: BLE001 - each test says which it expects
        return Ran(told, error, job.folder, job.cache)
    return Ran(told, None, job.folder, job.cache)


def fill(where: str) -> str:
    return f"cd {where}; touch small; head -c 2000000 /dev/zero >big"


def test_an_output_past_its_limit_is_not_stored_and_says_the_limit(tmp_path: Path) -> None:
    ran = run(tmp_path, fill("$WERCKER_OUTPUT_DIR"), Settings(output_limits=SMALL))
    assert isinstance(ran.error, UserError)
    assert "larger than 1 MiB" in str(ran.error)
    assert ran.error.hint
    assert ran.state is State.ERRORED
    assert not (ran.folder / "output").exists()


def test_a_cache_past_its_limit_leaves_the_old_one(tmp_path: Path) -> None:
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "old").touch()
    ran = run(tmp_path, fill("$WERCKER_CACHE_DIR"), Settings(cache_limits=SMALL))
    assert ran.error is None
    assert "the cache is larger than 1 MiB; the old one is kept" in ran.notices
    assert [path.name for path in ran.cache.iterdir()] == ["old"]
    assert [path.name for path in tmp_path.glob("cache*")] == ["cache"]


def test_artifacts_of_a_step_past_their_limit_are_left_out_with_a_warning(tmp_path: Path) -> None:
    code = fill("$WERCKER_REPORT_ARTIFACTS_DIR")
    ran = run(tmp_path, code, Settings(artifacts=True, report_limits=SMALL))
    assert ran.error is None
    assert "the artifacts of step s are too large" in ran.notices
    assert list(ran.folder.glob("reports/*/*")) == []


def test_more_files_than_the_limit_are_refused_too(tmp_path: Path) -> None:
    limits = Limits(size=1 << 20, entries=10)
    ran = run(tmp_path, "cd $WERCKER_OUTPUT_DIR; touch $(seq 1 20)", Settings(output_limits=limits))
    assert isinstance(ran.error, UserError)
    assert not (ran.folder / "output").exists()


def test_a_folder_we_may_not_write_is_no_bug(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("in the way")
    ran = run(tmp_path, "touch $WERCKER_OUTPUT_DIR/file", Settings())
    assert ran.error is not None
    assert getattr(ran.error, "exit_code", None) == 3


def test_an_audience_that_cannot_write_ends_the_run_as_a_full_disk(tmp_path: Path) -> None:
    def full(event: Event, cancelled: asyncio.Event) -> None:
        if isinstance(event, Output):
            raise OSError(28, "No space left on device")

    ran = run(tmp_path, "echo something", Settings(), full)
    assert isinstance(ran.error, Unavailable)
    assert ran.state is State.ERRORED
    assert list((tmp_path / "boxes").iterdir()) == []


def test_a_reader_that_left_is_told_on_as_it_is(tmp_path: Path) -> None:
    def gone(event: Event, cancelled: asyncio.Event) -> None:
        if isinstance(event, Output):
            raise BrokenPipeError

    ran = run(tmp_path, "echo something", Settings(), gone)
    assert isinstance(ran.error, BrokenPipeError)
    assert list((tmp_path / "boxes").iterdir()) == []


def test_an_interruption_before_the_setup_ends_is_an_interruption(tmp_path: Path) -> None:
    ran = run(tmp_path, "echo never", Settings(), lambda event, cancelled: cancelled.set())
    assert isinstance(ran.error, Interrupted)
    assert ran.state is State.CANCELLED
    assert not any(isinstance(event, Output) for event in ran.told)
    assert list((tmp_path / "boxes").iterdir()) == []
