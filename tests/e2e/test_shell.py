"""`steer shell`: a terminal in the box of a job that failed, through the whole platform."""

from __future__ import annotations

import json
import os
import re
import select
import signal
import subprocess
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.e2e.program import STEER, Ended, environment, left_at_engine, steer
from tests.platform.programs import Program, free_port, repository, until

PIPELINE = """\
box: busybox
build:
  steps:
    - script:
        name: boom
        code: export GIVEN="by a step" && test "$PASSWORD" = right
"""


class Here(NamedTuple):
    """A platform that is up, with the project `shop` whose only job fails."""

    folder: Path

    @property
    def env(self) -> dict[str, str]:
        return {"XDG_CONFIG_HOME": str(self.folder / "config")}

    def steer(self, *words: str) -> Ended:
        return steer(*words, cwd=self.folder, timeout=90, **self.env)

    def good(self, *words: str) -> str:
        done = self.steer(*words)
        assert done.code == 0, f"{words}: {done}"
        return done.out

    def typed(self, name: str, text: str) -> Ended:
        """Open a shell without a terminal, and give it these commands."""
        done = subprocess.run(
            [*STEER, "shell", name],
            cwd=self.folder,
            env=environment(**self.env),
            input=text.encode(),
            capture_output=True,
            timeout=90,
            check=False,
        )
        return Ended(done.returncode, done.stdout.decode(), done.stderr.decode())

    def state(self, name: str) -> str:
        run: dict[str, Any] = json.loads(self.good("show", name, "-o", "json"))
        return str(run["state"])

    def held(self) -> str:
        """Let a run fail whose box is held, and return its name."""
        out = self.good("trigger", "shop", "--branch", "main", "--hold", "5")
        name = out.split()[0]
        until(lambda: "held for 5 minutes" in self.steer("logs", name).out, "the box is held")
        return name


@pytest.fixture(scope="module")
def here(engine: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Here]:
    folder = tmp_path_factory.mktemp("shell")
    listen = f"127.0.0.1:{free_port()}"
    words = ["up", "--data", str(folder / "data"), "--listen", listen]
    program = Program(words, folder / "up.log")
    program.start()
    try:
        until(lambda: "steer trigger" in program.text, "the platform is up")
        found = re.search(r"--token (steer_pat_\w+)", program.text)
        assert found is not None
        at = Here(folder)
        at.good("login", f"http://{listen}", "--token", found[1])
        source = repository(folder / "shop", {"wercker.yml": PIPELINE})
        at.good("project", "add", "shop", "--repository", str(source))
        yield at
    finally:
        program.kill(signal.SIGTERM)


@pytest.fixture(scope="module")
def held(here: Here) -> Iterator[str]:
    name = here.held()
    yield name
    here.good("cancel", name)


class Screen:
    """A terminal with `steer shell` on it."""

    def __init__(self, process: subprocess.Popen[bytes], ours: int) -> None:
        self.process = process
        self.ours = ours
        self.seen = ""

    def type(self, text: str) -> None:
        os.write(self.ours, text.encode())

    def until(self, wanted: str) -> None:
        """Wait until *wanted* is on the screen, and wipe it off with all before it."""
        deadline = time.monotonic() + 30
        while wanted not in self.seen:
            ready, _, _ = select.select([self.ours], [], [], deadline - time.monotonic())
            assert ready, f"{wanted!r} never came: {self.seen!r}"
            self.seen += os.read(self.ours, 1 << 16).decode(errors="replace")
        self.seen = self.seen.partition(wanted)[2]

    def resize(self, rows: int, columns: int) -> None:
        termios.tcsetwinsize(self.ours, (rows, columns))
        self.process.send_signal(signal.SIGWINCH)


@contextmanager
def on_screen(at: Here, name: str) -> Iterator[Screen]:
    """Open a shell on a terminal of 24 lines; it must be left as it was found."""
    ours, theirs = os.openpty()
    termios.tcsetwinsize(ours, (24, 60))
    before = termios.tcgetattr(theirs)
    with subprocess.Popen(
        [*STEER, "shell", name],
        cwd=at.folder,
        env=environment(**at.env),
        stdin=theirs, stdout=theirs, stderr=theirs,
    ) as process:  # fmt: skip
        try:
            yield Screen(process, ours)
            process.wait(30)
            assert termios.tcgetattr(theirs) == before
        finally:
            process.kill()
            os.close(theirs)
            os.close(ours)


def test_commands_are_read_where_no_terminal_is(here: Here, held: str) -> None:
    done = here.typed(held, 'echo "<$GIVEN>"\npwd\nls\n')
    assert done.code == 0, done
    for each in ("<by a step>", "\n/pipeline/source", "wercker.yml"):
        assert each in done.out
    assert "\0" not in done.out
    assert "nothing is masked in here" in done.err


def test_a_terminal_has_its_size_and_its_interrupt_key(here: Here, held: str) -> None:
    with on_screen(here, held) as screen:
        screen.until("leaves it")
        screen.type("stty size\r")
        screen.until("24 60")
        screen.resize(50, 132)
        # The new size goes its own way: it may come after what is typed next.
        screen.type("while [ \"$(stty size)\" != '50 132' ]; do :; done; echo re''sized\r")
        screen.until("resized")
        screen.type("sh -c 'echo be$((1 + 1))gun; exec sleep 600'\r")
        screen.until("be2gun")
        screen.type("\x03")
        screen.until("^C")
        screen.type("exit\r")
    assert screen.process.returncode == 0


def test_an_escape_leaves_a_shell_that_hangs_and_another_can_be_had(here: Here, held: str) -> None:
    with on_screen(here, held) as screen:
        screen.until("leaves it")
        screen.type("sh -c 'echo be$((1 + 1))gun; exec sleep 600'\r")
        screen.until("be2gun")
        screen.type("~.")
    assert screen.process.returncode == 0
    until(lambda: here.typed(held, "echo again\n").code == 0, "another shell")


def test_a_second_shell_is_refused_while_somebody_is_inside(here: Here, held: str) -> None:
    with on_screen(here, held) as screen:
        screen.until("leaves it")
        done = here.typed(held, "echo never\n")
        assert done.code == 2
        assert "has a shell in the box of build already" in done.err
        screen.type("~.")


def test_a_box_that_is_not_held_has_no_shell_and_a_cancelled_one_neither(here: Here) -> None:
    name = here.held()
    here.good("cancel", name)
    until(lambda: here.state(name) == "cancelled", "the hold ended")
    done = here.typed(name, "echo never\n")
    assert done.code == 2
    assert "has ended, and its box is gone" in done.err
    assert f"steer retry {name} build --hold" in done.err
    run = json.loads(here.good("show", name, "-o", "json"))
    attempts = {attempt["id"] for job in run["jobs"] for attempt in job["attempts"]}
    until(lambda: left_at_engine(attempts) == [], "the box is removed")
