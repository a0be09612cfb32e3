"""Interrupted at every stage of a run, and readers that leave."""

from __future__ import annotations

import signal
import subprocess
import threading
from pathlib import Path

import pytest

from tests.e2e import engines
from tests.e2e.program import (
    STEER,
    end,
    environment,
    left_at_engine,
    project,
    run_ids,
    started,
    steer,
)

QUICK = "box: busybox\nbuild:\n  steps:\n    - script: {name: hi, code: echo hi}\n"

AFTER = """\
  after-steps:
    - script: {name: tell, code: 'echo "after: $WERCKER_RESULT"; sleep ${AFTER:-0}'}
"""


def test_a_signal_ends_the_wait_for_an_engine_at_once(tmp_path: Path) -> None:
    folder = project(tmp_path / "p", QUICK)
    with (
        engines.silent(tmp_path / "e.sock") as address,
        subprocess.Popen(
            [*STEER, "build", "--docker-host", address],
            cwd=folder,
            env=environment(),
            stderr=subprocess.PIPE,
            text=True,
        ) as process,
    ):
        waits_for_the_engine(process.pid)
        ended = end(process, signal.SIGINT)
    assert ended.code == 130
    assert "Traceback" not in ended.err


def waits_for_the_engine(pid: int) -> None:
    """Return as soon as a process has connected: then its signal handlers stand."""
    listing = Path(f"/proc/{pid}/status")
    wanted = 1 << (signal.SIGHUP - 1)
    while True:
        caught = next(x for x in listing.read_text().splitlines() if x.startswith("SigCgt"))
        if int(caught.split()[1], 16) & wanted:
            return


def running(*words: str, cwd: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*STEER, *words],
        cwd=cwd,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.engine
@pytest.mark.usefixtures("engine")
def test_a_signal_ends_the_pull_of_an_image(tmp_path: Path) -> None:
    folder = project(tmp_path / "p", QUICK.replace("busybox", "no-such-image-anywhere:1"))
    with (
        engines.deaf_to(b"/images/create", tmp_path / "e.sock") as (address, heard),
        running("build", "--docker-host", address, cwd=folder) as process,
    ):
        assert heard.wait(20)
        ended = end(process, signal.SIGINT)
    assert ended.code == 130, ended.err
    assert "interrupted while the environment was set up" in ended.err
    assert left_at_engine(run_ids(folder)) == []


@pytest.mark.engine
@pytest.mark.usefixtures("engine")
def test_a_signal_ends_the_wait_for_a_service(tmp_path: Path) -> None:
    service = "  services:\n    - {id: 'redis:7', cmd: sleep 600}\n"
    folder = project(tmp_path / "p", QUICK.replace("build:\n", f"build:\n{service}"))
    released = threading.Event()
    released.set()
    listening = engines.deaf_to(b"/attach?", tmp_path / "e.sock", release=released)
    with (
        listening as (address, heard),
        running("build", "--docker-host", address, cwd=folder) as process,
    ):
        assert heard.wait(20)
        ended = end(process, signal.SIGTERM)
    assert ended.code == 130, ended.err
    assert left_at_engine(run_ids(folder)) == []


@pytest.mark.engine
@pytest.mark.usefixtures("engine")
def test_a_signal_during_the_after_steps_ends_them(tmp_path: Path) -> None:
    folder = project(tmp_path / "p", QUICK + AFTER)
    words = ["build", "--env", "AFTER=600"]
    with started(*words, cwd=folder, until="after: passed") as process:
        ended = end(process, signal.SIGINT)
    assert ended.code == 130, ended.err
    assert "interrupted" in ended.err
    assert left_at_engine(run_ids(folder)) == []


@pytest.mark.engine
@pytest.mark.usefixtures("engine")
def test_two_signals_while_the_cache_comes_home_keep_the_old_one(tmp_path: Path) -> None:
    text = QUICK.replace("echo hi", 'echo new > "$WERCKER_CACHE_DIR/one"')
    folder = project(tmp_path / "p", text, {".wercker/cache/one": "old\n"})
    deaf = engines.deaf_to(b"path=%2Fpipeline%2Fcache", tmp_path / "e.sock")
    with (
        deaf as (address, heard),
        running("build", "--docker-host", address, cwd=folder) as process,
    ):
        assert heard.wait(20)
        process.send_signal(signal.SIGTERM)
        assert process.stderr is not None
        assert any("once more to force" in line for line in process.stderr)
        ended = end(process, signal.SIGTERM)
    assert ended.code == 130, ended.err
    assert (folder / ".wercker/cache/one").read_text() == "old\n"
    assert [path.name for path in folder.glob(".wercker/cache*")] == ["cache"]
    assert left_at_engine(run_ids(folder)) == []


@pytest.mark.engine
@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("signals", [2, 3])
def test_two_signals_still_let_all_be_removed_and_three_leave_at_once(
    tmp_path: Path, signals: int
) -> None:
    folder = project(tmp_path / "p", QUICK)
    release = threading.Event()
    # What is removed is asked for by the label of the run.
    deaf = engines.deaf_to(b"steersman.run%3D", tmp_path / "e.sock", release=release)
    with (
        deaf as (address, heard),
        running("build", "--docker-host", address, cwd=folder) as process,
    ):
        assert heard.wait(20)
        for _ in range(signals):
            process.send_signal(signal.SIGTERM)
            assert process.stderr is not None
            assert any(line.startswith("steer: ") for line in process.stderr)
        if signals == 2:
            release.set()
        _, rest = process.communicate(timeout=20)
        left = left_at_engine(run_ids(folder))
        release.set()
    assert process.returncode == 130, rest
    assert "Traceback" not in rest
    assert len(left) == (0 if signals == 2 else 1)
    if left:
        assert steer("build", cwd=folder).code == 0
        assert left_at_engine(run_ids(folder)) == [], "the next run removes it"


@pytest.mark.engine
@pytest.mark.usefixtures("engine")
def test_a_terminal_that_is_closed_ends_the_run(tmp_path: Path) -> None:
    folder = project(tmp_path / "p", QUICK.replace("echo hi", "echo begun; sleep 600") + AFTER)
    with started("build", cwd=folder, until="begun") as process:
        ended = end(process, signal.SIGHUP)
    assert ended.code == 130
    assert ended.out.endswith("after: failed\n")
    assert left_at_engine(run_ids(folder)) == []


def test_a_reader_that_leaves_ends_the_run_quietly(tmp_path: Path, where: str) -> None:
    folder = project(tmp_path / "p", QUICK.replace("echo hi", "seq 1 10000000"))
    with running("build", "--on", where, cwd=folder) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "1\n"
        process.stdout.close()
        assert process.stderr is not None
        said = process.stderr.read()
        assert process.wait(30) == 130
    assert said.splitlines()[-1].strip() == "--> hi"
    assert list(folder.glob(".wercker/host/*")) == []
    if where == "containers":
        assert left_at_engine(run_ids(folder)) == []


def test_a_full_stdout_is_no_bug_of_ours(tmp_path: Path) -> None:
    folder = project(tmp_path / "p", QUICK)
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [*STEER, "build", "--on", "host"],
            cwd=folder, env=environment(), stdout=full, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
    assert done.returncode == 3
    assert "the disk is full" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("closed", ["stdin", "stdout", "stderr"])
def test_streams_that_are_closed_do_no_harm(tmp_path: Path, closed: str) -> None:
    folder = project(tmp_path / "p", QUICK.replace("echo hi", "touch $WERCKER_OUTPUT_DIR/made"))
    number = ("stdin", "stdout", "stderr").index(closed)
    shell = f'exec "$@" {number}>&-'
    words = ["sh", "-c", shell, "sh", *STEER, "build", "--on", "host"]
    assert subprocess.run(words, cwd=folder, env=environment(), capture_output=True).returncode == 0
    assert (folder / ".wercker/latest/output/made").exists()


def test_the_next_run_on_the_host_removes_what_a_killed_one_left(tmp_path: Path) -> None:
    text = QUICK.replace("echo hi", "echo begun $$; sleep 600")
    folder = project(tmp_path / "p", text)
    with started("build", "--on", "host", cwd=folder, until="begun") as process:
        process.kill()
        process.wait()
    (left,) = folder.glob(".wercker/host/*")
    assert processes_naming(left.name)
    (folder / ".wercker" / f"cache.{left.name}.new").mkdir()
    ended = steer("build", "--on", "host", cwd=project(folder, QUICK))
    assert (ended.code, ended.out) == (0, "hi\n")
    assert f"removed what the killed run {left.name} left" in ended.err
    assert list(folder.glob(".wercker/host/*")) == []
    assert processes_naming(left.name) == []
    assert list(folder.glob(".wercker/cache*")) == []


def processes_naming(run_id: str) -> list[str]:
    """Return the commands of living processes in whose environment a run stands."""
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            if run_id.encode() in path.read_bytes():
                found.append(path.with_name("cmdline").read_text())
        except OSError:
            continue
    return found
