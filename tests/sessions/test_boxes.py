"""Boxes that are not as they should be: no shell, the wrong command, pipes that are none."""

from __future__ import annotations

import asyncio
import os
import select
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from steersman.core.errors import Refused
from steersman.sessions import fifo, pipes
from steersman.sessions.base import End, Ending, Kill
from tests.sessions.subjects import IN_ENGINE, Box, Subject, make_pipes, members

Make = Callable[..., Box]
BUSYBOX = [each for each in IN_ENGINE if each.image == "busybox" and each.user == "0"]
DEBIAN = Subject("attach", None, "debian:bookworm-slim")


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    made: list[Box] = []

    def make(subject: Subject, *options: str) -> Box:
        made.append(Box(subject, tmp_path, *options))
        return made[-1]

    yield make
    for each in made:
        each.close()


def test_a_cmd_that_is_no_shell_is_refused_in_words(make: Make) -> None:
    box = make(Subject("attach", ("sh", "-c", "echo hello from me; exit 3")))
    answer = box.open()
    assert answer["error"] == "UserError"
    assert "ended at once with status 3" in answer["words"]
    assert "hello from me" in answer["hint"]


def test_a_cmd_that_is_missing_is_refused_in_words(make: Make) -> None:
    answer = make(Subject("attach", ("no-such-shell",))).open()
    assert answer["error"] == "UserError"
    assert "status 127" in answer["words"]
    assert "no-such-shell" in answer["hint"]


def test_a_shell_that_does_not_answer_is_given_up(make: Make) -> None:
    answer = make(Subject("attach", ("sleep", "60"))).open(seconds=0.2)
    assert answer["error"] in ("Unavailable", "UserError")
    answer = make(Subject("attach", ("sh", "-c", "sleep 60"))).open(seconds=0.2)
    assert answer["error"] == "Unavailable"
    assert "did not answer within 0.2 s" in answer["words"]


def test_a_prelude_that_fails_is_refused(make: Make) -> None:
    answer = make(Subject("attach", ("sh",))).open(prelude="exit 7")
    assert answer["error"] == "Refused"
    assert "environment: 7" in answer["words"]


@pytest.mark.engine
@pytest.mark.parametrize("subject", BUSYBOX, ids=lambda subject: subject.name)
@pytest.mark.usefixtures("engine")
def test_the_kernel_killing_for_memory_is_counted(make: Make, subject: Subject) -> None:
    box = make(subject, "--memory", "32m", "--memory-swap", "32m")
    assert "error" not in box.open()
    greedy = "dd if=/dev/zero of=/dev/null bs=100M count=1"
    ending, _ = box.run(greedy)
    assert (ending.end, ending.status, ending.oom_kills) == (End.RETURNED, 137, 1)
    ending, _ = box.run(f"{greedy}; exit 0")
    assert (ending.end, ending.status, ending.oom_kills) == (End.EXITED, 0, 1)
    assert box.run("true")[0] == Ending(end=End.RETURNED, status=0)


@pytest.mark.engine
@pytest.mark.usefixtures("engine")
def test_steps_do_not_ignore_interrupts_where_bash_is(make: Make) -> None:
    box = make(DEBIAN)
    assert "error" not in box.open()
    assert b"SigIgn:\t0000000000000000\n" in box.run("grep SigIgn /proc/self/status")[1]


def test_a_box_that_fills_the_pipe_for_kills_holds_nobody_up(tmp_path: Path) -> None:
    make_pipes(tmp_path)
    filled = os.open(tmp_path / "kill", os.O_RDWR | os.O_NONBLOCK)
    with suppress(BlockingIOError):
        while True:
            os.write(filled, bytes(4096))

    async def body() -> None:
        transport = fifo.FifoTransport(tmp_path)
        await transport.kill(Kill.ALL)
        await transport.close()
        fifo.tell(tmp_path, Kill.END)

    asyncio.run(asyncio.wait_for(body(), 20))
    os.close(filled)


def test_a_box_hears_what_was_asked_while_nobody_listened(make: Make) -> None:
    box = make(Subject("fifo", ("dash",)))
    assert "error" not in box.open()
    assert box.driven is not None
    box.loop.run(box.driven.session.close())
    session, supervisor = box.folder / "session", box.processes[0].pid
    ended, listens = os.pidfd_open(supervisor), f"{session}/kill"
    children = set(members(supervisor)) - {supervisor}
    (helper,) = (each for each in children if os.readlink(f"/proc/{each}/fd/0") == listens)
    os.kill(helper, signal.SIGKILL)
    while helper in members(supervisor):
        pass  # dying, it might still take a byte
    # We are gone at once, too: nobody but the supervisor holds the pipe.
    fifo.tell(session, Kill.END)
    hearing = os.open(session / "control", os.O_RDONLY | os.O_NONBLOCK)
    for shell in children - {helper}:
        with suppress(ProcessLookupError):
            os.kill(shell, signal.SIGKILL)
    assert select.select([ended], [], [], 20)[0]
    os.close(hearing)
    os.close(ended)


@pytest.mark.parametrize("name", pipes.NAMES)
def test_what_is_no_pipe_is_refused_by_the_runner(tmp_path: Path, name: str) -> None:
    make_pipes(tmp_path)
    path = tmp_path / name
    path.rename(tmp_path / "aside")
    with pytest.raises(Refused, match=name):
        fifo.FifoTransport(tmp_path)
    path.write_text("a file")
    with pytest.raises(Refused, match=f"{name} is not a pipe"):
        fifo.FifoTransport(tmp_path)
    path.unlink()
    path.symlink_to("aside")
    with pytest.raises(Refused, match=name):
        fifo.FifoTransport(tmp_path)
