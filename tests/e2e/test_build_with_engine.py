"""`steer build` against a real engine, as a user runs it."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from tests.e2e.program import end, left_at_engine, project, run_ids, started, steer

pytestmark = [pytest.mark.engine, pytest.mark.usefixtures("engine")]

SLOW = """\
box: busybox
build:
  services:
    - id: redis:7
  steps:
    - script:
        name: slow
        code: |
          echo begun
          sleep 600
    - script: {name: later, code: echo never}
  after-steps:
    - script: {name: tell, code: 'echo "after: $WERCKER_RESULT"'}
"""
QUICK = "box: busybox\nbuild:\n  steps:\n    - script: {name: hi, code: echo hi}\n"


def test_output_goes_to_stdout_and_our_own_words_to_stderr(tmp_path: Path) -> None:
    ended = steer("build", cwd=project(tmp_path / "p", QUICK))
    assert (ended.code, ended.out) == (0, "hi\n")
    assert "hi succeeded" in ended.err


def test_nothing_is_left_after_a_run(tmp_path: Path) -> None:
    folder = project(tmp_path / "p", QUICK)
    assert steer("build", cwd=folder).code == 0
    assert run_ids(folder)
    assert left_at_engine(run_ids(folder)) == []


def test_a_failing_pipeline_exits_with_one(tmp_path: Path) -> None:
    folder = project(tmp_path / "p", QUICK.replace("echo hi", "exit 9"))
    ended = steer("build", cwd=folder)
    assert ended.code == 1
    assert "step hi failed" in ended.err
    assert "exit code 9" in ended.err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_step_runs_the_after_steps_once_and_removes_all(
    tmp_path: Path, number: signal.Signals
) -> None:
    folder = project(tmp_path / "p", SLOW)
    with started("build", cwd=folder, until="begun") as process:
        assert left_at_engine(run_ids(folder)), "the run must be seen, or the test sees nothing"
        ended = end(process, number)
    assert ended.code == 130, ended.err
    assert ended.out.count("after: failed") == 1
    assert "never" not in ended.out
    assert left_at_engine(run_ids(folder)) == []


def test_a_second_signal_forces_and_still_removes_all(tmp_path: Path) -> None:
    text = SLOW.replace("""'echo "after: $WERCKER_RESULT"'""", "echo tidying; sleep 600")
    folder = project(tmp_path / "p", text)
    with started("build", cwd=folder, until="begun") as process:
        process.send_signal(signal.SIGINT)
        assert process.stdout is not None
        assert any("tidying" in line for line in process.stdout)
        ended = end(process, signal.SIGINT)
    assert ended.code == 130
    assert left_at_engine(run_ids(folder)) == []


def test_the_next_run_removes_what_a_killed_one_left(tmp_path: Path) -> None:
    folder = project(tmp_path / "p", SLOW)
    with started("build", cwd=folder, until="begun") as process:
        process.kill()
        process.wait()
    killed = run_ids(folder)
    assert len(left_at_engine(killed)) >= 3, "box, service and network must have been left"
    project(folder, QUICK)
    assert steer("build", cwd=folder).code == 0
    assert left_at_engine(killed | run_ids(folder)) == []


def test_prune_removes_what_a_killed_run_left(tmp_path: Path) -> None:
    folder = project(tmp_path / "p", SLOW)
    with started("build", cwd=folder, until="begun") as process:
        process.kill()
        process.wait()
    ended = steer("prune", cwd=folder)
    assert ended.code == 0
    assert left_at_engine(run_ids(folder)) == []


def test_a_run_that_goes_on_is_not_pruned(tmp_path: Path) -> None:
    folder = project(tmp_path / "p", SLOW)
    with started("build", cwd=folder, until="begun") as process:
        before = left_at_engine(run_ids(folder))
        assert steer("prune", cwd=folder).code == 0
        assert left_at_engine(run_ids(folder)) == before
        end(process, signal.SIGINT)


def test_deploy_runs_on_the_output_of_the_last_build(tmp_path: Path) -> None:
    text = """\
box: busybox
build:
  steps:
    - script: {name: make, code: 'echo built > "$WERCKER_OUTPUT_DIR/thing"'}
deploy:
  steps:
    - script: {name: use, code: 'cat thing; echo "deploy is $DEPLOY"'}
"""
    folder = project(tmp_path / "p", text)
    assert steer("build", cwd=folder).code == 0
    ended = steer("deploy", cwd=folder)
    assert (ended.code, ended.out) == (0, "built\ndeploy is true\n")


def test_direct_mount_works_on_the_project_itself(tmp_path: Path) -> None:
    folder = project(tmp_path / "p", QUICK.replace("echo hi", "echo made > made-by-a-step"))
    assert steer("build", "--direct-mount", cwd=folder).code == 0
    assert (folder / "made-by-a-step").read_text() == "made\n"


def test_a_missing_image_is_an_error_of_ours_with_advice(tmp_path: Path) -> None:
    folder = project(tmp_path / "p", QUICK.replace("busybox", "no-such-image-anywhere:1"))
    ended = steer("build", "--pull", "never", cwd=folder)
    assert ended.code == 3
    assert "no-such-image-anywhere:1" in ended.err
    assert "hint:" in ended.err


def test_json_lines_tell_every_event(tmp_path: Path) -> None:
    ended = steer("build", "--log-format", "json", cwd=project(tmp_path / "p", QUICK))
    told = [json.loads(line) for line in ended.out.splitlines()]
    names = [one["event"] for one in told]
    assert names[0] == "run_started"
    assert names[-1] == "run_ended"
    assert "".join(one["text"] for one in told if one["event"] == "output") == "hi\n"
    assert [one["state"] for one in told if one["event"] == "step_ended"] == ["succeeded"] * 2


def test_no_folder_of_the_working_directory_belongs_to_somebody_else(tmp_path: Path) -> None:
    text = QUICK.replace("echo hi", 'touch "$WERCKER_CACHE_DIR/c" "$WERCKER_OUTPUT_DIR/o"')
    folder = project(tmp_path / "p", text)
    assert steer("build", cwd=folder).code == 0
    mine = folder.stat().st_uid
    paths = list((folder / ".wercker").rglob("*"))
    assert {"c", "o"} <= {path.name for path in paths}
    assert {path.lstat().st_uid for path in paths} == {mine}
