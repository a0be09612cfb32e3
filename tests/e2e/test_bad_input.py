"""What a user gets wrong is said with what to do, and exits with 2; nothing is left half done."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.e2e.program import project, steer

QUICK = "box: busybox\nbuild:\n  steps:\n    - script: {name: hi, code: echo hi}\n"


def test_no_file_names_the_files_looked_for(tmp_path: Path) -> None:
    ended = steer("build", cwd=tmp_path)
    assert ended.code == 2
    assert "wercker.yml" in ended.err


@pytest.mark.parametrize("text", ["", "# only a comment\n", "null\n", "- a\n- list\n", "scalar\n"])
def test_a_file_that_is_no_map_is_refused(tmp_path: Path, text: str) -> None:
    ended = steer("build", cwd=project(tmp_path / "p", text))
    assert ended.code == 2
    assert "wercker.yml:" in ended.err
    assert "Traceback" not in ended.err


def test_an_unknown_pipeline_offers_the_nearest_name(tmp_path: Path) -> None:
    ended = steer("build", "--pipeline", "biuld", cwd=project(tmp_path / "p", QUICK))
    assert ended.code == 2
    assert "biuld" in ended.err
    assert "build" in ended.err


def test_an_error_of_the_file_stands_with_its_line_and_a_caret(tmp_path: Path) -> None:
    text = QUICK.replace("code: echo hi", "")
    ended = steer("build", cwd=project(tmp_path / "p", text))
    assert ended.code == 2
    assert "wercker.yml:4:" in ended.err
    assert "^" in ended.err


def test_a_wrong_flag_exits_with_two(tmp_path: Path) -> None:
    ended = steer("build", "--no-such-flag", cwd=project(tmp_path / "p", QUICK))
    assert ended.code == 2
    assert "--no-such-flag" in ended.err


def test_a_folder_that_does_not_exist_is_named(tmp_path: Path) -> None:
    ended = steer("build", "nowhere", cwd=tmp_path)
    assert ended.code == 2
    assert "nowhere" in ended.err


def test_a_variable_with_an_invalid_name_is_refused_before_anything_starts(tmp_path: Path) -> None:
    ended = steer("build", "--env", "X_A-B=1", "--on", "host", cwd=project(tmp_path / "p", QUICK))
    assert ended.code == 2
    assert "A-B" in ended.err
    assert "hi" not in ended.out


def test_a_run_inside_its_own_working_directory_is_refused(tmp_path: Path) -> None:
    folder = project(tmp_path / "p", QUICK)
    inside = project(folder / ".wercker" / "somewhere", QUICK)
    ended = steer("build", "--working-dir", str(folder / ".wercker"), cwd=inside)
    assert ended.code == 2
    assert "working directory" in ended.err


def test_a_working_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    folder = project(tmp_path / "p", QUICK)
    (folder / "file").write_text("not a folder")
    ended = steer("build", "--working-dir", "file/below", cwd=folder)
    assert ended.code == 2
    assert "--working-dir" in ended.err


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_working_directory_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    folder = project(tmp_path / "p", QUICK)
    (folder / ".wercker").mkdir(mode=0o500)
    assert steer("build", cwd=folder).code == 2


def test_an_engine_that_is_not_there_is_an_error_of_infrastructure(tmp_path: Path) -> None:
    folder = project(tmp_path / "p", QUICK)
    ended = steer("build", cwd=folder, DOCKER_HOST=f"unix://{tmp_path}/no.sock")
    assert ended.code == 3
    assert "no.sock" in ended.err
    assert "hint:" in ended.err


def test_services_on_the_host_are_refused_in_words(tmp_path: Path) -> None:
    text = QUICK.replace("build:\n", "build:\n  services: [redis]\n")
    ended = steer("build", "--on", "host", cwd=project(tmp_path / "p", text))
    assert ended.code == 2
    assert "services" in ended.err
    assert "hint:" in ended.err


def test_steps_run_on_the_host_where_asked(tmp_path: Path) -> None:
    ended = steer("build", "--on", "host", cwd=project(tmp_path / "p", QUICK))
    assert (ended.code, ended.out) == (0, "hi\n")


def test_flags_may_follow_the_folder_and_take_the_old_single_dash(tmp_path: Path) -> None:
    project(tmp_path / "p", QUICK)
    ended = steer("build", "p", "-working-dir", "elsewhere", "--on=host", cwd=tmp_path)
    assert (ended.code, ended.out) == (0, "hi\n")
    assert (tmp_path / "elsewhere" / "latest").is_symlink()
