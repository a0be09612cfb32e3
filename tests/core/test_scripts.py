"""The text sent to a session, run by real shells."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from steersman.core import scripts
from steersman.core.variables import Variable

SHELLS = [name for name in ("sh", "bash", "dash") if shutil.which(name)]


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def run(shell: str, text: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([shell], input=text, capture_output=True, text=True, check=False)


def a_step(folder: Path, code: str, **more: object) -> str:
    (folder / "step").mkdir()
    (folder / "step" / "run.sh").write_text(code)
    variables = [
        Variable("WERCKER_SOURCE_DIR", str(folder)),
        Variable("WERCKER_STEP_ROOT", str(folder / "step")),
        Variable("WERCKER_REPORT_MESSAGE_FILE", str(folder / "message.txt")),
    ]
    cwd = more.get("cwd")
    return scripts.step(
        variables=variables,
        unset=("OLD_ONE",),
        cwd=str(cwd) if cwd else None,
        has_init=bool(more.get("has_init")),
        has_run=True,
    )


def test_a_step_runs_in_the_source_folder_and_its_status_is_the_texts(
    shell: str, tmp_path: Path
) -> None:
    done = run(shell, a_step(tmp_path, "pwd\nreturn 5\n") + 'echo "status $?"\n')
    assert done.stdout == f"{tmp_path}\nstatus 5\n"


def test_errexit_of_a_step_works(shell: str, tmp_path: Path) -> None:
    done = run(shell, a_step(tmp_path, "set -e\nfalse\necho never\n"))
    assert (done.returncode, done.stdout) == (1, "")


def test_a_missing_folder_fails_with_its_reason(shell: str, tmp_path: Path) -> None:
    done = run(shell, a_step(tmp_path, "echo never\n", cwd="no where") + 'echo "status $?"\n')
    assert done.stdout == "status 1\n"
    assert "cannot enter the folder no where (cwd)" in (tmp_path / "message.txt").read_text()


def test_a_failing_init_keeps_run_from_running(shell: str, tmp_path: Path) -> None:
    text = a_step(tmp_path, "echo never\n", has_init=True)
    (tmp_path / "step" / "init.sh").write_text("return 7\n")
    assert run(shell, text + 'echo "status $?"\n').stdout == "status 7\n"


def test_properties_of_the_last_step_are_gone(shell: str, tmp_path: Path) -> None:
    text = "OLD_ONE=x\n" + a_step(tmp_path, 'echo "${OLD_ONE-gone}"\n')
    assert run(shell, text).stdout == "gone\n"


def test_exports_that_steps_changed_survive_a_second_prelude(shell: str, tmp_path: Path) -> None:
    (tmp_path / "init.sh").write_text("hello() { echo hello; }\n")
    prelude = scripts.prelude("r1", [Variable("NAME", "first")], str(tmp_path / "init.sh"))
    text = f"{prelude}NAME=second\n{prelude}hello; echo $NAME\n"
    assert run(shell, text).stdout == "hello\nsecond\n"


@pytest.mark.parametrize(
    ("files", "full"),
    [((), False), (("a",), True), ((".hidden",), True), (("..odd",), True), (("below/",), True)],
)
def test_a_folder_is_full_when_anything_stands_in_it(
    shell: str, tmp_path: Path, files: tuple[str, ...], full: bool
) -> None:
    folder = tmp_path / "with blank"
    folder.mkdir()
    for name in files:
        (folder / name).mkdir() if name.endswith("/") else (folder / name).touch()
    assert (run(shell, scripts.is_full(str(folder))).stdout == "full\n") is full


def test_a_dangling_link_counts_too(shell: str, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("nowhere")
    assert run(shell, scripts.is_full(str(tmp_path))).stdout == "full\n"


def test_the_message_of_a_step_is_read_with_its_last_line(shell: str, tmp_path: Path) -> None:
    (tmp_path / "message.txt").write_text("one\n\\two")
    assert run(shell, scripts.read_message(str(tmp_path))).stdout == "one\n\\two\n"
    (tmp_path / "message.txt").unlink()
    assert run(shell, scripts.read_message(str(tmp_path))).stdout == ""


def test_one_look_tells_all_there_is_to_know_after_a_step(shell: str, tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("output", "cache", "artifacts")]
    for folder in folders:
        folder.mkdir()
    (folders[1] / "kept").touch()
    (tmp_path / "message.txt").write_text("message\nfull-0 1\n")
    text = scripts.look(str(tmp_path), list(map(str, folders)), measure=True)
    before, _, message = run(shell, text).stdout.partition("message\n")
    assert [line for line in before.splitlines() if line.startswith("full")] == ["full-1 1"]
    assert message == "message\nfull-0 1\n"
