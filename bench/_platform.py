"""What the benchmarks of the platform share: its programs, their API, their CPU and memory."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from tests.e2e.program import environment

from bench.measure import steer

Row = tuple[str, str, str]
PATIENCE = 600.0
TICKS = os.sysconf("SC_CLK_TCK")
CPUACCT = Path("/sys/fs/cgroup/cpuacct")
UNIFIED = Path("/sys/fs/cgroup")


class Api:
    """One connection that is kept, as one token."""

    def __init__(self, port: int, token: str) -> None:
        self.port = port
        self.token = token
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)

    def response(self, method: str, path: str, body: bytes | None = None) -> Any:
        """Send a request and return its answer, to be read to the end before the next one."""
        headers = {"Authorization": f"Bearer {self.token}"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        try:
            self._connection.request(method, path, body, headers)
            answer = self._connection.getresponse()
        except (http.client.RemoteDisconnected, BrokenPipeError):
            # The server ends connections that were silent for some seconds.
            self._connection.close()
            self._connection.request(method, path, body, headers)
            answer = self._connection.getresponse()
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path}: {answer.status} {answer.read()!r}")
        return answer

    def call(self, method: str, path: str, said: Any = None) -> Any:
        """Return what the server answers in JSON."""
        body = None if said is None else json.dumps(said).encode()
        return json.loads(self.response(method, path, body).read() or b"null")

    def close(self) -> None:
        self._connection.close()


class CpuGroup:
    """A control group: the only one who still knows the CPU of processes nobody waited for."""

    def __init__(self, name: str) -> None:
        self.old = CPUACCT.is_dir()
        base = CPUACCT if self.old else UNIFIED
        self.folder = base / f"steersman-bench-{os.getpid()}-{name}"
        self.folder.mkdir()

    def join(self) -> None:
        """Put the process that calls this, and all it starts, into the group."""
        (self.folder / "cgroup.procs").write_text("0")

    def seconds(self) -> float:
        """Return the CPU all its processes have used, also those that ended."""
        if self.old:
            return int((self.folder / "cpuacct.usage").read_text()) / 1e9
        found = re.search(r"usage_usec (\d+)", (self.folder / "cpu.stat").read_text())
        return int(found[1]) / 1e6 if found else 0.0

    def pids(self) -> list[int]:
        return [int(word) for word in (self.folder / "cgroup.procs").read_text().split()]

    def close(self) -> None:
        """Kill what is left, and remove the group."""
        until(self._emptied, "the group is empty", 20)
        self.folder.rmdir()

    def _emptied(self) -> bool:
        for pid in self.pids():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return not self.pids()


class Started(NamedTuple):
    """A program of ours that is up; *token* is the admin's."""

    pid: int
    port: int
    token: str
    data: Path
    group: CpuGroup

    def api(self, token: str = "") -> Api:
        return Api(self.port, token or self.token)

    def worker_token(self) -> str:
        return str(self.api().call("POST", "/api/v1/workers/tokens/bench")["token"])


@contextmanager
def started(folder: Path, *words: str, host: str = "127.0.0.1") -> Iterator[Started]:
    """Start `steer WORDS` with its data in *folder*; everything it started ends with the block."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o711)
    group = CpuGroup(folder.name)
    data, said = folder / "data", folder / "said"
    command = [*steer(*words), "--data", str(data), "--listen", f"{host}:0"]
    with said.open("wb") as out:
        process = subprocess.Popen(
            command, stdout=out, stderr=out, env=environment(), preexec_fn=group.join
        )
    try:
        until(lambda: "steer trigger" in said.read_text() or process.poll() is not None, "it is up")
        port = re.search(r"is up at http://[^:]+:(\d+)", said.read_text())
        token = re.search(r"steer_pat_\w+", said.read_text())
        if port is None or token is None:
            raise RuntimeError(f"{' '.join(command)}: {said.read_text()}")
        yield Started(process.pid, int(port[1]), token[0], data, group)
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(30)
        group.close()
        process.wait()


def until(
    condition: Callable[[], object], what: str, seconds: float = PATIENCE, pause: float = 0.02
) -> None:
    """Wait for something that other processes do, looking every *pause* seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds} s: {what}")
        time.sleep(pause)


def repository(folder: Path, text: str) -> Path:
    """Make a repository whose only file is a `wercker.yml`."""
    folder.mkdir(parents=True)
    (folder / "wercker.yml").write_text(text)
    identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com"]
    for words in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-q", "-m", "one"]):
        subprocess.run(["git", *identity, *words], cwd=folder, check=True, capture_output=True)
    return folder


def add_project(api: Api, name: str, repository_: Path) -> None:
    """Add a project of a repository on this machine."""
    api.call("POST", "/api/v1/projects", {"name": name, "repository": str(repository_)})


def trigger(api: Api, project: str) -> str:
    """Ask for a run of the branch main and return the id of the trigger."""
    path = f"/api/v1/projects/{project}/triggers"
    return str(api.call("POST", path, {"kind": "push", "branch": "main"})["id"])


def own_cpu(pid: int) -> float:
    """Return the CPU of a process and of those it waited for."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / TICKS


def memory(pid: int, name: str = "VmRSS") -> float:
    """Return a figure of /proc/PID/status in MiB; VmHWM is the most there ever was."""
    found = re.search(rf"{name}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) / 1024 if found else 0.0


def proportional(pid: int) -> float:
    """Return what a process holds in MiB, with pages it shares counted in part."""
    found = re.search(r"^Pss:\s+(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.M)
    return int(found[1]) / 1024 if found else 0.0


def simulate(said: Mapping[str, Any]) -> dict[str, Any]:
    """Let `bench.platform_runners` put load on a server, in a process of its own."""
    words = [sys.executable, "-m", "bench.platform_runners", json.dumps(said)]
    done = subprocess.run(words, check=False, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr[-3000:])
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def median(values: Sequence[float]) -> float:
    return float(statistics.median(values))


@contextmanager
def scratch() -> Iterator[Path]:
    """Give a folder that runners of another user may pass."""
    with tempfile.TemporaryDirectory(prefix="steersman-bench-") as name:
        Path(name).chmod(0o711)
        yield Path(name)


def show(main: Callable[[bool], list[Row]]) -> None:
    """Run one benchmark by itself: `--quick` for a first look, and how busy the machine was."""
    before = os.getloadavg()[0]
    for row in main("--quick" in sys.argv[1:]):
        print(*row, sep="\t")
    print(f"load of the machine before\t{before:.2f}\t")
