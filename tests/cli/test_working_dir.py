"""The working directory: runs have folders, links point to them, and no run eats itself."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from steersman.cli.working_dir import WorkingDir
from steersman.core.errors import UserError


@pytest.fixture
def working(tmp_path: Path) -> WorkingDir:
    made = WorkingDir(tmp_path / "project" / ".wercker")
    made.prepare(tmp_path / "project")
    return made


def test_a_run_has_a_folder_of_its_own(working: WorkingDir) -> None:
    assert working.new_run("one").is_dir()
    with pytest.raises(UserError, match="there is a run one already"):
        working.new_run("one")


def test_a_link_points_to_the_newest_run(working: WorkingDir) -> None:
    for run_id in ("one", "two"):
        working.new_run(run_id)
        working.point("latest", run_id)
    assert (working.path / "latest").resolve() == working.builds / "two"


def test_the_output_of_a_run_may_be_a_project(working: WorkingDir) -> None:
    output = working.new_run("one") / "output"
    output.mkdir()
    working.prepare(output)


@pytest.mark.parametrize("inside", [".", "cache", "builds", "builds/one"])
def test_a_project_inside_is_refused(working: WorkingDir, inside: str) -> None:
    with pytest.raises(UserError, match="inside of the working directory"):
        working.prepare(working.path / inside)


def test_a_project_that_is_reached_by_a_link_is_refused_too(
    working: WorkingDir, tmp_path: Path
) -> None:
    (tmp_path / "link").symlink_to(working.path)
    with pytest.raises(UserError, match="inside of the working directory"):
        working.prepare(tmp_path / "link")


def test_old_runs_go_but_not_the_one_a_link_points_to(working: WorkingDir) -> None:
    for age, run_id in enumerate(("newest", "middle", "linked", "oldest")):
        folder = working.new_run(run_id)
        os.utime(folder, (1_000_000 - 90_000 * age,) * 2)
    working.point("latest", "linked")
    assert working.remove_old_runs(2_000_000) == ["oldest"]
    assert {path.name for path in working.builds.iterdir()} == {"newest", "middle", "linked"}
