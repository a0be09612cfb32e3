"""What a person sees: on a terminal, without colours, and as little as `-q` leaves."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import termios
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from tests.e2e.program import STEER, environment, project, steer

STEPS = """\
box: busybox
build:
  steps:
    - script: {name: first, code: "printf 'whole\\\\nno newline'"}
    - script: {name: a name that is far too long for the width of this terminal, code: END}
    - script: {name: last, code: echo never}
  after-steps:
    - script: {name: tell, code: 'echo "after: $WERCKER_RESULT"'}
"""
COLOR = re.compile(r"\x1b\[(?:\d+;)*3\d(?:;\d+)*m")
SHOW_CURSOR, HIDE_CURSOR = "\x1b[?25h", "\x1b[?25l"
Meanwhile = Callable[[subprocess.Popen[bytes], str], None]


def on_terminal(
    *words: str, cwd: Path, meanwhile: Meanwhile = lambda process, seen: None, **env: str
) -> tuple[int, str]:
    """Run `steer` on a terminal of 24 lines and return its exit code and all that came."""
    ours, theirs = os.openpty()
    termios.tcsetwinsize(ours, (24, 60))
    with subprocess.Popen(
        [*STEER, *words, "--on", "host"],
        cwd=cwd,
        env=environment(TERM="xterm-256color", **env),
        stdin=theirs, stdout=theirs, stderr=theirs,
    ) as process:  # fmt: skip
        os.close(theirs)
        seen = b""
        with suppress(OSError):  # how Linux says that the other side has closed
            while data := os.read(ours, 1 << 16):
                seen += data
                meanwhile(process, seen.decode(errors="replace"))
        os.close(ours)
        return process.wait(30), seen.decode(errors="replace")


def words_of(seen: str) -> str:
    """Return the text of a terminal's stream without what moves or colours."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", seen).replace("\r", "")


@pytest.mark.parametrize(("end", "code"), [("'true'", 0), ("'exit 3'", 1)])
def test_the_tree_stays_at_the_end_with_the_result_below(
    tmp_path: Path, end: str, code: int
) -> None:
    exit_code, seen = on_terminal("build", cwd=project(tmp_path / "p", STEPS.replace("END", end)))
    assert exit_code == code
    assert COLOR.search(seen)
    last = words_of(seen.rpartition(HIDE_CURSOR)[2])
    assert "✓ first" in last
    assert ("✓ last" if code == 0 else "· last") in last
    assert "✓ tell" in last
    said = "succeeded in" if code == 0 else "failed in"
    assert last.splitlines()[-1].startswith(said)
    assert "no newline\n" in words_of(seen)


def test_no_line_of_the_tree_is_wider_than_the_terminal(tmp_path: Path) -> None:
    text = STEPS.replace("END", "sleep 0.5")
    _, seen = on_terminal("build", cwd=project(tmp_path / "p", text))
    assert "a name that is far too long for the wid" in words_of(seen)
    assert "…" in seen


@pytest.mark.parametrize("end", ["'true'", "exit 3", "sleep 600", "kill -9 $PPID"])
def test_the_cursor_is_there_again_however_a_run_ends(tmp_path: Path, end: str) -> None:
    interrupted: list[int] = []

    def interrupt(process: subprocess.Popen[bytes], seen: str) -> None:
        if "sleep" in end and "--> a name" in words_of(seen) and not interrupted:
            interrupted.append(1)
            process.send_signal(signal.SIGINT)
            process.send_signal(signal.SIGTERM)

    folder = project(tmp_path / "p", STEPS.replace("END", end))
    code, seen = on_terminal("build", cwd=folder, meanwhile=interrupt)
    # Who kills the parent of the shell on the host may win or lose the race against being seen.
    killed = (0, 1) if "PPID" in end else (1,)
    assert code in ((130,) if interrupted else (0,) if "true" in end else killed)
    assert seen.rindex(SHOW_CURSOR) > seen.rindex(HIDE_CURSOR)
    assert "Traceback" not in seen


@pytest.mark.parametrize(("flags", "env"), [(["--no-colors"], {}), ([], {"NO_COLOR": "1"})])
@pytest.mark.parametrize("shown", ["live", "plain"])
def test_there_are_no_colours_where_none_are_wanted(
    tmp_path: Path, shown: str, flags: list[str], env: dict[str, str]
) -> None:
    folder = project(tmp_path / "p", STEPS.replace("END", "exit 3"))
    words = ["build", "--log-format", shown]
    assert COLOR.search(on_terminal(*words, cwd=folder)[1]), "or the test sees nothing"
    code, seen = on_terminal(*words, *flags, cwd=folder, **env)  # type: ignore[arg-type]
    assert code == 1
    assert not COLOR.search(seen)


def test_quiet_prints_the_output_of_steps_and_nothing_of_ours(tmp_path: Path) -> None:
    folder = project(tmp_path / "p", STEPS.replace("END", "'true'"))
    ended = steer("build", "-q", "--on", "host", cwd=folder)
    assert (ended.code, ended.err) == (0, "")
    assert ended.out == "whole\nno newlinenever\nafter: passed\n"


def test_quiet_still_says_what_went_wrong(tmp_path: Path) -> None:
    folder = project(tmp_path / "p", STEPS.replace("END", "exit 3"))
    ended = steer("build", "-q", "--on", "host", cwd=folder)
    assert ended.code == 1
    assert "exit code 3" in ended.err
    assert "first" not in ended.err


def test_verbose_says_no_less(tmp_path: Path) -> None:
    folder = project(tmp_path / "p", STEPS.replace("END", "'true'"))
    ended = steer("build", "-v", "--on", "host", cwd=folder)
    assert ended.code == 0
    assert "first succeeded" in ended.err
