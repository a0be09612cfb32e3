"""Logs, watching and waiting: over lost connections, to the end and no further."""

from __future__ import annotations

import io
import os
import signal
import threading

import pytest
from rich.console import Console

from steersman.cli.remote.snapshots import Line
from steersman.cli.remote.trees import Tree
from tests.cli.remote.conftest import ONE, Runner, Stage, Steer, same

LOG = b"".join(b"line %d \xff\x1b[31m\n" % number for number in range(30_000)) + b"no newline"


@pytest.fixture(scope="module", autouse=True)
def one_job(stage: Stage) -> None:
    stage.repository.commit({"wercker.yml": ONE}, "only one job")


def begun(stage: Stage) -> tuple[str, Runner]:
    """Trigger a run of one job and start its runner."""
    made = stage.api("POST", "projects/shop/triggers", {"branch": "main"})
    runner = stage.runner()
    return stage.run_of(made), runner


@pytest.fixture(scope="module")
def ended(stage: Stage) -> str:
    """A run with a long log, whose last step failed."""
    name, runner = begun(stage)
    for start in range(0, len(LOG), 30_000):
        runner.log(LOG[start : start + 30_000])
    runner.step(1, "setup", "succeeded", seconds=0.5, log_stop=100)
    runner.step(
        2, "test", "failed", log_start=100, seconds=1.0, log_stop=300, message="exit code 2"
    )
    runner.step(3, "twice", "succeeded", seconds=0.5, log_start=300, log_stop=310)
    runner.step(4, "twice", "succeeded", seconds=0.5, log_start=310, log_stop=320)
    runner.end("failed", reason="step-failed", message="step test: exit code 2")
    return name


def raw(steer: Steer, *words: str) -> bytes:
    ended = steer("logs", *words)
    assert (ended.code, ended.err) == (0, "")
    return ended.out.encode("utf-8", "surrogateescape")


@pytest.fixture
def out(monkeypatch: pytest.MonkeyPatch) -> io.BytesIO:
    """What is written to stdout, as bytes."""
    from steersman.cli.remote import logs

    kept = io.BytesIO()
    monkeypatch.setattr(logs, "_write", kept.write)
    return kept


def test_a_log_is_printed_byte_for_byte(steer: Steer, ended: str, out: io.BytesIO) -> None:
    assert steer("logs", ended) == (0, "", "")
    assert out.getvalue() == LOG


def test_a_cut_connection_loses_and_doubles_nothing(
    steer: Steer, stage: Stage, ended: str, out: io.BytesIO
) -> None:
    stage.door.cut = ["/log", "/log"]
    assert steer("logs", "-f", ended, "build").code == 0
    assert stage.door.cut == []
    assert out.getvalue() == LOG


@pytest.mark.parametrize("count", [0, 1, 2, 20_000, 29_999, 30_000, 90_000])
def test_the_tail_is_the_last_lines(steer: Steer, ended: str, out: io.BytesIO, count: int) -> None:
    assert steer("logs", ended, "--tail", str(count)).code == 0
    assert out.getvalue() == b"".join(LOG.splitlines(keepends=True)[max(0, 30_001 - count) :])


def test_a_step_has_its_own_part(steer: Steer, ended: str, out: io.BytesIO) -> None:
    assert steer("logs", ended, "--step", "test").code == 0
    assert steer("logs", ended, "--step", "4").code == 0
    assert out.getvalue() == LOG[100:300] + LOG[310:320]
    double = steer("logs", ended, "--step", "twice")
    assert double.err == "error: several steps are called twice\n\nhint: write 3 or 4\n"
    assert "hint: it has setup, test" in steer("logs", ended, "--step", "x").err
    assert steer("logs", ended, "--attempt", "2").err.endswith("hint: it has 1\n")


def test_following_ends_with_the_log(steer: Steer, stage: Stage, out: io.BytesIO) -> None:
    name, runner = begun(stage)
    runner.log(b"one\n")

    def more() -> None:
        runner.log(b"two\n")
        runner.end()

    stage.door.called["/log"] = lambda: threading.Thread(target=more).start()
    assert steer("logs", name, "-f").code == 0
    assert out.getvalue() == b"one\ntwo\n"


@pytest.mark.parametrize(("state", "code"), [("succeeded", 0), ("failed", 1), ("stopped", 3)])
def test_waiting_ends_as_the_run_does(steer: Steer, stage: Stage, state: str, code: int) -> None:
    name, runner = begun(stage)
    stage.door.called["/events"] = lambda: threading.Thread(target=runner.end, args=[state]).start()
    waited = steer("wait", name)
    assert waited.code == code, waited
    assert waited.out.startswith(f"{name}: ")


def test_waiting_no_longer_than_was_said(steer: Steer, stage: Stage) -> None:
    name, runner = begun(stage)
    waited = steer("wait", name, "--timeout", "0.05")
    assert (waited.code, waited.out) == (3, "")
    assert f"error: the run {name} has not ended after 0.05 s" in waited.err
    runner.end()


def test_watching_tells_what_happened(steer: Steer, stage: Stage, ended: str) -> None:
    watched = steer("watch", ended)
    assert watched.code == 1
    assert same(watched.out, stage) == (
        "build / setup: succeeded in TOOK\n"
        "build / test: failed in TOOK: exit code 2\n"
        "build / twice: succeeded in TOOK\n"
        "build / twice: succeeded in TOOK\n"
        "build: failed in TOOK: step test: exit code 2\n"
        f"{ended}: failed in TOOK\n"
    )


def test_watching_goes_on_after_a_lost_connection(steer: Steer, stage: Stage) -> None:
    name, runner = begun(stage)
    stage.door.cut = ["/events"]

    def end() -> None:
        runner.step(1, "script", "succeeded", seconds=0.5)
        runner.end()

    stage.door.called["/events"] = lambda: stage.door.called.update(
        {"/events": lambda: threading.Thread(target=end).start()}
    )
    watched = steer("watch", name)
    assert stage.door.cut == []
    assert watched.code == 0
    lines = same(watched.out, stage).splitlines()
    assert lines[0] == "build: running"
    assert lines[-3:] == [
        "build / script: succeeded in TOOK",
        "build: succeeded in TOOK",
        f"{name}: succeeded in TOOK",
    ]


@pytest.mark.parametrize("words", [["watch"], ["wait"], ["logs", "-f"]])
def test_an_interrupt_leaves_the_run_alone(steer: Steer, stage: Stage, words: list[str]) -> None:
    name, runner = begun(stage)
    where = "/log" if words[0] == "logs" else "/events"
    stage.door.called[where] = lambda: os.kill(os.getpid(), signal.SIGINT)
    left = steer(*words, name)
    assert left.code == 130
    assert f"the run {name} goes on by itself" in left.err
    assert stage.api("GET", f"runs/{name}")["state"] == "running"
    runner.end()


def test_a_trigger_is_waited_for(steer: Steer, stage: Stage) -> None:
    def work() -> None:
        stage.runner().end("failed", reason="step-failed", message="exit code 1")

    worker = threading.Thread(target=work)
    worker.start()
    done = steer("trigger", "shop", "--branch", "main", "--watch")
    worker.join()
    assert done.code == 1
    assert same(done.out, stage).splitlines()[-1].startswith("shop/")


def test_a_trigger_of_what_is_not_there_says_so(steer: Steer) -> None:
    done = steer("trigger", "shop", "--branch", "nowhere", "--wait")
    assert done.code != 0
    assert "nowhere" in done.err + done.out


def test_a_tree_is_drawn_with_marks_and_times() -> None:
    screen = io.StringIO()
    console = Console(file=screen, width=40, height=10, force_terminal=False, color_system=None)
    lines = [
        Line("build", 1, -1, "build", "succeeded", 0.0, 12.0),
        Line("build", 1, 1, "script", "succeeded", 0.0, 3.0),
        Line("deploy", 1, -1, "deploy", "failed", 0.0, 2.0, "exit code \x1b[2J2"),
        Line("later", 0, -1, "later", "approval", note="waits for ada"),
    ]
    tree = Tree(console, clock=lambda: 20.0)
    tree.show({}, lines)
    tree.close()
    assert [line.rstrip() for line in screen.getvalue().splitlines()] == [
        "✓ build    12.0s",
        "✓   script 3.00s",
        "✗ deploy   2.00s exit code \ufffd[2J2",
        "? later    waits for ada",
    ]
