"""Runs `steer` as a user would: another process, its two streams and its exit code."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

STEER = [sys.executable, "-m", "steersman"]


class Ended(NamedTuple):
    """How a program ended."""

    code: int
    out: str
    err: str


def environment(**more: str) -> dict[str, str]:
    """Return an environment without what a CI system around us would say."""
    names = ("PATH", "HOME", "LANG", "TMPDIR", "DOCKER_HOST")
    return {name: os.environ[name] for name in names if name in os.environ} | more


def steer(*words: str, cwd: Path, timeout: float = 90, **env: str) -> Ended:
    """Run `steer` to its end."""
    done = subprocess.run(
        [*STEER, *words],
        cwd=cwd,
        env=environment(**env),
        capture_output=True,
        stdin=subprocess.DEVNULL,
        text=True,
        errors="replace",
        timeout=timeout,
        check=False,
    )
    return Ended(done.returncode, done.stdout, done.stderr)


@contextmanager
def started(
    *words: str, cwd: Path, until: str, stream: str = "stdout", **env: str
) -> Iterator[subprocess.Popen[str]]:
    """Start `steer` and wait until it has printed *until*; it is killed at the end."""
    process = subprocess.Popen(
        [*STEER, *words],
        cwd=cwd,
        env=environment(**env),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    lines = getattr(process, stream)
    try:
        for line in lines:
            if until in line:
                break
        else:
            raise AssertionError(f"it never printed {until}: {process.communicate()}")
        yield process
    finally:
        process.kill()
        process.communicate()


def on_terminal(*words: str, keys: bytes, cwd: Path) -> tuple[int, str]:
    """Run `steer` on a terminal where *keys* were typed ahead; return its code and all it drew."""
    ours, theirs = os.openpty()
    os.write(ours, keys)
    with subprocess.Popen(
        [*STEER, *words],
        cwd=cwd,
        env=environment(TERM="xterm"),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    ) as process:
        os.close(theirs)
        seen = b""
        with suppress(OSError):  # how Linux says that the other side has closed
            while data := os.read(ours, 1 << 16):
                seen += data
        os.close(ours)
    return process.returncode, seen.decode(errors="replace")


def end(process: subprocess.Popen[str], number: signal.Signals) -> Ended:
    """Send a signal and wait for the end."""
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    return Ended(process.returncode, out, err)


def project(folder: Path, text: str, files: Mapping[str, str] | None = None) -> Path:
    """Write a project with this wercker.yml."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "wercker.yml").write_text(text)
    for name, content in (files or {}).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
    return folder


def with_own_step(folder: Path, manifest: str, code: str = "echo ran") -> Path:
    """Put the step my/step into a project."""
    step = folder / ".wercker" / "steps" / "my-step"
    step.mkdir(parents=True)
    (step / "step.yml").write_text(manifest)
    (step / "run.sh").write_text(code)
    return folder


def run_ids(folder: Path) -> set[str]:
    """Return the ids of the runs a project knows."""
    builds = folder / ".wercker" / "builds"
    return {path.name for path in builds.iterdir()} if builds.is_dir() else set()


def left_at_engine(ids: set[str]) -> list[str]:
    """Ask the engine what stands that belongs to these runs: containers, networks and volumes."""
    found: list[str] = []
    for kind, show in (("container", ["ls", "-a"]), ("network", ["ls"]), ("volume", ["ls"])):
        words = ["docker", kind, *show, "--filter", "label=steersman.run", "--format", "{{json .}}"]
        listed = subprocess.run(words, capture_output=True, text=True, check=True).stdout
        for line in listed.splitlines():
            entry = json.loads(line)
            if any(f"steersman.run={one}" in entry.get("Labels", "") for one in ids):
                found.append(f"{kind} {entry.get('Names') or entry.get('Name')}")
    return found
