"""Whole jobs in pods on the engine, several at once: what tests look at when they are over."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

from tests.runner_pod.engine_pods import EnginePod
from tests.runner_pod.platforms import Granted, Platform

AT_ONCE = 4
BOXES = {
    "busybox": "busybox",
    "debian": "debian:bookworm-slim",
    "user": '{id: debian:bookworm-slim, user: "1000"}',
}


class Over(NamedTuple):
    """A job that has ended, and how its runner did."""

    granted: Granted
    code: int
    attempt: dict[str, Any]
    log: str
    files: dict[str, set[str]]

    @property
    def token(self) -> str:
        return str(self.granted.order["token"])


def pipeline(box: str, code: str) -> str:
    """Return a file whose one step runs *code*, and an after-step."""
    lines = "\n".join(f"          {line.strip()}" for line in code.strip().splitlines())
    return (
        f"box: {box}\nbuild:\n  steps:\n    - script:\n        name: attack\n"
        f"        code: |\n{lines}\n"
        "  after-steps:\n    - script: {name: after, code: echo after-step ran}\n"
    )


def kept(platform: Platform, granted: Granted) -> dict[str, set[str]]:
    """Return the names of the files of each artifact that was kept, by its kind."""
    call = platform.machine.call
    listed = call("GET", f"/api/v1/runs/{granted.run}/artifacts")["items"]
    return {
        each["kind"]: {
            file["name"] for file in call("GET", f"/api/v1/artifacts/{each['id']}/files")["items"]
        }
        for each in listed
    }


class Jobs:
    """Runs each job once, however many tests look at it."""

    def __init__(self, platform: Platform, folder: Path) -> None:
        self.platform, self._folder = platform, folder
        self._pool = ThreadPoolExecutor(AT_ONCE)
        self._found: dict[str, Future[Over]] = {}

    def begin(self, name: str, files: Mapping[str, str]) -> None:
        """Let a job run."""
        self._found[name] = self._pool.submit(self._run, self._folder / name, files)

    def over(self, name: str) -> Over:
        """Return a job once it has ended."""
        return self._found[name].result(100)

    def _run(self, folder: Path, files: Mapping[str, str]) -> Over:
        granted = self.platform.granted(folder / "repository", files)
        pod = EnginePod(folder / "pod", granted.order)
        try:
            assert pod.prepare() == 0, pod.printed("prepare")
            pod.start()
            code = pod.code("runner")
            assert code == 0, pod.printed("runner")
        finally:
            pod.close()
        platform = self.platform
        attempt, log = platform.attempt(granted), platform.log(granted)
        return Over(granted, code, attempt, log, kept(platform, granted))

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)
