"""Whole workflows, as a user runs them."""

from __future__ import annotations

import json
import shutil
import signal
from pathlib import Path

import pytest

from tests.e2e.program import end, left_at_engine, project, run_ids, started, steer

# The two pipelines wait for each other: one after the other they would never end.
MEETING = """\
box: busybox
command-timeout: 0.5
{0}:
  steps:
    - script:
        code: |
          touch "$PLACE/{0}"
          until [ -e "$PLACE/{1}" ]; do sleep 0.05; done
"""
CHAIN = """\
box: busybox
build:
  steps:
    - script: {code: 'echo built > "$WERCKER_OUTPUT_DIR/it"'}
lint:
  steps:
    - script: {code: 'echo checked > report'}
test:
  steps:
    - script:
        code: |
          cat build/it lint/report
          echo "$CI_WORKFLOW_NAME knows ${TOKEN-nothing} of ${WHO-nobody}"
          [ "${BREAK-}" != yes ]
          cp build/it "$WERCKER_OUTPUT_DIR/it"
deploy:
  steps:
    - script: {code: 'echo "ships $(cat it) DEPLOY=$DEPLOY"; [ ! -e wercker.yml ]'}
workflows:
  - name: main
    pipelines:
      - name: build
      - name: lint
      - {name: test, requires: [build, lint], envFile: test.env}
      - {name: deploy, requires: [test]}
"""


def test_pipelines_that_do_not_need_each_other_run_at_the_same_time(tmp_path: Path) -> None:
    rest = MEETING.format("there", "here").partition("0.5\n")[2]
    flow = "workflows:\n  - name: w\n    pipelines: [{name: here}, {name: there, requires: []}]\n"
    folder = project(tmp_path / "p", MEETING.format("here", "there") + rest + flow)
    ended = steer("workflow", "w", "--on", "host", cwd=folder, X_PLACE=str(tmp_path))
    assert ended.code == 0, ended.err


def test_outputs_are_handed_over_and_a_failed_workflow_is_taken_up(
    tmp_path: Path, where: str
) -> None:
    folder = project(tmp_path / "p", CHAIN, {"test.env": "X_TOKEN=secret-free\n"})
    words = ("run", "main", "--on", where, "--pull", "never")
    broken = steer(*words, cwd=folder, X_BREAK="yes", X_WHO="ada")
    assert broken.code == 1, broken.err
    assert {"test   | built", "test   | checked"} <= set(broken.out.splitlines())
    assert "test   | main knows secret-free of ada" in broken.out
    assert "--> deploy is skipped: it needs test, which has failed" in broken.err
    assert "`steer workflow main --from test` takes it up there" in broken.err
    before = run_ids(folder)
    mended = steer(*words, "--from", "test", cwd=folder)
    assert mended.code == 0, mended.err
    assert "deploy | ships built DEPLOY=true" in mended.out
    assert len(run_ids(folder) - before) == 2, "what had succeeded did not run again"
    if where == "containers":
        assert left_at_engine(run_ids(folder)) == []


def test_what_was_left_must_be_there_to_take_a_workflow_up(tmp_path: Path) -> None:
    folder = project(tmp_path / "p", CHAIN, {"test.env": ""})
    words = ("workflow", "main", "--on", "host")
    assert "has not run here yet" in steer(*words, "--from", "test", cwd=folder).err
    assert steer(*words, cwd=folder).code == 0
    shutil.rmtree(folder / ".wercker" / "builds")
    ended = steer(*words, "--from", "test", cwd=folder)
    assert ended.code == 2
    assert "test needs build, of which no finished run is kept" in ended.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("workflow", "main"), "there is no file test.env"),
        (("workflow", "mian"), "no workflow named mian"),
        (("workflow", "build"), "build is a pipeline: `steer run build`"),
        (("run", "build", "--from", "test"), "build is no workflow"),
    ],
)
def test_mistakes_are_found_before_anything_starts(
    tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    folder = project(tmp_path / "p", CHAIN)
    ended = steer(*words, "--on", "host", cwd=folder)
    assert (ended.code, run_ids(folder)) == (2, set())
    assert said in ended.err


def test_a_signal_ends_every_pipeline_and_begins_no_other(tmp_path: Path) -> None:
    text = CHAIN.replace("echo built >", "echo it is up; sleep 60; echo built >")
    folder = project(tmp_path / "p", text, {"test.env": ""})
    words = ("workflow", "main", "--on", "host", "--log-format", "json")
    with started(*words, cwd=folder, until="it is up") as process:
        ended = end(process, signal.SIGINT)
    assert ended.code == 130
    last = json.loads(ended.out.splitlines()[-1])
    states = {job["name"]: job["state"] for job in last["jobs"]}
    assert (states["build"], states["test"], states["deploy"]) == ("cancelled",) * 3
