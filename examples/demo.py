"""`make demo`: bring the whole platform up, and push the bundled example through it.

Jobs run in containers where an engine answers, else directly on this machine. Everything is kept
in `.demo` beside this folder, so that the platform can be started again and looked at.
"""

from __future__ import annotations

import asyncio
import getpass
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from steersman.containers.docker.door import DockerContainers
from steersman.core.errors import SteersmanError

EXAMPLE = Path(__file__).resolve().parent / "visit-counter"
FOLDER = EXAMPLE.parent.parent / ".demo"
DATA, ORIGIN, WORK = FOLDER / "data", FOLDER / "visit-counter.git", FOLDER / "visit-counter"
PROJECT = "visit-counter"
PATIENCE = 60.0


async def engine_answers() -> str | None:
    """Return None when a container engine answers, else why not."""
    try:
        containers = DockerContainers.from_environment()
        try:
            await containers.require()
        finally:
            await containers.close()
    except SteersmanError as error:
        return str(error)
    return None


def run(*words: str, cwd: Path = FOLDER, check: bool = True) -> int:
    """Show a command and run it."""
    print(f"\n$ {' '.join(words)}", flush=True)
    command = [sys.executable, "-m", "steersman", *words[1:]] if words[0] == "steer" else words
    return subprocess.run(command, cwd=cwd, check=check, env=environment()).returncode


def git(*words: str, cwd: Path) -> None:
    """Run git without showing it, as somebody in particular."""
    identity = ("-c", "user.name=Demo", "-c", "user.email=demo@example.com")
    subprocess.run(["git", *identity, *words], cwd=cwd, check=True, stdout=subprocess.DEVNULL)


def environment() -> dict[str, str]:
    """Return ours, with a login of its own that leaves the user's alone."""
    return {**os.environ, "XDG_CONFIG_HOME": str(FOLDER / "config")}


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def bring_up(port: int, *, on_host: bool) -> tuple[subprocess.Popen[bytes], str]:
    """Start the platform; return its process and the admin's token, which it says once."""
    words = ["up", "--data", str(DATA), "--listen", f"127.0.0.1:{port}"]
    if on_host:
        words += ["--on", "host", "--host-user", getpass.getuser()]
    print(f"$ steer {' '.join(words)}", flush=True)
    log = FOLDER / "platform.log"
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "steersman", *words], stdout=file, stderr=file
        )
    deadline = time.monotonic() + PATIENCE
    while not (found := re.search(r"--token (steer_pat_\w+)", log.read_text())):
        if process.poll() is not None or time.monotonic() > deadline:
            print(log.read_text(), file=sys.stderr)
            raise SystemExit(3)
        time.sleep(0.1)
    print("\n".join(log.read_text().splitlines()[:3]), flush=True)
    return process, found[1]


def make_repository() -> None:
    """Make a bare repository, and a working copy that holds the example."""
    git("init", "--quiet", "--bare", "--initial-branch=main", str(ORIGIN), cwd=FOLDER)
    shutil.copytree(EXAMPLE, WORK, ignore=shutil.ignore_patterns(".wercker", "__pycache__"))
    git("init", "--quiet", "--initial-branch=main", cwd=WORK)
    git("remote", "add", "origin", str(ORIGIN), cwd=WORK)
    git("add", "--all", cwd=WORK)


def show(url: str, token: str, *, on_host: bool) -> int:
    """Do what somebody new would do, and return the exit code of the run."""
    run("steer", "login", url, "--token", token)
    make_repository()
    run("steer", "project", "add", PROJECT, "--repository", str(ORIGIN))
    if not on_host:
        run("steer", "project", "hook", PROJECT, "--install", str(ORIGIN))
    git("commit", "--quiet", "--message", "Count visits", cwd=WORK)
    run("git", "push", "--quiet", "origin", "main", cwd=WORK)
    if on_host:
        run("steer", "trigger", PROJECT, "--branch", "main", "--target", "build-on-host")
    code = run("steer", "watch", PROJECT, check=False)
    job = "build-on-host" if on_host else "build"
    run("steer", "logs", PROJECT, job, "--tail", "12")
    run("steer", "show", PROJECT)
    return code


def main() -> int:
    why_not = asyncio.run(engine_answers())
    if why_not:
        print(f"No container engine answers here ({why_not}).")
        print("Jobs run directly on this machine, and the example without Redis.\n")
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(mode=0o700)
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    process, token = bring_up(port, on_host=bool(why_not))
    try:
        code = show(url, token, on_host=bool(why_not))
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
    print(
        f"\nThe example is {'green' if code == 0 else 'not green'}. Its run: {url}/runs/{PROJECT}/1"
    )
    print("The platform is stopped. Start it again, with all that is in it, by")
    print(f"  .venv/bin/steer up --data {DATA} --listen 127.0.0.1:{port}")
    return code


if __name__ == "__main__":
    sys.exit(main())
