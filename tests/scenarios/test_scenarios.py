"""Each scenario over each door: the same file, the same words, whatever runs it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from steersman.containers.base import Containers
from steersman.containers.docker.door import DockerContainers
from steersman.containers.fake import FakeContainers
from steersman.containers.host import HostContainers
from steersman.core import events, steps
from tests.scenarios import harness
from tests.scenarios.harness import Seen

DOORS: dict[str, Callable[[Path], Containers]] = {
    "fake": lambda folder: FakeContainers(folder),
    "host": lambda folder: HostContainers(folder),
    "docker": lambda folder: DockerContainers.from_environment(),
}


@pytest.fixture(params=["fake", "host", pytest.param("docker", marks=pytest.mark.engine)])
def containers(request: pytest.FixtureRequest, tmp_path: Path) -> Containers:
    if request.param == "docker":
        request.getfixturevalue("engine")
    return DOORS[request.param](tmp_path / "door")


@pytest.mark.parametrize("name", harness.cases())
def test_a_scenario_ends_as_its_file_says(
    name: str, containers: Containers, tmp_path: Path
) -> None:
    case = harness.load(name)
    lacking = set(case.get("x-needs", [])) - {str(one) for one in containers.capabilities}
    if lacking:
        pytest.skip(f"{containers.name} has no {', '.join(sorted(lacking))}")
    project = tmp_path / "project"
    harness.lay_out(project, name, case)
    before = listing(project)
    seen = harness.run(project, case, containers)
    expect = case["x-expect"]
    _check_ending(seen, expect)
    _check_words(seen, expect)
    _check_files(seen, expect)
    if expect.get("project_untouched"):
        assert listing(project) == before


def listing(project: Path) -> list[str]:
    return sorted(
        str(path.relative_to(project))
        for path in project.rglob("*")
        if ".wercker" not in path.relative_to(project).parts
    )


def _check_ending(seen: Seen, expect: Mapping[str, Any]) -> None:
    if names := expect.get("error"):
        assert seen.error is not None, seen.printed
        assert type(seen.error).__name__ in ([names] if isinstance(names, str) else names), (
            seen.error
        )
        assert expect["says"] in f"{seen.error} {seen.error.hint}"
        return
    assert seen.error is None, (seen.error, seen.printed)
    assert seen.outcome is not None
    assert seen.outcome.state == steps.State(expect["state"]), (seen.outcome, seen.printed)
    assert expect.get("failed_step") in (None, seen.outcome.failed_step)
    assert expect.get("message", "") in seen.outcome.message
    (over,) = (event for event in seen.events if isinstance(event, events.RunEnded))
    assert over.failed_after_steps == tuple(expect.get("failed_after_steps", ()))


def _check_words(seen: Seen, expect: Mapping[str, Any]) -> None:
    for text in expect.get("prints", ()):
        assert text in seen.printed
    for text in expect.get("not_prints", ()):
        assert text not in seen.printed
    for text in expect.get("warns", ()):
        assert text in seen.warnings
    ended = {e.result.name: e.result.state for e in seen.events if isinstance(e, events.StepEnded)}
    for name, state in expect.get("steps", {}).items():
        assert ended[name] == steps.State(state)


def _check_files(seen: Seen, expect: Mapping[str, Any]) -> None:
    if "output" not in expect:
        return
    assert seen.output_folder is not None
    found = {
        str(path.relative_to(seen.output_folder)): (
            f"-> {path.readlink()}" if path.is_symlink() else path.read_text()
        )
        for path in seen.output_folder.rglob("*")
        if path.is_symlink() or path.is_file()
    }
    assert found == expect["output"]
