"""Buildbot 4.3 as a yardstick: a master on SQLite and one worker, in an environment of its own.

It is set up as it comes, and with nothing to do but the command: no repository is fetched. A
worker runs one build of a builder at a time, so that two builders share the two slots.
"""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import time
import venv
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from tests.e2e.program import environment

from bench._platform import CpuGroup, until

SCRATCH = Path.home() / ".cache" / "steersman-bench"
VERSION = "4.3.0"
PACKAGES = ("buildbot", "buildbot-worker", "buildbot-www")
BUILDERS = ("one", "two")
LOOK = 0.2
CONFIG = """\
from buildbot.plugins import schedulers, steps, util, worker

builders = {builders!r}
fixed = [util.CodebaseParameter("", **{{
    name: util.FixedParameter(name=name, default="")
    for name in ("branch", "revision", "repository", "project")
}})]
factory = util.BuildFactory([steps.ShellCommand(command=["true"])])
BuildmasterConfig = {{
    "workers": [worker.Worker("bench", "bench", max_builds=2)],
    "protocols": {{"pb": {{"port": "tcp:{pb}:interface=127.0.0.1"}}}},
    "www": {{"port": "tcp:{web}:interface=127.0.0.1", "plugins": {{}}}},
    "buildbotURL": "http://127.0.0.1:{web}/",
    "db": {{"db_url": "sqlite:///state.sqlite"}},
    "buildbotNetUsageData": None,
    "collapseRequests": False,
    "schedulers": [
        schedulers.ForceScheduler(name="force", builderNames=builders, codebases=fixed)
    ],
    "builders": [
        util.BuilderConfig(name=name, workernames=["bench"], factory=factory) for name in builders
    ],
}}
"""


class Buildbot(NamedTuple):
    """A master that is up, with its worker, in groups that count their CPU."""

    port: int
    master: CpuGroup
    worker: CpuGroup

    def builds(self, count: int) -> float:
        """Run so many builds and return the seconds from the first trigger to the last end."""
        api = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        done = self._ended(api)
        began = time.perf_counter()
        for number in range(count):
            last = self._force(api, BUILDERS[number % 2])
        until(lambda: self._is_complete(api, last), "the last build has ended", pause=LOOK)
        until(lambda: self._ended(api) >= done + count, "every build has succeeded", pause=LOOK)
        return time.perf_counter() - began

    def _force(self, api: http.client.HTTPConnection, builder: str) -> int:
        said = {
            "jsonrpc": "2.0",
            "method": "force",
            "id": 1,
            "params": {"builderNames": [builder], "owner": "ada@example.com"},
        }
        found = _asked(api, "POST", "forceschedulers/force", said)
        return int(next(iter(found["result"][1].values())))

    def _is_complete(self, api: http.client.HTTPConnection, request: int) -> bool:
        found = _asked(api, "GET", f"buildrequests/{request}")
        return bool(found["buildrequests"][0]["complete"])

    def _ended(self, api: http.client.HTTPConnection) -> int:
        path = "builds?complete=true&results=0&field=complete&field=results"
        return len(_asked(api, "GET", path)["builds"])


def _asked(api: http.client.HTTPConnection, method: str, path: str, said: Any = None) -> Any:
    body = None if said is None else json.dumps(said)
    api.request(method, f"/api/v2/{path}", body, {"Content-Type": "application/json"})
    answer = api.getresponse()
    text = answer.read()
    if answer.status >= 300:
        raise RuntimeError(f"buildbot: {method} {path}: {answer.status} {text!r}")
    return json.loads(text)


def install() -> Path:
    """Install Buildbot, unless an earlier run did, and return where its programs are."""
    folder = SCRATCH / f"buildbot-{VERSION}"
    if (folder / "complete").exists():
        return folder / "bin"
    venv.create(folder, with_pip=True, clear=True)
    wanted = [f"{name}=={VERSION}" for name in PACKAGES]
    words = [str(folder / "bin" / "pip"), "install", "--quiet", "--quiet", *wanted]
    subprocess.run(words, check=True, capture_output=True)
    (folder / "complete").touch()
    return folder / "bin"


@contextmanager
def started(folder: Path) -> Iterator[Buildbot]:
    """Install and start master and worker; both end with the block."""
    folder.mkdir(parents=True)
    programs = install()
    pb, web = _free_port(), _free_port()
    master, worker = folder / "master", folder / "worker"
    _run(programs / "buildbot", "create-master", "-r", str(master))
    config = CONFIG.format(builders=list(BUILDERS), pb=pb, web=web)
    (master / "master.cfg").write_text(config)
    there = f"127.0.0.1:{pb}"
    _run(programs / "buildbot-worker", "create-worker", str(worker), there, "bench", "bench")
    groups = CpuGroup("master"), CpuGroup("worker")
    processes: list[subprocess.Popen[bytes]] = []
    try:
        for program, group, base in zip(
            ("buildbot", "buildbot-worker"), groups, (master, worker), strict=True
        ):
            processes.append(_start(programs / program, group, base))
        found = Buildbot(web, *groups)
        until(lambda: _is_up(web), "Buildbot is up with its worker")
        yield found
    finally:
        for process in reversed(processes):
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(15)
        for group in groups:
            group.close()


def _start(program: Path, group: CpuGroup, base: Path) -> subprocess.Popen[bytes]:
    with (base / "said").open("wb") as out:
        return subprocess.Popen(
            [program, "start", "--nodaemon", str(base)],
            stdout=out,
            stderr=out,
            env=_environment(program),
            preexec_fn=group.join,
        )


def _is_up(web: int) -> bool:
    api = http.client.HTTPConnection("127.0.0.1", web, timeout=10)
    try:
        found = _asked(api, "GET", "workers")["workers"]
        return bool(found and found[0]["connected_to"])
    except (OSError, RuntimeError):
        return False
    finally:
        api.close()


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _run(program: Path, *words: str) -> None:
    subprocess.run([program, *words], check=True, capture_output=True, env=_environment(program))


def _environment(program: Path) -> dict[str, str]:
    return environment() | {"PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}"}
