"""Every kind of box the session suite runs over: transport, shell, user, and how to make one."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import secrets
import shutil
import signal
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from steersman.sessions import fifo, pipes, script
from steersman.sessions.attach import SIGNALS, AttachTransport
from steersman.sessions.base import Ending, Kill
from tests.sessions.driven import Driven, ending_of

GRACE = 0.15
ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Subject:
    """*image* None is this machine. *shell* is the command of the steps shell."""

    transport: str
    shell: tuple[str, ...] | None
    image: str | None = None
    user: str = "0"

    @property
    def name(self) -> str:
        where = f"{self.image.partition(':')[0]}-{self.user}" if self.image else "local"
        shell = self.shell[-1].rpartition("/")[2] if self.shell else "default"
        return f"{self.transport}-{where}-{shell}"

    @property
    def missing(self) -> str | None:
        """Why it cannot run on this machine (an engine apart), if so."""
        if self.image is None and self.shell and not shutil.which(self.shell[0]):
            return f"no {self.shell[0]} on this machine"
        return None


LOCAL = [
    Subject(transport, shell)
    for transport in ("attach", "fifo")
    for shell in (("bash",), ("dash",), ("busybox", "ash"))
]
IN_ENGINE = [
    Subject(transport, shell, image, user)
    for transport in ("attach", "fifo")
    for user in ("0", "1000")
    for shell, image in (
        (None, "busybox"),
        (None, "debian:bookworm-slim"),
        (("/bin/dash",), "debian:bookworm-slim"),
    )
]


def make_pipes(directory: Path) -> None:
    """Make the pipes that a box of any user may open."""
    for name in pipes.NAMES:
        os.mkfifo(directory / name)
        (directory / name).chmod(0o666)


class Box:
    """A box with a session in it, driven synchronously."""

    def __init__(self, subject: Subject, folder: Path, *options: str) -> None:
        self.subject = subject
        self.folder = folder
        self.options = options
        self.loop = asyncio.Runner()
        self.container = f"session-test-{secrets.token_hex(6)}"
        self.processes: list[asyncio.subprocess.Process] = []
        self.driven: Driven | None = None
        self.remote: asyncio.subprocess.Process | None = None
        self.loop.run(self._start())

    @property
    def alone(self) -> bool:
        return self.subject.image is not None

    async def _start(self) -> None:
        if self.subject.transport == "attach":
            await self._start_attached()
        else:
            await self._start_with_fifos()

    async def _start_attached(self) -> None:
        token = secrets.token_hex(16)
        argv = script.command(self.subject.shell, token=token, alone=self.alone)
        if self.alone:
            argv = self._docker_run("-i", *self.options) + argv
        # A pipe of our own: asyncio gives a socket, which /proc cannot open again.
        theirs, ours = os.pipe()
        process = await self._spawn(argv, stdin=theirs)
        os.close(theirs)
        transport, _ = await asyncio.get_running_loop().connect_write_pipe(
            asyncio.BaseProtocol, os.fdopen(ours, "wb", buffering=0)
        )

        async def write(data: bytes) -> None:
            transport.write(data)

        async def kill(what: Kill) -> None:
            if self.alone:
                await self._docker("kill", "-s", SIGNALS[what], self.container)
            else:
                kill_session(process.pid, what)

        async def close() -> None:
            transport.close()

        assert process.stdout is not None
        self.driven = Driven(
            AttachTransport(process.stdout, write, kill, token, close=close), GRACE
        )

    async def _start_with_fifos(self) -> None:
        directory = self.folder / "session"
        directory.mkdir()
        make_pipes(directory)
        shutil.copy(script.PATH, directory)
        if not self.alone:
            argv = script.fifo_command(
                self.subject.shell,
                script=str(directory / script.PATH.name),
                directory=str(directory),
                alone=False,
            )
            self.driven = Driven(fifo.FifoTransport(directory), GRACE)
            await self._spawn(argv)
            return
        runner = ["docker", "run", "--rm", "-i", "--network", "none"]
        runner += ["-v", f"{directory}:/session", "-v", f"{ROOT}/src:/src:ro"]
        runner += ["-v", f"{ROOT}/tests:/project/tests:ro", "-e", "PYTHONPATH=/src:/project"]
        runner += ["-e", "PYTHONDONTWRITEBYTECODE=1", "python:3.11-slim"]
        runner += ["python", "-m", "tests.sessions.runner", "/session", str(GRACE)]
        self.remote = await self._spawn(runner, stdin=subprocess.PIPE)
        argv = script.fifo_command(
            self.subject.shell, script=f"/session/{script.PATH.name}", directory="/session"
        )
        mount = ("-v", f"{directory}:/session:ro", *self.options)
        await self._spawn(self._docker_run(*mount) + argv)

    def _docker_run(self, *options: str) -> list[str]:
        run = ["docker", "run", "--rm", "--name", self.container, "--user", self.subject.user]
        run += ["--log-driver", "none", "--network", "none", *options]
        return [*run, self.subject.image or ""]

    async def _spawn(self, argv: list[str], stdin: int = subprocess.DEVNULL) -> Any:
        process = await asyncio.create_subprocess_exec(
            *argv,
            stdin=stdin,
            stdout=subprocess.PIPE,
            start_new_session=True,
            limit=4 * 2**20,
        )
        self.processes.append(process)
        return process

    async def _docker(self, *words: str) -> None:
        process = await asyncio.create_subprocess_exec(
            "docker", *words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        await process.wait()

    def do(self, what: str, **request: Any) -> dict[str, Any]:
        return self.loop.run(self._do({"do": what, **request}))

    async def _do(self, request: dict[str, Any]) -> dict[str, Any]:
        if self.driven is not None:
            return await self.driven.answer(request)
        assert self.remote is not None
        assert self.remote.stdin is not None
        assert self.remote.stdout is not None
        self.remote.stdin.write(json.dumps(request).encode() + b"\n")
        answer: dict[str, Any] = json.loads(await self.remote.stdout.readline())
        return answer

    def open(self, prelude: str = "", seconds: float = 20) -> dict[str, Any]:
        return self.do("open", prelude=prelude, seconds=seconds)

    def run(self, text: str, **limits: Any) -> tuple[Ending, bytes]:
        """Run *text*; a test that hangs is a failure, so there always is a timeout."""
        answer = self.do("run", script=text, **({"timeout": 20} | limits))
        assert "error" not in answer, answer
        return ending_of(answer), base64.b64decode(answer["output"])

    def ask(self, text: str) -> bytes:
        answer = self.do("ask", script=text)
        assert "error" not in answer, answer
        return base64.b64decode(answer["answer"])

    def renew(self) -> bool:
        return bool(self.do("renew")["renewed"])

    def stop(self) -> None:
        """End the box from outside, as a node or a user would."""
        if self.alone:
            self.loop.run(self._docker("kill", self.container))
        else:
            kill_all(self.processes[0].pid)

    def close(self) -> None:
        self.loop.run(self._close())
        self.loop.close()

    async def _close(self) -> None:
        if self.alone:
            await self._docker("rm", "-f", self.container)
        if self.remote is not None and self.remote.stdin is not None:
            self.remote.stdin.close()
        if self.driven is not None:
            await self.driven.session.close()
        for process in self.processes:
            if not self.alone:
                kill_all(process.pid)
            await process.communicate()


def session_of(pid: int) -> int:
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return 0


def members(session: int) -> list[int]:
    pids = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    return [pid for pid in pids if session_of(pid) == session]


def shell_of(supervisor: int) -> int:
    children = Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text().split()
    return int(children[0]) if children else 0


def kill_session(supervisor: int, what: Kill) -> None:
    """What a door without process ids of its own does: it looks for the members itself."""
    spared = {supervisor} | ({shell_of(supervisor)} if what is Kill.SPARE_SHELL else set())
    number = signal.SIGTERM if what is Kill.TERM else signal.SIGKILL
    for pid in members(supervisor):
        if pid not in spared:
            with suppress(ProcessLookupError):
                os.kill(pid, number)


def kill_all(supervisor: int) -> None:
    # Processes fork while we look, hence more than one round.
    for _ in range(3):
        for pid in members(supervisor):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
