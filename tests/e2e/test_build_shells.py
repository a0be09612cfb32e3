"""A shell in the box of a run on this machine: after a failure, and in one that was left."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.e2e.program import (
    STEER,
    environment,
    left_at_engine,
    on_terminal,
    project,
    run_ids,
    steer,
)

FAILS = """\
box: busybox
build:
  steps:
    - script: {code: 'export GIVEN="by a step"; cd /; exit 3'}
  after-steps:
    - script: {code: echo after}
"""


def test_a_failed_run_lets_one_into_its_box_before_that_is_removed(
    tmp_path: Path, where: str
) -> None:
    folder = project(tmp_path / "p", FAILS)
    code, said = on_terminal(
        "build",
        "--on",
        where,
        "--pull",
        "never",
        "--attach-on-error",
        keys=b'echo "<$GIVEN> $(ls)"; exit 7\n',
        cwd=folder,
    )
    assert code == 1, said
    assert "<by a step> wercker.yml" in said
    assert said.index("after\r\n") < said.index("<by a step>")


def test_without_a_terminal_nobody_is_let_in_and_that_is_said(tmp_path: Path) -> None:
    folder = project(tmp_path / "p", FAILS)
    ended = steer("build", "--on", "host", "--attach-on-error", cwd=folder)
    assert (ended.code, "needs a terminal" in ended.err) == (2, True)
    assert run_ids(folder) == set()


@pytest.mark.engine
@pytest.mark.usefixtures("engine")
def test_a_box_that_is_left_standing_is_entered_until_it_is_pruned(tmp_path: Path) -> None:
    folder = project(tmp_path / "p", FAILS)
    assert "no run of this machine is here" in steer("shell", cwd=folder).err
    kept = steer("build", "--pull", "never", "--no-remove", cwd=folder, XXX_KEY="hidden-value")
    (run,) = run_ids(folder)
    assert (kept.code, f"steer shell {run}" in kept.err) == (1, True), kept.err
    good = project(folder, FAILS.replace("exit 3", "exit 0"))
    assert steer("build", "--pull", "never", cwd=good).code == 0, "it does not remove what is kept"
    for words in ((run,), ()):
        shell = subprocess.run(
            [*STEER, "shell", *words],
            cwd=folder,
            env=environment(),
            input=b'echo "<$GIVEN $KEY> $(pwd)"\n',
            capture_output=True,
            timeout=60,
            check=False,
        )
        wanted = b"<by a step hidden-value> /pipeline/source"
        assert (shell.returncode, wanted in shell.stdout) == ((0, True) if words else (2, False))
    assert left_at_engine({run}) != []
    pruned = steer("prune", "--all", cwd=folder)
    assert f"removed run {run}" in pruned.out
    assert left_at_engine({run}) == []
