"""`steer dev`: the project itself in the box, code that runs again, and a shell."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import IO

import pytest

from tests.e2e.program import (
    end,
    left_at_engine,
    on_terminal,
    project,
    run_ids,
    started,
    steer,
)

WATCHED = """\
box: busybox
dev:
  steps:
    - script: {code: export GREETING=hello}
    - internal/watch:
        reload: true
        code: |
          old=0
          for each in /proc/[0-9]*; do
            case $(tr '\\0' ' ' <$each/cmdline) in "sleep 777 ") old=$((old + 1)) ;; esac
          done
          sh -c 'trap "" HUP; exec sleep 777' &
          info "$GREETING from $(cat app.txt), $old of before"
          cat deep/er 2>/dev/null
          sleep 1000
  after-steps:
    - script: {code: echo after}
"""
SHELL = """\
box: busybox
build:
  steps:
    - script: {code: export GREETING=hello}
    - internal/shell: {code: 'echo "<$GREETING>"'}
    - script: {code: echo it goes on}
"""


def read_until(lines: IO[str], wanted: str) -> None:
    """Read lines up to the one with *wanted* in it."""
    for line in lines:
        if wanted in line:
            return
    raise AssertionError(f"it never printed {wanted}")


@pytest.mark.engine
@pytest.mark.usefixtures("engine")
def test_code_is_started_again_for_every_change_and_all_it_started_has_ended(
    tmp_path: Path,
) -> None:
    folder = project(tmp_path / "p", WATCHED, {"app.txt": "one", ".gitignore": "*.log\n"})
    with started(
        "dev", "--pull", "never", cwd=folder, until="hello from one, 0 of before"
    ) as process:
        assert process.stdout is not None
        (folder / "out.log").write_text("of no interest")
        (folder / "app.txt").write_text("two")
        read_until(process.stdout, "app.txt changed: starting again")
        read_until(process.stdout, "hello from two, 0 of before")
        (folder / "deep").mkdir()
        (folder / "deep" / "er").write_text("in a new folder\n")
        read_until(process.stdout, "in a new folder")
        ended = end(process, signal.SIGINT)
    assert (ended.code, "after" in ended.out) == (130, True), ended.err
    assert left_at_engine(run_ids(folder)) == []


@pytest.mark.parametrize(
    ("code", "code_of_steer", "said"),
    [("exit 3", 1, "exit code 3"), ("true", 2, "would reach it")],
)
def test_code_that_fails_fails_the_step_and_a_copy_is_not_watched(
    tmp_path: Path, code: str, code_of_steer: int, said: str
) -> None:
    text = f"box: busybox\nbuild:\n  steps:\n    - internal/watch: {{code: {code}}}\n"
    if code_of_steer == 2:
        text = text.replace("code:", "reload: true, code:")
    ended = steer("build", "--on", "host", cwd=project(tmp_path / "p", text))
    assert (ended.code, said in ended.err) == (1, True), ended.err


def test_a_shell_has_the_exports_and_the_steps_go_on_after_it(tmp_path: Path, where: str) -> None:
    folder = project(tmp_path / "p", SHELL)
    code, said = on_terminal(
        "build",
        "--on",
        where,
        "--pull",
        "never",
        keys=b'echo "twice $GREETING"; exit 5\n',
        cwd=folder,
    )
    assert code == 0, said
    assert "<hello>" in said
    assert "twice hello" in said
    assert "it goes on" in said


def test_without_a_terminal_a_shell_is_refused_in_words(tmp_path: Path) -> None:
    ended = steer("build", "--on", "host", cwd=project(tmp_path / "p", SHELL))
    assert ended.code == 1
    assert "internal/shell needs a terminal, and there is none here" in ended.err


def test_dev_needs_an_engine_and_says_so(tmp_path: Path) -> None:
    ended = steer("dev", "--on", "host", cwd=project(tmp_path / "p", WATCHED))
    assert (ended.code, "needs --direct-mount" in ended.err) == (2, True), ended.err
